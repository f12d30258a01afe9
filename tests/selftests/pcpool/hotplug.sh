#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# CPUs go offline and come online; no object is lost or becomes unreachable.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

load

# Each CPU except the first goes offline and online again so many times.
rounds=2

an_offline_cpu_is_refused_by_the_client() {
	need_hotplug
	tell create a
	offline "$last_cpu"
	if tell get a 1 "$last_cpu" 2>/dev/null; then
		fail "a get ran on the offline CPU"
	fi
}

objects_of_an_offline_cpu_are_reachable() {
	local policy
	need_hotplug
	for policy in all node none; do
		tell create a steal=$policy private=8
		tell get a 40 "$last_cpu"
		tell put a 40 "$last_cpu"
		offline "$last_cpu"
		expect a idle_main=40
		# From a CPU of any node, including objects that were in private slots.
		tell get a 40 1
		expect a miss=40 idle_main=0 idle_victim=0
		balanced a
		online "$last_cpu"
		tell destroy a
	done
}

a_cpu_back_online_finds_its_objects() {
	need_hotplug
	tell create a private=8
	tell get a 40 "$last_cpu"
	tell put a 40 "$last_cpu"
	offline "$last_cpu"
	online "$last_cpu"
	expect a idle_main=40
	tell get a 40 "$last_cpu"
	expect a miss=40 idle_main=0
	balanced a
}

a_cpu_that_comes_online_after_creation_works() {
	need_hotplug
	offline "$last_cpu"
	tell create a private=8
	online "$last_cpu"
	tell get a 40 "$last_cpu"
	tell put a 40 "$last_cpu"
	tell get a 40 "$last_cpu"
	expect a miss=40 hit_steal=0 idle_main=0
	balanced a
	tell put a 40 "$last_cpu"
	age a
	age a
	expect a idle_main=0 idle_victim=0
	balanced a
}

destroying_with_an_offline_cpu_frees_all_objects() {
	need_hotplug
	tell create a private=8
	tell get a 40 "$last_cpu"
	tell put a 40 "$last_cpu"
	offline "$last_cpu"
	# Fails if an object was not freed.
	tell destroy a
}

traffic_survives_cpus_coming_and_going() {
	local cpu round
	need_hotplug
	tell create a
	tell create slow flags=1 private=2 steal=node
	tell start a
	tell start slow
	for ((round = 0; round < rounds; round++)); do
		for cpu in "${online[@]}"; do
			[ -w $cpus/cpu"$cpu"/online ] || continue
			offline "$cpu"
			# Leave some CPUs offline while the next one goes.
			[ $((cpu % 2)) -eq 0 ] || online "$cpu"
			age a
		done
		all_online
	done
	tell stop a
	tell stop slow
	balanced slow
	balanced a
	at_least "operations" "${of_client[operations]}" 1000
	age a
	age a
	expect a idle_main=0 idle_victim=0
}

run_tests an_offline_cpu_is_refused_by_the_client objects_of_an_offline_cpu_are_reachable \
	a_cpu_back_online_finds_its_objects a_cpu_that_comes_online_after_creation_works \
	destroying_with_an_offline_cpu_frees_all_objects traffic_survives_cpus_coming_and_going
