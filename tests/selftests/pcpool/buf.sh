#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Buffer sets as user space sees them: one pool per size, and the wasted memory.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

need_tool
load
output=$(mktemp)

# pools: their names, in order of creation
pools() {
	tail -n +2 $debugfs/pcpool/pools | awk '{ print $1 }' | xargs
}

# requested: NAME=BYTES for each pool whose requested_bytes is not 0
requested() {
	local pool
	for pool in $(pools); do
		stats "$pool"
		[ "${stat[requested_bytes]}" -eq 0 ] || printf '%s=%s\n' "$pool" "${stat[requested_bytes]}"
	done | xargs
}

a_set_has_one_pool_per_size() {
	tell create_set net min_bytes=4096 max_bytes=32768
	equal pools "$(pools)" 'net-4K net-8K net-16K net-32K'
	grep -qx 'object_bytes 8192' $debugfs/pcpool/net-8K/params
	grep -qx 'owner pcpool_selftest' $debugfs/pcpool/net-8K/params
	tell destroy_set net
	[ ! -e $debugfs/pcpool/net-4K ]
	tell create_set net min_bytes=512 max_bytes=5000 halves=1
	equal pools "$(pools)" 'net-512 net-768 net-1K net-1536 net-2K net-3K net-4K net-6K'
	tell destroy_set net
	equal pools "$(pools)" ''
}

a_get_counts_in_the_smallest_fitting_pool() {
	tell create_set net min_bytes=4096 max_bytes=32768
	equal requested "$(requested)" ''
	tell get_buf net 5000 0
	expect net-8K gets=1 miss=1 outstanding=1 requested_bytes=5000
	expect net-4K gets=0
	expect net-16K gets=0
	equal requested "$(requested)" net-8K=5000
	tell get_buf net 4096 0
	tell get_buf net 4097 0
	tell get_buf net 8192 0
	tell get_buf net 32768 0
	equal requested "$(requested)" 'net-4K=4096 net-8K=17289 net-32K=32768'
}

halves_fit_more_closely() {
	tell create_set net min_bytes=4096 max_bytes=32768 halves=1
	tell get_buf net 5000 0
	expect net-6K gets=1 outstanding=1 requested_bytes=5000
	expect net-8K gets=0
	tell get_buf net 6145 0
	equal requested "$(requested)" 'net-6K=5000 net-8K=6145'
}

gets_count_on_every_cpu() {
	local cpu
	tell create_set net min_bytes=4096 max_bytes=32768
	tell get_buf net 5000 0
	tell put_buf net 0
	expect net-8K puts=1 outstanding=0 idle_bytes=8192 requested_bytes=5000
	tell get_buf net 7000 0
	expect net-8K gets=2 miss=1 requested_bytes=12000
	for cpu in "${online[@]}"; do
		tell get_buf net 5001 "$cpu"
	done
	expect net-8K gets=$((2 + ${#online[@]})) requested_bytes=$((12000 + 5001 * ${#online[@]}))
	for cpu in "${online[@]}"; do
		tell put_buf net "$cpu"
	done
	expect net-8K outstanding=1 requested_bytes=$((12000 + 5001 * ${#online[@]}))
}

oversize_buffers_count_in_no_pool() {
	local pool
	tell create_set net min_bytes=4096 max_bytes=32768
	tell get_buf net 32769 0
	tell get_buf net 3000000 0
	equal requested "$(requested)" ''
	for pool in $(pools); do
		expect "$pool" gets=0 allocs=0
	done
	tell put_buf net 0
	tell put_buf net 0
	for pool in $(pools); do
		expect "$pool" puts=0 idle_main=0
	done
}

# 3192 of 5000 bytes are wasted, then 3192 of 13192.
show_prints_the_waste() {
	tell create_set net min_bytes=4096 max_bytes=32768
	tell get_buf net 5000 0
	"$tool" show net-8K >"$output"
	grep -qx 'waste  *63\.8 % of the 4\.9 KiB asked for; 8\.0 KiB given' "$output"
	"$tool" show --json net-8K >"$output"
	grep -qE '"requested_bytes": *5000,' "$output"
	tell get_buf net 8192 0
	"$tool" show net-8K >"$output"
	grep -q '^waste  *24\.2 % of the 13 KiB asked for; 16 KiB given$' "$output"
}

show_prints_no_waste_without_requests() {
	local pool
	tell create_set net min_bytes=4096 max_bytes=32768
	tell get_buf net 5000 0
	tell create a
	tell get a 1 0
	for pool in net-4K a; do
		"$tool" show $pool >"$output"
		! grep waste "$output" || fail "it shows waste of $pool, which has none"
	done
}

run_tests a_set_has_one_pool_per_size a_get_counts_in_the_smallest_fitting_pool \
	halves_fit_more_closely gets_count_on_every_cpu oversize_buffers_count_in_no_pool \
	show_prints_the_waste show_prints_no_waste_without_requests
