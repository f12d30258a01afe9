#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Debug mode: switching it, its reports and its files. permissions.sh tests who may read them.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

load
parameter=/sys/module/pcpool/parameters/debug

# debugged POOL: prints 1 if the pool is in debug mode, otherwise 0
debugged() {
	cat "$debugfs/pcpool/$1/debug"
}

# outstanding POOL: one line per outstanding object, without comments and headings
outstanding() {
	grep -vE '^(#|object )' "$debugfs/pcpool/$1/outstanding" || :
}

# reports: the messages of pcpool since log_mark
reports() {
	log_since | grep 'pcpool: ' || :
}

debug_mode_is_off_by_default() {
	tell create a
	equal debug "$(debugged a)" 0
	equal "the parameter" "$(<$parameter)" N
	equal "mode of the parameter" "$(stat -c %a $parameter)" 600
	tell get a 1 0
	equal outstanding "$(<$debugfs/pcpool/a/outstanding)" \
		'# debug mode is off: write 1 to debug'
	expect a misuses=0
}

a_pool_is_switched_by_its_own_file() {
	tell create a
	tell create b
	debug a 1
	equal "debug of a" "$(debugged a)" 1
	equal "debug of b" "$(debugged b)" 0
	equal "the parameter" "$(<$parameter)" N
	tell create c
	equal "debug of a new pool" "$(debugged c)" 0
	debug a 0
	equal "debug of a" "$(debugged a)" 0
	tell get a 1 0
	equal outstanding "$(<$debugfs/pcpool/a/outstanding)" \
		'# debug mode is off: write 1 to debug'
}

the_parameter_switches_existing_and_new_pools() {
	local pool
	tell create a
	tell create b
	debug b 1
	echo 1 >$parameter
	tell create c
	for pool in a b c; do
		equal "debug of $pool" "$(debugged $pool)" 1
	done
	equal "the parameter" "$(<$parameter)" Y
	debug c 0
	equal "debug of a" "$(debugged a)" 1
	echo 0 >$parameter
	tell create d
	for pool in a b c d; do
		equal "debug of $pool" "$(debugged $pool)" 0
	done
	equal "the parameter" "$(<$parameter)" N
}

the_module_can_be_loaded_in_debug_mode() {
	unload
	insmod "$PCPOOL_BUILD/pcpool.ko" debug=1
	insmod "$PCPOOL_BUILD/selftests/pcpool_selftest.ko"
	equal "the parameter" "$(<$parameter)" Y
	tell create a
	equal debug "$(debugged a)" 1
	tell get a 2 0
	equal "outstanding objects" "$(outstanding a | wc -l)" 2
	tell put a 2 0
	balanced a
	tell destroy a
	load
	equal "the parameter" "$(<$parameter)" N
}

an_object_put_twice_is_reported_once() {
	tell create a
	debug a 1
	tell get a 3 0
	log_mark
	tell put_twice a 1 "$last_cpu"
	reports
	equal "reports" "$(reports | wc -l)" 1
	# The compiler may rename a function that it transforms, for example to give.isra.0.
	reports | grep -qE "pcpool: a: object [^ ]+ put twice: \
now by give_again[^ ]*\+.*, before by give[^ _]*\+.*; got by get_job\+"
	expect a misuses=1 puts=1 outstanding=2 idle_main=1
	balanced a
}

# The client module counts an error if an object has two owners.
a_pool_stays_consistent_after_a_double_put() {
	local options
	for options in '' max_idle=4 max_total=100 'max_idle=100 reserve=4' flags=1 flags=4 flags=8; do
		# shellcheck disable=SC2086 # several words
		tell create a $options
		debug a 1
		tell get a 20 0
		tell put_twice a 20 "$last_cpu"
		expect a misuses=20 puts=20 outstanding=0
		tell get a 40 0
		balanced a
		tell put a 40 0
		tell start a
		sleep 0.3
		tell stop a
		age a
		drain a
		balanced a
		expect a misuses=20
		tell destroy a
	done
}

