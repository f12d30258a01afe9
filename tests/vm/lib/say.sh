# shellcheck shell=bash disable=SC2034,SC2154 # globals pass between run and its parts
# How the scripts here talk: everything but a command's own output goes to
# stderr, a line a fact, so that stdout can be read by programs.

# exit statuses that do not come from the command inside the guest
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

# logged LOG WHAT COMMAND...: runs a long step out of sight, but shows how it ended if badly
logged() {
	local log=$1 what=$2
	shift 2
	if ! "$@" >>"$log" 2>&1 </dev/null; then
		tail -n 40 "$log" >&2
		die "$what failed; the whole log is $log"
	fi
}
