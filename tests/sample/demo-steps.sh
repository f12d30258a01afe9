# shellcheck shell=bash disable=SC2154 # started and step_number are the caller's
# How both halves of the demo talk: numbered steps, each with the time since the
# very start. The caller sets step_number and started (seconds since 1970).

step() {
	step_number=$((step_number + 1))
	printf '\n[%3d s] %d. %s\n' $((EPOCHSECONDS - started)) "$step_number" "$*"
}

# What belongs to a step; without arguments, what comes in.
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
