#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Memory pressure ages a pool. The tests call the shrinker step by step, where the kernel has
# CONFIG_SHRINKER_DEBUG, and create real memory pressure.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

load

page=$(getconf PAGESIZE)
# Filling memory byte by byte is slow in an emulated machine, so huge pages take most of it at once,
# all but left_kib. Without huge pages, a machine with more than fillable_kib is skipped.
left_kib=$((48 * 1024))
fillable_kib=$((512 * 1024))
huge_pages=/proc/sys/vm/nr_hugepages

# of POOL: sets shrinker to the directory of its shrinker
of() {
	local found
	[ -d $debugfs/shrinker ] || skip "this kernel lacks CONFIG_SHRINKER_DEBUG"
	for found in "$debugfs/shrinker/pcpool-$1"-*; do
		[ ! -d "$found" ] || shrinker=$found
	done
	[ "$shrinker" ] || fail "$1 has no shrinker: $(ls $debugfs/shrinker)"
}

# scan COUNT: calls the shrinker once
scan() {
	# A scan within a quarter of a second after the tiers were swapped is refused.
	sleep 0.3
	echo "0 0 $1" >"$shrinker/scan"
}

# count: the number that the shrinker reports
count() {
	awk '{ print $2 }' "$shrinker/count"
}

# filled BYTES: creates pool a with 100 idle objects of that size
filled() {
	tell create a object_bytes="$1"
	tell get a 100 0
	tell put a 100 0
	of a
}

the_shrinker_is_removed_with_its_pool() {
	local shrinker=''
	tell create a
	of a
	tell destroy a
	[ ! -e "$shrinker" ]
}

small_objects_count_one_each() {
	local shrinker=''
	filled 256
	equal "count" "$(count)" 100
}

big_objects_count_their_pages() {
	local shrinker=''
	filled $((256 * 1024))
	equal "count" "$(count)" $((100 * 256 * 1024 / page))
}

an_empty_pool_counts_nothing() {
	local shrinker=''
	tell create a
	of a
	equal "count" "$(cat "$shrinker/count")" ""
}

one_scan_runs_at_most_one_pass() {
	local shrinker=''
	filled 256
	scan 1000000
	expect a ages=1 idle_main=0 idle_victim=100 evicted=0
	tell get a 10 0
	tell put a 10 0
	scan 1000000
	expect a ages=2 idle_main=0 idle_victim=10 evicted=90
	scan 1000000
	expect a ages=3 idle_main=0 idle_victim=0 evicted=100
	balanced a
	equal "objects freed early" "${of_client[early]}" 0
}

one_scan_frees_no_more_than_asked() {
	local shrinker='' evicted=0
	filled 256
	scan 100
	expect a idle_victim=100
	while [ "$evicted" -lt 100 ]; do
		scan 7
		stats a
		at_least "evicted" "${stat[evicted]}" $((evicted + 1))
		[ "${stat[evicted]}" -le $((evicted + 7)) ] ||
			fail "a scan of 7 freed $((stat[evicted] - evicted)) objects"
		evicted=${stat[evicted]}
	done
	balanced a
}

one_scan_frees_no_more_pages_than_asked() {
	local shrinker='' size=$((8 * page))
	filled $size
	scan 800
	expect a idle_victim=100 evicted=0
	scan 16
	expect a idle_victim=98 evicted=2
	scan 23
	expect a idle_victim=96 evicted=4
	balanced a $size
}

# The shrinker is not NUMA or memcg aware, but drop_caches calls it for each node.
drop_caches_empties_a_pool() {
	local i
	tell create a
	put_everywhere a 5
	for i in $(seq 10); do
		echo 2 >/proc/sys/vm/drop_caches
		stats a
		echo "after write $i: idle_main ${stat[idle_main]}, idle_victim ${stat[idle_victim]}, ages ${stat[ages]}"
		[ $((stat[idle_main] + stat[idle_victim])) -ne 0 ] || break
	done
	expect a idle_main=0 idle_victim=0
	at_least ages "${stat[ages]}" 1
	balanced a
	equal "objects freed early" "${of_client[early]}" 0
}

of_meminfo() {
	awk -v key="$1:" '$1 == key { print $2 }' /proc/meminfo
}

empty() {
	[ $((stat[idle_main] + stat[idle_victim])) -eq 0 ]
}

aged() {
	[ "${stat[ages]}" -gt 0 ]
}

# fill POOL empty|aged: takes memory until reclaim has emptied or aged the pool
fill() {
	local pipe eater available i=0
	available=$(of_meminfo MemAvailable)
	if [ ! -w $huge_pages ] && [ "$available" -gt $fillable_kib ]; then
		skip "too much memory to fill, and no huge pages to take it"
	fi
	# tail keeps its whole input, since it never sees the end of a line. It must open the pipe
	# while there is memory: if it were killed before, the open below would never return.
	pipe=$(mktemp -u)
	mkfifo "$pipe"
	tail -n 1 "$pipe" >/dev/null &
	eater=$!
	exec 9>"$pipe"
	rm "$pipe"
	echo 1000 >/proc/$eater/oom_score_adj
	# shellcheck disable=SC2064 # expanded now, on purpose
	trap "exec 9>&-; kill $eater 2>/dev/null || :; [ ! -w $huge_pages ] || echo 0 >$huge_pages" EXIT
	if [ -w $huge_pages ]; then
		echo $(((available - left_kib) / $(of_meminfo Hugepagesize))) >$huge_pages
	fi
	while stats "$1" && ! "$2"; do
		if ! head -c 4M /dev/zero >&9; then
			# The last of the filling may have done it.
			stats "$1"
			"$2" ||
				fail "memory is full, but idle_main is ${stat[idle_main]} and idle_victim ${stat[idle_victim]}"
		fi
		i=$((i + 4))
	done
	echo "$2 after ${stat[ages]} passes, with $i MiB filled"
}

memory_pressure_empties_a_pool_of_small_objects() {
	tell create a
	put_everywhere a 100
	fill a empty
	at_least ages "${stat[ages]}" 1
	balanced a
	equal "objects freed early" "${of_client[early]}" 0
}

memory_pressure_empties_a_pool_of_big_objects() {
	local size=$((256 * 1024))
	tell create a object_bytes=$size
	tell get a 200 0
	tell put a 200 0
	fill a empty
	at_least ages "${stat[ages]}" 1
	balanced a $size
	equal "objects freed early" "${of_client[early]}" 0
}

# calm POOL: waits until reclaim, which continues for a while after memory is released, frees no more
# objects
calm() {
	local pool=$1 before=-1 tries
	for ((tries = 0; tries < 60; tries++)); do
		stats "$pool"
		[[ ${stat[frees]} -ne $before ]] || return 0
		before=${stat[frees]}
		sleep 1
	done
	echo "# frees of $pool still changes"
	return 1
}

memory_pressure_during_traffic_loses_nothing() {
	tell create a object_bytes=16384
	put_everywhere a 50
	tell start a
	fill a aged
	tell stop a
	calm a
	balanced a 16384
}

run_tests the_shrinker_is_removed_with_its_pool small_objects_count_one_each \
	big_objects_count_their_pages an_empty_pool_counts_nothing \
	one_scan_runs_at_most_one_pass one_scan_frees_no_more_than_asked \
	one_scan_frees_no_more_pages_than_asked drop_caches_empties_a_pool \
	memory_pressure_empties_a_pool_of_small_objects \
	memory_pressure_empties_a_pool_of_big_objects \
	memory_pressure_during_traffic_loses_nothing
