# shellcheck shell=bash disable=SC2154 # the caller sets started and step_number
# Output of both halves of the demo: numbered steps with the time since the start.
# The caller sets step_number and started (seconds since 1970).

step() {
	step_number=$((step_number + 1))
	printf '\n[%3d s] %d. %s\n' $((EPOCHSECONDS - started)) "$step_number" "$*"
}

# tell [LINE]...: prints the lines, or its input, as part of the current step
tell() {
	if [[ $# -gt 0 ]]; then
		printf '         %s\n' "$@"
	else
		sed 's/^/         /'
	fi
}

fail() {
	printf '\ndemo: %s\n' "$*" >&2
	exit 1
}
