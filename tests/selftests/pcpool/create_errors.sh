#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Wrong parameters are refused, with the right error, and named in the log.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

load

# What the kernel log must say in the end: a word of each line, one a refusal.
words=()

# refused ERROR WORD NAME [KEY=VALUE]...: creation fails so
refused() {
	local error=$1 message
	words+=("$2")
	shift 2
	if message=$(tell create "$@" 2>&1); then
		fail "create $* was not refused"
	fi
	[[ $message == *"$error" ]] || fail "create $*: $message, not $error"
}

invalid() {
	refused 'Invalid argument' "$@"
}

# logged [POOLS]: one line for each refusal since log_mark names what was wrong, and
# there are no pools, or so many
logged() {
	local -a lines
	local i
	mapfile -t lines < <(log_since | grep pcpool)
	equal "lines in the log" ${#lines[@]} ${#words[@]}
	for i in "${!words[@]}"; do
		grep -qw -- "${words[i]}" <<<"${lines[i]}" ||
			fail "the log does not name ${words[i]}: ${lines[i]}"
	done
	equal "pools in debugfs" "$(tail -n +2 $debugfs/pcpool/pools | wc -l)" "${1:-0}"
}

longest_name=abcdefghijklmnopqrstuvwxyz-_.AZ

a_missing_name_is_refused() {
	log_mark
	invalid name any has_name=0
	invalid name ''
	logged
}

a_name_with_other_characters_is_refused() {
	local name
	log_mark
	for name in a/b /a .. . 'a:b' 'a*' $'a\tb' $'a\xc3\xa4' 'a%sb'; do
		invalid name "$name"
	done
	logged
}

a_name_that_debugfs_needs_is_refused() {
	log_mark
	invalid name pools
	invalid name snapshot
	logged
}

a_name_is_at_most_31_characters() {
	log_mark
	equal "length of the longest name" ${#longest_name} 31
	tell create $longest_name
	[ -d $debugfs/pcpool/$longest_name ]
	invalid name ${longest_name}x
	logged 1
}

a_taken_name_is_refused_until_it_is_free() {
	log_mark
	tell create taken
	refused 'File exists' name taken
	tell destroy taken
	tell create taken
	logged 1
}

missing_callbacks_are_refused() {
	log_mark
	invalid ops a has_ops=0
	invalid alloc a has_alloc=0
	invalid free a has_free=0
	logged
}

no_object_bytes_are_refused() {
	log_mark
	invalid object_bytes a object_bytes=0
	logged
}

absurd_private_slots_are_refused() {
	log_mark
	tell create most private=64
	invalid private_slots a private=65
	invalid private_slots a private=4294967295
	logged 1
}

unknown_flags_are_refused() {
	log_mark
	invalid flags a flags=0x80000000
	invalid flags a flags=3
	logged
}

an_unknown_steal_policy_is_refused() {
	log_mark
	invalid steal a steal=3
	logged
}

# Until they mean something, they must not seem to.
fields_of_later_versions_are_refused() {
	log_mark
	invalid max_object_bytes a max_object_bytes=1
	invalid max_idle a max_idle=1
	invalid max_total a max_total=1
	invalid reserve a reserve=1
	logged
}

run_tests a_missing_name_is_refused a_name_with_other_characters_is_refused \
	a_name_that_debugfs_needs_is_refused a_name_is_at_most_31_characters \
	a_taken_name_is_refused_until_it_is_free missing_callbacks_are_refused \
	no_object_bytes_are_refused absurd_private_slots_are_refused unknown_flags_are_refused \
	an_unknown_steal_policy_is_refused fields_of_later_versions_are_refused
