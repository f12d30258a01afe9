#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Bounds: the number of idle objects, the number of existing objects (quota), the size of an object;
# waiting at the quota; the reserve.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

load

# Pools with a shared array, and pools with private slots and queues, for any number of CPUs.
bounds='1 3 10 1000'

# fails_with ERROR WORD...: the command to the client module fails with ERROR
fails_with() {
	local error=$1 message
	shift
	! message=$(tell "$@" 2>&1) || fail "$* did not fail"
	[[ $message == *"$error" ]] || fail "$*: $message, not $error"
}

# waiter POOL [MILLISECONDS]: starts a process that waits for an object, and returns once it waits.
# Sets waiter to its process id.
waiter() {
	stats "$1"
	tell wait "$@" &
	waiter=$!
	comes_to "$1" waiting $((stat[waiting] + 1))
}

# full POOL BOUND: the pool keeps as many objects as it can; sets kept to how many. A quarter of
# max_idle may be set aside for the CPUs, if they have private slots.
full() {
	stats "$1"
	kept=$((stat[idle_main] + stat[idle_victim]))
	[ $kept -le "$2" ] || fail "$kept objects are idle, more than $2"
	if grep -q '^private_slots 0$' "$debugfs/pcpool/$1/params"; then
		equal "idle objects" $kept "$2"
	else
		at_least "idle objects, four times" $((4 * kept)) $((3 * $2))
	fi
}

one_cpu_keeps_at_most_max_idle_objects() {
	local bound
	for bound in $bounds; do
		tell create a max_idle="$bound"
		tell get a $((bound + 50)) 0
		tell put a "$bound" "$last_cpu"
		full a "$bound"
		expect a idle_main=$kept drop_full=$((bound - kept))
		tell put a 50 "$last_cpu"
		expect a idle_main=$kept idle_victim=0 drop_full=$((bound + 50 - kept)) \
			frees=$((bound + 50 - kept))
		balanced a
		tell get a "$bound" "$last_cpu"
		expect a miss=$((bound + 50 + bound - kept)) idle_main=0
		tell destroy a
	done
}

