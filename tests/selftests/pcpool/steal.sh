#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Steal policies: which CPU may take objects of which other CPUs and NUMA nodes.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

load

nodes=/sys/devices/system/node

# Two CPUs of one node (here), and one of another (there).
here_1='' here_2='' there=''
if [ -r $nodes/node1/cpulist ]; then
	cpu_list "$(<$nodes/node0/cpulist)"
	here_1=${list[0]-}
	here_2=${list[1]-}
	cpu_list "$(<$nodes/node1/cpulist)"
	there=${list[0]-}
fi

need_two_nodes() {
	[[ $here_2 && $there ]] || skip "needs two NUMA nodes, the first with two CPUs"
}

# filled POLICY CPU: creates pool a and puts 32 objects on CPU. With one private slot, other CPUs can
# steal about 31 of them.
filled() {
	tell create a private=1 steal="$1"
	tell get a 32 "$2"
	tell put a 32 "$2"
}

all_steals_from_another_node() {
	need_two_nodes
	filled all "$here_1"
	tell get a 30 "$there"
	stats a
	equal miss "${stat[miss]}" 32
	at_least hit_steal "${stat[hit_steal]}" 1
	balanced a
	equal "objects from another node" "${of_client[other_node]}" 30
}

node_does_not_steal_from_another_node() {
	need_two_nodes
	filled node "$here_1"
	tell get a 30 "$there"
	expect a miss=62 hit_steal=0
	balanced a
}

node_steals_from_its_own_node() {
	need_two_nodes
	filled node "$here_1"
	tell get a 30 "$here_2"
	stats a
	equal miss "${stat[miss]}" 32
	at_least hit_steal "${stat[hit_steal]}" 1
	balanced a
	equal "objects from the same node" "${of_client[same_node]}" 30
}

none_steals_nothing() {
	need_two_nodes
	filled none "$here_1"
	tell get a 30 "$here_2"
	expect a miss=62 hit_steal=0
	tell get a 30 "$there"
	expect a miss=92 hit_steal=0
	balanced a
}

none_still_finds_the_own_objects() {
	need_cpus 1
	filled none 0
	tell get a 32 0
	expect a miss=32 hit_steal=0 idle_main=0
	balanced a
}

policies_apply_to_the_victim_tier() {
	need_two_nodes
	filled node "$here_1"
	age a
	tell get a 10 "$there"
	expect a miss=42 hit_victim=0
	tell get a 10 "$here_2"
	expect a miss=42 hit_victim=10
	tell destroy a
	filled none "$here_1"
	age a
	tell get a 10 "$here_2"
	expect a miss=42 hit_victim=0
	balanced a
}

the_own_node_is_searched_first() {
	need_two_nodes
	tell create a private=1
	tell get a 64 "$here_1"
	tell put a 32 "$there"
	tell put a 32 "$here_1"
	tell get a 30 "$here_2"
	expect a miss=64
	client_pool a
	equal "objects from another node" "${of_client[other_node]}" 0
	equal "objects from the same node" "${of_client[same_node]}" 30
	# Once that is empty, the other node is searched.
	tell get a 30 "$here_2"
	expect a miss=64
	balanced a
	at_least "objects from another node" "${of_client[other_node]}" 29
}

no_policy_loses_objects_during_traffic() {
	local policy
	for policy in all node none; do
		tell create $policy steal=$policy private=4
		tell start $policy
	done
	sleep 3
	for policy in all node none; do
		tell stop $policy
		balanced $policy
	done
	expect none hit_steal=0
	stats all
	at_least "hit_steal of all" "${stat[hit_steal]}" 1
}

run_tests all_steals_from_another_node node_does_not_steal_from_another_node \
	node_steals_from_its_own_node none_steals_nothing none_still_finds_the_own_objects \
	policies_apply_to_the_victim_tier the_own_node_is_searched_first \
	no_policy_loses_objects_during_traffic
