#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Idle objects are freed by the second aging pass, on every CPU, and not before.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

load

two_passes_empty_every_cpu() {
	local idle
	tell create a
	put_everywhere a 20
	idle=$((20 * ${#online[@]}))
	expect a idle_main=$idle idle_victim=0 evicted=0
	age a
	expect a idle_main=0 idle_victim=$idle evicted=0 ages=1
	age a
	expect a idle_main=0 idle_victim=0 evicted=$idle frees=$idle ages=2 outstanding=0
	balanced a
	equal "objects freed early" "${of_client[early]}" 0
}

# Only the CPU itself can access its private slots.
two_passes_empty_private_slots_of_idle_cpus() {
	local idle
	tell create a private=8
	put_everywhere a 3
	idle=$((3 * ${#online[@]}))
	equal "objects in private slots" "$(awk 'NR > 1 { sum += $4 } END { print sum }' \
		$debugfs/pcpool/a/percpu)" $idle
	# Let the CPUs go idle.
	sleep 1
	age a
	expect a idle_main=0 idle_victim=$idle
	age a
	expect a idle_main=0 idle_victim=0 evicted=$idle
	balanced a
}

two_passes_empty_an_offline_cpu() {
	need_hotplug
	tell create a private=8
	tell get a 40 0
	tell put a 40 "$last_cpu"
	offline "$last_cpu"
	expect a idle_main=40 idle_victim=0
	age a
	expect a idle_main=0 idle_victim=40 evicted=0
	age a
	expect a idle_main=0 idle_victim=0 evicted=40
	balanced a
	online "$last_cpu"
	balanced a
}

a_cpu_going_offline_between_two_passes_keeps_nothing() {
	need_hotplug
	tell create a private=8
	tell get a 40 0
	tell put a 40 "$last_cpu"
	age a
	offline "$last_cpu"
	expect a idle_main=0 idle_victim=40
	age a
	expect a idle_main=0 idle_victim=0 evicted=40
	balanced a
}

an_object_in_use_between_two_passes_stays() {
	tell create a
	tell get a 10 0
	tell put a 10 0
	age a
	tell get a 4 0
	expect a hit_victim=4 miss=10
	tell put a 4 0
	expect a idle_main=4 idle_victim=6
	age a
	expect a idle_main=0 idle_victim=4 evicted=6
	balanced a
}

another_cpu_can_get_an_aged_object() {
	need_cpus 2
	tell create a private=1
	tell get a 10 0
	tell put a 10 "$last_cpu"
	age a
	# Including the one from the private slot, which is in the victim tier now.
	tell get a 10 0
	expect a hit_victim=10 miss=10 idle_victim=0
	balanced a
}

the_client_can_age_and_drain() {
	tell create a
	put_everywhere a 20
	tell age a
	expect a idle_main=0 ages=1
	put_everywhere a 3
	tell drain a
	expect a idle_main=0 idle_victim=0
	balanced a
}

drain_frees_everything_at_once() {
	local idle
	need_hotplug
	tell create a
	put_everywhere a 20
	idle=$((20 * ${#online[@]}))
	offline "$last_cpu"
	drain a
	expect a idle_main=0 idle_victim=0 evicted=$idle ages=0
	balanced a
}

prefilled_objects_age_too() {
	tell create a
	tell prefill a 50 "$last_cpu"
	expect a idle_main=50 allocs=50 gets=0 puts=0
	age a
	age a
	expect a idle_main=0 idle_victim=0 evicted=50
	balanced a
}

a_free_that_may_sleep_ages_in_task_context() {
	local idle
	tell create a flags=1
	put_everywhere a 20
	idle=$((20 * ${#online[@]}))
	age a
	age a
	expect a idle_main=0 idle_victim=0 evicted=$idle
	balanced a
}

aging_during_traffic_loses_nothing() {
	local i
	tell create a
	tell start a
	for i in $(seq 40); do
		age a
		[ $((i % 8)) -ne 0 ] || drain a
	done
	tell stop a
	balanced a
	at_least "operations" "${of_client[operations]}" 1000
	age a
	age a
	expect a idle_main=0 idle_victim=0
	balanced a
}

run_tests two_passes_empty_every_cpu two_passes_empty_private_slots_of_idle_cpus \
	two_passes_empty_an_offline_cpu a_cpu_going_offline_between_two_passes_keeps_nothing \
	an_object_in_use_between_two_passes_stays another_cpu_can_get_an_aged_object \
	the_client_can_age_and_drain drain_frees_everything_at_once prefilled_objects_age_too \
	a_free_that_may_sleep_ages_in_task_context aging_during_traffic_loses_nothing