all_cpus_together_keep_at_most_max_idle_objects() {
	local bound puts
	for bound in $bounds; do
		puts=$((bound / ${#online[@]} + 20))
		tell create a max_idle="$bound"
		put_everywhere a $puts
		full a "$bound"
		expect a idle_main=$kept idle_victim=0 drop_full=$((puts * ${#online[@]} - kept))
		balanced a
		tell destroy a
	done
}

aged_objects_count_until_they_are_freed() {
	local bound all
	for bound in $bounds; do
		tell create a max_idle="$bound"
		tell get a $((bound * 2)) 0
		tell put a "$bound" 0
		full a "$bound"
		age a
		expect a idle_main=0 idle_victim=$kept
		tell put a "$bound" "$last_cpu"
		# At most what has room in private slots.
		full a "$bound"
		all=$kept
		expect a drop_full=$((2 * bound - all))
		age a
		age a
		expect a idle_main=0 idle_victim=0 evicted=$all
		tell destroy a
	done
}

freed_objects_no_longer_count() {
	local bound
	for bound in $bounds; do
		tell create a max_idle="$bound"
		put_everywhere a "$bound"
		age a
		age a
		expect a idle_main=0 idle_victim=0
		put_everywhere a "$bound"
		full a "$bound"
		drain a
		expect a idle_main=0 idle_victim=0
		put_everywhere a "$bound"
		full a "$bound"
		expect a idle_main=$kept idle_victim=0
		balanced a
		tell destroy a
	done
}

objects_freed_on_an_offline_cpu_no_longer_count() {
	local bound
	need_hotplug
	for bound in $bounds; do
		tell create a max_idle="$bound"
		tell get a $((bound * 2)) 0
		tell put a "$bound" "$last_cpu"
		full a "$bound"
		offline "$last_cpu"
		expect a idle_main=$kept
		age a
		age a
		expect a idle_main=0 idle_victim=0
		tell put a "$bound" 0
		full a "$bound"
		expect a idle_main=$kept idle_victim=0
		online "$last_cpu"
		full a "$bound"
		balanced a
		tell destroy a
	done
}

# idle_within POOL BOUND: the pool has at most BOUND idle objects now
idle_within() {
	stats "$1"
	[ $((stat[idle_main] + stat[idle_victim])) -le "$2" ] ||
		fail "idle_main is ${stat[idle_main]} and idle_victim ${stat[idle_victim]}, more than $2"
}

max_idle_holds_during_traffic() {
	local bound end reads
	for bound in 1 10 40; do
		reads=0
		tell create a max_idle=$bound
		tell start a
		end=$((SECONDS + 3))
		while [ $SECONDS -lt $end ]; do
			idle_within a $bound
			reads=$((reads + 1))
			[ $((reads % 20)) -ne 0 ] || age a
		done
		tell stop a
		idle_within a $bound
		balanced a
		echo "max_idle $bound: within the bound in $reads samples, ${of_client[operations]} operations"
		at_least operations "${of_client[operations]}" 1000
		at_least drop_full "${stat[drop_full]}" 1
		tell destroy a
	done
}

# The client module counts an error if there are more than max_total objects.
max_total_holds_during_traffic() {
	local i total
	for total in 1 10 40; do
		tell create a max_total=$total max_object_bytes=256
		tell start a
		for i in $(seq 24); do
			age a
			[ $((i % 8)) -ne 0 ] || drain a
			sleep 0.02
		done
		tell stop a
		balanced a
		echo "max_total $total: ${of_client[operations]} operations, ${stat[waits]} waits," \
			"${stat[alloc_fail]} failed gets"
		at_least operations "${of_client[operations]}" 1000
		at_least alloc_fail "${stat[alloc_fail]}" 1
		# With more objects than CPUs, a get may never have to wait.
		[ $total -ne 1 ] || at_least waits "${stat[waits]}" 1
		at_least "objects left" $total $((stat[allocs] - stat[frees]))
		equal waiting "${stat[waiting]}" 0
		tell destroy a
	done
}

a_nonblocking_get_fails_at_the_quota() {
	tell create a max_total=5
	tell get a 5 0
	fails_with 'Resource temporarily unavailable' get_now a 1 0
	expect a gets=6 alloc_fail=1 allocs=5 outstanding=5 waiting=0 waits=0
	tell put a 1 0
	tell get_now a 1 "$last_cpu"
	fails_with 'Resource temporarily unavailable' get_now a 1 0
	expect a allocs=5 outstanding=5 alloc_fail=2
	balanced a
}

# put_all: puts all held objects of pool a, the same number on each CPU
put_all() {
	local cpu
	client_pool a
	for cpu in "${online[@]}"; do
		tell put a $((of_client[held] / ${#online[@]})) "$cpu"
	done
}

# Wherever they are, and whatever the steal policy.
idle_objects_are_found_at_the_quota() {
	local each total cpu steal
	for each in 3 20; do
		total=$((each * ${#online[@]}))
		for steal in all node none; do
			tell create a max_total=$total steal=$steal
			put_everywhere a $each
			age a
			for cpu in 0 "$last_cpu"; do
				tell get_now a $total "$cpu"
				expect a idle_main=0 idle_victim=0 allocs=$total
				put_all
			done
			tell destroy a
		done
	done
}

a_put_wakes_a_waiting_get() {
	local waiter
	tell create a max_total=5
	tell get a 5 0
	waiter a
	expect a waiting=1 waits=1 outstanding=5 idle_main=0 allocs=5
	fails_with 'Resource temporarily unavailable' get_now a 1 0
	tell put a 1 "$last_cpu"
	wait "$waiter"
	expect a waiting=0 waits=1 outstanding=5 idle_main=0 allocs=5 gets=7 alloc_fail=1
	balanced a
}

objects_are_handed_over_in_fifo_order() {
	local i waiter order
	order=$(mktemp)
	tell create a max_total=3
	tell get a 3 0
	for i in 1 2 3; do
		{ tell wait a && echo $i >>"$order"; } &
		comes_to a waiting $i
	done
	for i in 1 2 3; do
		tell put a 1 "$last_cpu"
		comes_to a waiting $((3 - i))
		while [ "$(wc -l <"$order")" -lt $i ]; do
			sleep 0.01
		done
	done
	equal order "$(xargs <"$order")" '1 2 3'
	rm "$order"
	expect a waits=3 allocs=3 outstanding=3
	balanced a
}

a_get_waits_no_longer_than_its_timeout() {
	tell create a max_total=1
	tell get a 1 0
	fails_with 'Connection timed out' wait a 0
	fails_with 'Connection timed out' wait a 50
	expect a waiting=0 outstanding=1 alloc_fail=2
	tell put a 1 0
	expect a idle_main=1
	tell wait a 50
	balanced a
}

a_killed_process_stops_waiting() {
	local waiter
	tell create a max_total=1
	tell get a 1 0
	waiter a 100000
	kill -KILL "$waiter"
	! wait "$waiter" 2>/dev/null || fail "it was not killed"
	comes_to a waiting 0
	tell put a 1 0
	expect a idle_main=1 outstanding=0 waits=1
	balanced a
}

a_waiting_get_allocates_when_an_object_is_freed() {
	local waiter
	tell create a max_total=5 max_object_bytes=1000
	tell get a 5 0
	waiter a
	tell grow a 1001
	tell put a 1 0
	wait "$waiter"
	expect a drop_oversize=1 allocs=6 frees=1 outstanding=5
	waiter a
	tell grow a 1000
	bypass a 1
	tell put a 1 0
	wait "$waiter"
	bypass a 0
	expect a allocs=7 frees=2 outstanding=5 waiting=0 waits=2
	balanced a
}

the_reserve_survives_aging_and_drain() {
	tell create a reserve=5
	expect a allocs=5 idle_main=5 idle_reserve=5 gets=0 puts=0
	put_everywhere a 3
	expect a allocs=$((5 + 3 * ${#online[@]})) miss=$((3 * ${#online[@]})) idle_reserve=5
	age a
	age a
	expect a idle_main=5 idle_victim=0 idle_reserve=5 evicted=$((3 * ${#online[@]})) ages=2
	drain a
	expect a idle_main=5 idle_victim=0 idle_reserve=5 evicted=$((3 * ${#online[@]}))
	balanced a
	# Fails if an object was not freed.
	tell destroy a
}

the_reserve_is_used_when_allocation_fails() {
	local waiter
	tell create a reserve=5
	tell get a 2 0
	expect a miss=2 idle_reserve=5
	tell fail a 1
	tell get a 5 "$last_cpu"
	expect a miss=2 allocs=7 idle_reserve=0 alloc_fail=0
	fails_with 'Cannot allocate memory' get_now a 1 0
	waiter a
	tell put a 1 0
	wait "$waiter"
	expect a waiting=0 waits=1 outstanding=7 idle_reserve=0 alloc_fail=1
	tell fail a 0
	# Puts fill the reserve first.
	tell put a 3 0
	expect a idle_main=3 idle_reserve=3
	tell put a 4 "$last_cpu"
	expect a idle_main=7 idle_reserve=5
	balanced a
}

the_bounds_include_the_reserve() {
	tell create a max_idle=10 max_total=12 reserve=4
	expect a idle_main=4 idle_reserve=4
	tell get_now a 12 0
	fails_with 'Resource temporarily unavailable' get_now a 1 0
	expect a allocs=12 idle_reserve=0
	tell put a 12 "$last_cpu"
	expect a idle_main=10 idle_reserve=4 drop_full=2
	drain a
	expect a idle_main=4 idle_reserve=4
	balanced a
}

an_object_that_grew_too_big_is_dropped() {
	tell create a object_bytes=1000 max_object_bytes=4096
	tell get a 9 0
	tell put a 2 0
	tell grow a 4096
	tell put a 3 0
	expect a idle_main=5 drop_oversize=0
	tell grow a 4097
	tell put a 4 "$last_cpu"
	expect a idle_main=5 drop_oversize=4 frees=4 outstanding=0
	balanced a 1000
}

# The client module counts an error if an object is not cleared.
objects_are_cleared_before_the_next_get_and_free() {
	local options quota=max_total=$((6 * ${#online[@]}))
	for options in '' max_idle=4 $quota 'max_idle=100 reserve=4' private=1; do
		# shellcheck disable=SC2086 # several words
		tell create a object_bytes=5000 flags=4 $options
		put_everywhere a 6
		tell get a 10 0
		tell start a
		sleep 0.5
		tell stop a
		age a
		tell put a 10 0
		balanced a 5000
		tell destroy a
	done
}

run_tests one_cpu_keeps_at_most_max_idle_objects \
	all_cpus_together_keep_at_most_max_idle_objects aged_objects_count_until_they_are_freed \
	freed_objects_no_longer_count objects_freed_on_an_offline_cpu_no_longer_count \
	max_idle_holds_during_traffic max_total_holds_during_traffic \
	a_nonblocking_get_fails_at_the_quota idle_objects_are_found_at_the_quota \
	a_put_wakes_a_waiting_get objects_are_handed_over_in_fifo_order \
	a_get_waits_no_longer_than_its_timeout a_killed_process_stops_waiting \
	a_waiting_get_allocates_when_an_object_is_freed the_reserve_survives_aging_and_drain \
	the_reserve_is_used_when_allocation_fails the_bounds_include_the_reserve \
	an_object_that_grew_too_big_is_dropped objects_are_cleared_before_the_next_get_and_free
