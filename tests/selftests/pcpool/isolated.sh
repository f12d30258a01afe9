#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Isolated CPUs (isolcpus=, nohz_full=): decay and the worker leave them alone, memory pressure does
# not. The function tracer says which function of pcpool runs on which CPU.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

tracing=/sys/kernel/tracing

# read_isolated: the online CPUs that are isolated into isolated, the others into others
read_isolated() {
	local -a list
	local file cpu
	local -A is=()
	for file in isolated nohz_full; do
		[ -r "$cpus/$file" ] || continue
		# " (null)" is what some kernels print if there is none.
		cpu_list "$(tr -cd '0-9,-' <"$cpus/$file")"
		for cpu in "${list[@]}"; do
			is[$cpu]=yes
		done
	done
	isolated=() others=()
	for cpu in "${online[@]}"; do
		if [ "${is[$cpu]-}" ]; then
			isolated+=("$cpu")
		else
			others+=("$cpu")
		fi
	done
}

read_isolated
[ ${#isolated[@]} -gt 0 ] ||
	skip_all "no CPU is isolated: boot with isolcpus=LIST nohz_full=LIST"
grep -qw function $tracing/available_tracers 2>/dev/null ||
	skip_all "there is no function tracer in $tracing: the kernel needs CONFIG_FUNCTION_TRACER"

load

# trace_begin, trace_end: between them, the calls of pcpool's functions are recorded
trace_begin() {
	echo nop >$tracing/current_tracer
	echo '*:mod:pcpool' >$tracing/set_ftrace_filter
	: >$tracing/trace
	echo function >$tracing/current_tracer
	echo 1 >$tracing/tracing_on
}

trace_end() {
	echo 0 >$tracing/tracing_on
}

# ran_on CPU...: prints the recorded functions of pcpool that ran on these CPUs
ran_on() {
	local cpu
	for cpu; do
		sed -n '/^#/d; s/.*: \([a-z_0-9.]*\) *<-.*/\1/p' $tracing/per_cpu/cpu"$cpu"/trace
	done | sort -u | tr '\n' ' '
}

# ran FUNCTION CPU...: whether it was recorded on these CPUs
ran() {
	local function=$1
	shift
	[[ " $(ran_on "$@")" == *" $function "* ]]
}

# ages_reach POOL COUNT: waits for so many aging passes
ages_reach() {
	local end=$((SECONDS + 60))
	while stats "$1" && [ "${stat[ages]}" -lt "$2" ]; do
		[ $SECONDS -lt $end ] || fail "only ${stat[ages]} aging passes of $1, expected $2"
		sleep 0.02
	done
}

# in_private_slots CPU...: how many objects of pool a are in their private slots
in_private_slots() {
	awk -v cpus=" $* " 'NR > 1 && index(cpus, " " $1 " ") { n += $4 } END { print n + 0 }' \
		$debugfs/pcpool/a/percpu
}

# decayed: pool a, in which each CPU has kept objects, after some passes of the decay. They would
# end if the pool became empty.
decayed() {
	local end=$((SECONDS + 60)) passes
	tell create a private=8 decay_ms=50
	put_everywhere a 20
	trace_begin
	stats a
	passes=$((stat[ages] + 5))
	while stats a && [ "${stat[ages]}" -lt $passes ] &&
	      [ $((stat[idle_main] + stat[idle_victim])) -gt 0 ]; do
		[ $SECONDS -lt $end ] || fail "only ${stat[ages]} aging passes, expected $passes"
		sleep 0.02
	done
	trace_end
}

decay_leaves_isolated_cpus_alone() {
	decayed
	echo "on CPUs ${others[*]}: $(ran_on "${others[@]}")"
	ran decay_work "${others[@]}" || fail "the trace shows no pass of the decay"
	equal "what ran on CPUs ${isolated[*]}" "$(ran_on "${isolated[@]}")" ""
}

decay_frees_what_other_cpus_keep() {
	local kept
	decayed
	equal "objects in private slots of CPUs ${others[*]}" "$(in_private_slots "${others[@]}")" 0
	kept=$(in_private_slots "${isolated[@]}")
	at_least "objects in private slots of CPUs ${isolated[*]}" "$kept" ${#isolated[@]}
	equal "idle objects" $((stat[idle_main] + stat[idle_victim])) "$kept"
	balanced a
	equal "objects freed early" "${of_client[early]}" 0
}

an_isolated_cpu_still_gets_what_it_kept() {
	local before
	decayed
	before=${stat[hit_private]}
	tell get a 1 "${isolated[0]}"
	stats a
	equal "hits" "${stat[hit_private]}" $((before + 1))
	balanced a
}

two_passes_on_request_empty_isolated_cpus() {
	decayed
	trace_begin
	age a
	age a
	trace_end
	expect a idle_main=0 idle_victim=0
	# This is also what shows that the trace can see it.
	ran pcpool_percpu_flush "${isolated[@]}" || fail "on CPUs ${isolated[*]} ran $(ran_on "${isolated[@]}")"
	balanced a
}

memory_pressure_empties_isolated_cpus() {
	local i
	decayed
	at_least "idle objects" $((stat[idle_main] + stat[idle_victim])) 1
	for i in $(seq 20); do
		echo 2 >/proc/sys/vm/drop_caches
		stats a
		[ $((stat[idle_main] + stat[idle_victim])) -ne 0 ] || break
		# Two scans in a row are not two steps of aging.
		sleep 0.3
	done
	echo "empty after $i times drop_caches"
	expect a idle_main=0 idle_victim=0
	balanced a
}

# A hardirq can neither grow the queue nor free an object, so it leaves that to the worker.
the_worker_leaves_isolated_cpus_alone() {
	local cpu function
	for cpu in "${isolated[@]}"; do
		tell create a private=2 decay_ms=50
		tell create b max_idle=1
		tell get a 100 "${others[0]}"
		tell get b 10 "${others[0]}"
		trace_begin
		tell put_irq a 100 "$cpu"
		tell put_irq b 10 "$cpu"
		comes_to b frees 9
		ages_reach a 1
		trace_end
		echo "on CPU $cpu: $(ran_on "$cpu")"
		for function in put_work free_work decay_work; do
			! ran $function "${isolated[@]}" || fail "$function ran on an isolated CPU"
			ran $function "${others[@]}" || fail "$function ran nowhere"
		done
		balanced a
		balanced b
		tell destroy a
		tell destroy b
	done
}

# While objects move between isolated CPUs and others.
traffic_on_all_cpus_loses_nothing() {
	tell create a decay_ms=50
	tell start a
	ages_reach a 10
	tell stop a
	balanced a
	at_least "operations" "${of_client[operations]}" 1000
	age a
	age a
	expect a idle_main=0 idle_victim=0
}

run_tests decay_leaves_isolated_cpus_alone decay_frees_what_other_cpus_keep \
	an_isolated_cpu_still_gets_what_it_kept two_passes_on_request_empty_isolated_cpus \
	memory_pressure_empties_isolated_cpus the_worker_leaves_isolated_cpus_alone \
	traffic_on_all_cpus_loses_nothing
