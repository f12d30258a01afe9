#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Wrong parameters are refused, with the right error, and named in the log.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

load

# refused ERROR FIELD NAME [KEY=VALUE]...: creation fails so, and one line says why
refused() {
	local error=$1 field=$2 message lines
	shift 2
	log_mark
	if message=$(tell create "$@" 2>&1); then
		fail "create $* was not refused"
	fi
	[[ $message == *"$error" ]] || fail "create $*: $message, not $error"
	lines=$(log_since | grep pcpool || true)
	equal "lines in the log about: create $*" "$(grep -c . <<<"$lines")" 1
	grep -qw -- "$field" <<<"$lines" || fail "the log does not name $field: $lines"
	equal "pools in debugfs" "$(tail -n +2 $debugfs/pcpool/pools | wc -l)" "${already:-0}"
}

invalid() {
	refused 'Invalid argument' "$@"
}

longest_name=abcdefghijklmnopqrstuvwxyz-_.AZ

a_missing_name_is_refused() {
	invalid name any has_name=0
	invalid name ''
}

a_name_with_other_characters_is_refused() {
	local name
	for name in a/b /a .. . 'a:b' 'a*' $'a\tb' $'a\xc3\xa4' 'a%sb'; do
		invalid name "$name"
	done
}

a_name_that_debugfs_needs_is_refused() {
	invalid name pools
	invalid name snapshot
}

a_name_is_at_most_31_characters() {
	equal "length of the longest name" ${#longest_name} 31
	tell create $longest_name
	[ -d $debugfs/pcpool/$longest_name ]
	already=1
	invalid name ${longest_name}x
}

a_taken_name_is_refused_until_it_is_free() {
	tell create taken
	already=1
	refused 'File exists' name taken
	tell destroy taken
	tell create taken
}

missing_callbacks_are_refused() {
	invalid ops a has_ops=0
	invalid alloc a has_alloc=0
	invalid free a has_free=0
}

no_object_bytes_are_refused() {
	invalid object_bytes a object_bytes=0
}

absurd_private_slots_are_refused() {
	tell create most private=64
	already=1
	invalid private_slots a private=65
	invalid private_slots a private=4294967295
}

unknown_flags_are_refused() {
	invalid flags a flags=0x80000000
	invalid flags a flags=3
}

an_unknown_steal_policy_is_refused() {
	invalid steal a steal=3
}

# Until they mean something, they must not seem to.
fields_of_later_versions_are_refused() {
	invalid max_object_bytes a max_object_bytes=1
	invalid max_idle a max_idle=1
	invalid max_total a max_total=1
	invalid reserve a reserve=1
}

run_tests a_missing_name_is_refused a_name_with_other_characters_is_refused \
	a_name_that_debugfs_needs_is_refused a_name_is_at_most_31_characters \
	a_taken_name_is_refused_until_it_is_free missing_callbacks_are_refused \
	no_object_bytes_are_refused absurd_private_slots_are_refused unknown_flags_are_refused \
	an_unknown_steal_policy_is_refused fields_of_later_versions_are_refused
