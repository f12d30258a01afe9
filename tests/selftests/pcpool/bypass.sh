#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The bypass switch: while it is on, every get allocates and every put frees.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

load

every_get_allocates_and_every_put_frees() {
	tell create a
	bypass a 1
	tell get a 30 0
	expect a gets=30 miss=30 allocs=30
	tell put a 30 0
	expect a puts=30 drop_other=30 frees=30 idle_main=0 idle_victim=0 idle_bytes=0
	balanced a
}

a_pool_can_start_bypassed() {
	tell create a flags=2
	equal bypass "$(<$debugfs/pcpool/a/bypass)" 1
	tell get a 30 0
	tell put a 10 0
	expect a miss=30 drop_other=10 idle_main=0
	bypass a 0
	tell put a 20 0
	expect a drop_other=10 idle_main=20
	balanced a
}

bypass_keeps_idle_objects() {
	tell create a
	tell get a 30 0
	tell put a 30 0
	bypass a 1
	tell get a 10 0
	expect a miss=40 hit_private=0 hit_shared=0 idle_main=30
	bypass a 0
	tell put a 10 0
	expect a idle_main=40 drop_other=0
	tell get a 40 0
	expect a miss=40 idle_main=0
	balanced a
}

idle_objects_age_while_bypassed() {
	tell create a
	put_everywhere a 5
	bypass a 1
	age a
	age a
	expect a idle_main=0 idle_victim=0
	balanced a
}

pools_shows_the_bypass() {
	tell create a
	equal "pools while off" "$(awk '$1 == "a" { print $NF }' $debugfs/pcpool/pools)" 0
	bypass a 1
	equal "pools while on" "$(awk '$1 == "a" { print $NF }' $debugfs/pcpool/pools)" 1
}

switching_during_traffic_loses_nothing() {
	local i
	tell create a
	tell start a
	for i in $(seq 60); do
		bypass a $((i % 2))
	done
	bypass a 0
	tell stop a
	balanced a
	at_least "operations" "${of_client[operations]}" 1000
	at_least drop_other "${stat[drop_other]}" 1
}

run_tests every_get_allocates_and_every_put_frees a_pool_can_start_bypassed \
	bypass_keeps_idle_objects idle_objects_age_while_bypassed pools_shows_the_bypass \
	switching_during_traffic_loses_nothing
