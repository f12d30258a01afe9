# shellcheck shell=bash disable=SC2034,SC2154 # globals pass between run and its parts
# Searches a guest's kernel log for reports. ../reports has the patterns, ../noise
# the reports to ignore, with reasons.

# find_reports LOG KERNEL [EXPECTED...]: prints the first lines of each report that
# neither ../noise nor an EXPECTED pattern (both extended regular expressions) covers,
# and each EXPECTED that nothing matched. Fails if it printed anything.
find_reports() {
	local log=$1 kernel=$2
	shift 2
	local expected=''
	[[ $# -eq 0 ]] || printf -v expected '%s\n' "$@"
	# Passed in the environment, because awk -v interprets backslashes.
	kernel=$kernel expected=$expected awk -f "$vm_dir/lib/report.awk" \
		"$vm_dir/reports" "$vm_dir/noise" "$log"
}
