# shellcheck shell=bash disable=SC2034,SC2154 # globals pass between run and its parts
# Messages of the scripts here. Everything but a command's own output goes to
# stderr, so that programs can read stdout.

# Exit statuses that do not come from the command in the guest.
readonly EXIT_FAILED=1 EXIT_USAGE=2 EXIT_REPORT=99 EXIT_TIMEOUT=124

say() {
	printf 'vm: %s\n' "$*" >&2
}

die() {
	say "$@"
	exit "$EXIT_FAILED"
}

usage_error() {
	say "$@"
	exit "$EXIT_USAGE"
}

# logged LOG WHAT COMMAND...: runs the command with its output in LOG; on failure, shows the end of
# LOG and exits
logged() {
	local log=$1 what=$2
	shift 2
	if ! "$@" >>"$log" 2>&1 </dev/null; then
		tail -n 40 "$log" >&2
		die "$what failed; the full log is $log"
	fi
}
