#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Invalid parameters are refused with the right error, and the log names them.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

load

# The words that the kernel log must contain at the end, one line per refusal.
words=()

# refused ERROR WORD NAME [KEY=VALUE]...: creation fails with ERROR; the log must contain WORD
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

# logged [POOLS]: since log_mark, the log has one line for each refusal, with its word; and there are
# POOLS pools (default: 0)
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

a_name_used_by_debugfs_is_refused() {
	log_mark
	invalid name pools
	invalid name snapshot
	logged
}

a_name_has_at_most_31_characters() {
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

zero_object_bytes_are_refused() {
	log_mark
	invalid object_bytes a object_bytes=0
	logged
}

too_many_private_slots_are_refused() {
	log_mark
	tell create most private=64
	invalid private_slots a private=65
	invalid private_slots a private=4294967295
	logged 1
}

unknown_flags_are_refused() {
	log_mark
	invalid flags a flags=0x80000000
	invalid flags a flags=32
	invalid flags a flags=17
	tell create all flags=15
	logged 1
}

an_unknown_steal_policy_is_refused() {
	log_mark
	invalid steal a steal=3
	logged
}

max_object_bytes_requires_the_bytes_callback() {
	log_mark
	invalid 'max_object_bytes is 4096, but ops->bytes is NULL' a max_object_bytes=4096 has_bytes=0
	tell create with max_object_bytes=4096
	tell create without has_bytes=0
	logged 2
}

max_object_bytes_below_object_bytes_are_refused() {
	log_mark
	invalid 'max_object_bytes 999 is less than object_bytes 1000' \
		a object_bytes=1000 max_object_bytes=999
	invalid 'max_object_bytes 1 is less than object_bytes 1000' \
		a object_bytes=1000 max_object_bytes=1
	tell create equal object_bytes=1000 max_object_bytes=1000
	logged 1
}

# A negative number becomes such a value.
out_of_range_bounds_are_refused() {
	log_mark
	invalid 'max_idle 18446744073709551615 is absurd' a max_idle=18446744073709551615
	invalid 'max_idle 9223372036854775808 is absurd' a max_idle=9223372036854775808
	invalid 'max_total 9223372036854775808 is absurd' a max_total=9223372036854775808
	tell create most max_idle=9223372036854775807 max_total=9223372036854775807
	tell create least max_idle=1 max_total=1
	logged 2
}

a_reserve_beyond_the_bounds_is_refused() {
	log_mark
	invalid 'reserve 1000001 is more than 1000000' a reserve=1000001
	invalid 'reserve 3 is more than max_idle 2' a reserve=3 max_idle=2
	invalid 'reserve 3 is more than max_total 2' a reserve=3 max_total=2
	invalid 'reserve 3 is more than max_total 2' a reserve=3 max_idle=3 max_total=2
	tell create equal reserve=3 max_idle=3 max_total=3
	tell create more reserve=3
	logged 2
}

a_reserve_that_cannot_be_allocated_is_an_error() {
	log_mark
	refused 'Cannot allocate memory' 'reserve 3: cannot allocate so many objects' a reserve=3 fail=1
	tell create a fail=1
	tell create b reserve=3
	logged 2
}

run_tests a_missing_name_is_refused a_name_with_other_characters_is_refused \
	a_name_used_by_debugfs_is_refused a_name_has_at_most_31_characters \
	a_taken_name_is_refused_until_it_is_free missing_callbacks_are_refused \
	zero_object_bytes_are_refused too_many_private_slots_are_refused \
	unknown_flags_are_refused an_unknown_steal_policy_is_refused \
	max_object_bytes_requires_the_bytes_callback \
	max_object_bytes_below_object_bytes_are_refused out_of_range_bounds_are_refused \
	a_reserve_beyond_the_bounds_is_refused a_reserve_that_cannot_be_allocated_is_an_error
