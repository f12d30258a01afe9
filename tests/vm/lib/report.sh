# shellcheck shell=bash disable=SC2034,SC2154 # globals pass between run and its parts
# Reading a guest's kernel log for what must not be in it. The patterns stand in
# ../reports, what is let pass and why in ../noise.

# find_reports LOG KERNEL [EXPECTED...]: prints the first lines of each report that
# neither ../noise nor an EXPECTED pattern (both extended regular expressions) covers,
# and each EXPECTED that nothing matched. Fails if it printed anything.
find_reports() {
	local log=$1 kernel=$2
	shift 2
	local expected=''
	[[ $# -eq 0 ]] || printf -v expected '%s\n' "$@"
	# through the environment, for awk would read backslashes in its -v values as escapes
	kernel=$kernel expected=$expected awk -f "$vm_dir/lib/report.awk" \
		"$vm_dir/reports" "$vm_dir/noise" "$log"
}