the_number_of_reports_is_limited() {
	tell create a
	debug a 1
	tell get a 150 0
	log_mark
	tell put_twice a 150 0
	expect a misuses=150 outstanding=0
	# One more message says that further reports are suppressed.
	at_least "reports" "$(reports | wc -l)" 100
	at_least "most reports" 101 "$(reports | wc -l)"
	balanced a
}

the_misuse_count_outlasts_debug_mode() {
	tell create a
	debug a 1
	tell get a 2 0
	tell put_twice a 2 0
	debug a 0
	expect a misuses=2
	tell get a 2 0
	tell put a 2 0
	debug a 1
	expect a misuses=2
	balanced a
}

outstanding_lists_the_callers_that_hold_objects() {
	tell create a
	debug a 1
	equal "outstanding objects" "$(outstanding a)" ''
	tell get a 2 0
	tell get a 1 "$last_cpu"
	cat $debugfs/pcpool/a/outstanding
	equal "objects of get_job" "$(outstanding a | grep -c ' get_job+.*\[pcpool_selftest\]$')" 3
	equal "CPUs" "$(outstanding a | awk '{ print $3 }' | sort -n | xargs)" "0 0 $last_cpu"
	equal "different objects" "$(outstanding a | awk '{ print $1 }' | sort -u | wc -l)" 3
	tell put a 2 0
	equal "objects of get_job" "$(outstanding a | grep -c ' get_job+')" 1
	tell put a 1 0
	equal "outstanding objects" "$(outstanding a)" ''
	! grep get_job $debugfs/pcpool/a/outstanding || fail "it lists callers, but no object is outstanding"
	# Again, with objects that were idle.
	tell get_now a 2 0
	equal "objects of get_now_job" "$(outstanding a | grep -c ' get_now_job+')" 2
	balanced a
}

outstanding_counts_objects_older_than_debug_mode() {
	tell create a
	tell get a 7 0
	debug a 1
	equal "outstanding objects" "$(outstanding a)" ''
	grep -q '^# 7 objects are older than debug mode' $debugfs/pcpool/a/outstanding
	tell put a 7 0
	! grep '^#' $debugfs/pcpool/a/outstanding || fail "it mentions older objects, but all were put since"
	tell get a 7 0
	equal "outstanding objects" "$(outstanding a | wc -l)" 7
	expect a misuses=0 miss=7
	balanced a
}

# Switches while objects are older than debug mode, idle, in use, or in the middle of a get or put.
switching_during_traffic_loses_nothing() {
	local options i
	for options in '' max_total=200 flags=4 flags=8; do
		# shellcheck disable=SC2086 # one word or none
		tell create a $options
		tell start a
		for i in 1 0 1 0 1 0; do
			debug a $i
			cat $debugfs/pcpool/a/outstanding >/dev/null
			age a
		done
		echo 1 >$parameter
		drain a
		[ "$options" != flags=8 ] || bypass a 1
		echo 0 >$parameter
		bypass a 0
		tell stop a
		balanced a
		at_least "operations" "${of_client[operations]}" 1000
		expect a misuses=0
		tell destroy a
	done
}

a_debugged_pool_is_destroyed_with_its_client() {
	tell create a
	debug a 1
	tell get a 20 0
	tell put a 10 0
	log_mark
	unload
	equal "reports" "$(reports)" ''
	load
}

run_tests debug_mode_is_off_by_default a_pool_is_switched_by_its_own_file \
	the_parameter_switches_existing_and_new_pools the_module_can_be_loaded_in_debug_mode \
	an_object_put_twice_is_reported_once a_pool_stays_consistent_after_a_double_put \
	the_number_of_reports_is_limited the_misuse_count_outlasts_debug_mode \
	outstanding_lists_the_callers_that_hold_objects \
	outstanding_counts_objects_older_than_debug_mode switching_during_traffic_loses_nothing \
	a_debugged_pool_is_destroyed_with_its_client
