#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The module can be loaded and unloaded, and leaves nothing behind.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

# Warm-up cycles, for memory that the kernel allocates once for the first module, pool or thread.
warm_up_cycles=5
cycles=50
# Pools per cycle, so that leaks per pool add up.
pools=4
# Leaks of at least this many bytes per cycle are found. Other activity of the kernel has been seen
# to account for 300 bytes.
leak_bytes=1024

nothing_is_left() {
	local found
	for found in $debugfs/pcpool "$debugfs"/shrinker/pcpool-* /sys/module/pcpool; do
		[ ! -e "$found" ] || fail "$found is left"
	done
	! grep -qs pcpool $cpus/hotplug/states || fail "a hotplug state is left"
	! grep -q pcpool /proc/vmallocinfo || fail "a vmalloc area is left"
	! grep -q pcpool /proc/slabinfo || fail "a slab cache is left"
	# For example a workqueue's rescuer. Ignore kworkers, which are named after their last work.
	! cat /proc/[0-9]*/comm 2>/dev/null | grep -v ^kworker | grep -q pcpool ||
		fail "a thread is left"
}

loading_creates_a_private_directory() {
	unload
	insmod "$PCPOOL_BUILD/pcpool.ko"
	[ -d /sys/module/pcpool ]
	equal "mode of the directory" "$(stat -c '%a %u %g' $debugfs/pcpool)" "700 0 0"
	[ -f $debugfs/pcpool/pools ]
	[ -f $debugfs/pcpool/snapshot ]
}

unloading_leaves_nothing() {
	[ -d /sys/module/pcpool ]
	unload
	nothing_is_left
}

a_client_in_use_keeps_the_module_loaded() {
	load
	! rmmod pcpool 2>/dev/null || fail "pcpool was unloaded while in use"
	[ -d $debugfs/pcpool ]
}

a_pool_is_destroyed_with_its_client() {
	[ -d $client ] || load
	tell create leaving
	tell get leaving 100 0
	tell put leaving 50 0
	[ -d $debugfs/pcpool/leaving ]
	rmmod pcpool_selftest
	[ ! -e $debugfs/pcpool/leaving ]
	equal "lines of pools" "$(wc -l <$debugfs/pcpool/pools)" 1
	for found in "$debugfs"/shrinker/pcpool-*; do
		[ ! -e "$found" ] || fail "$found is left"
	done
	unload
	nothing_is_left
}

# forget: loads and unloads a client that does not destroy its pools. Sets reported to what pcpool
# says about them.
forget() {
	log_mark
	insmod "$PCPOOL_BUILD/selftests/pcpool_forgetful.ko"
	grep -q '^forgotten  *pcpool_forgetful ' $debugfs/pcpool/pools
	equal "reset of forgotten" "$(grep reset $debugfs/pcpool/forgotten/params)" "reset yes"
	rmmod pcpool_forgetful
	reported=$(log_since | grep 'pcpool: forgotten' || :)
}

a_forgotten_pool_ends_with_its_module() {
	local found i
	[ -r "$PCPOOL_BUILD/selftests/pcpool_forgetful.ko" ] ||
		skip "there is no $PCPOOL_BUILD/selftests/pcpool_forgetful.ko; run make selftests"
	[ -d /sys/module/pcpool ] || insmod "$PCPOOL_BUILD/pcpool.ko"
	forget
	[[ $reported = *"pcpool: forgotten: not destroyed by module pcpool_forgetful, which is gone: 3 objects outstanding, 5 idle objects lost"* ]] ||
		fail "the log has: $reported"
	[[ $reported = *"pcpool: forgotten-buf-4K: not destroyed by module pcpool_forgetful, which is gone: 1 object outstanding, 1 idle object lost"* ]] ||
		fail "the log has: $reported"
	for found in "$debugfs"/pcpool/forgotten* "$debugfs"/shrinker/pcpool-*; do
		[ ! -e "$found" ] || fail "$found is left"
	done
	equal "lines of pools" "$(wc -l <$debugfs/pcpool/pools)" 1
	# Reclaim and the worker find nothing to call.
	for i in 1 2 3; do
		echo 2 >/proc/sys/vm/drop_caches
	done
	# The name is free, and debug mode names the callers.
	echo 1 >/sys/module/pcpool/parameters/debug
	forget
	equal "objects reported as outstanding" \
		"$(grep -c 'forgotten: object .* was never put; got by ' <<<"$reported")" 3
	unload
	nothing_is_left
}

one_cycle() {
	local i
	load
	for ((i = 0; i < pools; i++)); do
		tell create "pool$i" private=3 object_bytes=$((256 << i))
	done
	put_everywhere pool0 40
	put_everywhere pool$((pools - 1)) 3
	age pool0
	for ((i = 0; i < pools; i++)); do
		tell destroy "pool$i"
	done
	rmmod pcpool_selftest pcpool
}

# kernel_bytes: kernel memory allocated by kmalloc, vmalloc and the per-CPU allocator, in bytes.
# Excludes memory that comes and goes with processes: stacks, and dedicated slab caches.
kernel_bytes() {
	local cache i objects size
	echo 3 >/proc/sys/vm/drop_caches
	# All objects of a CPU's active slab count as used. So count each cache right after it is
	# shrunk, and use the lowest of several results.
	for ((i = 0; i < 4; i++)); do
		# Wait for grace periods and the lazy freeing of vmalloc areas.
		sleep 0.5
		{
			for cache in /sys/kernel/slab/kmalloc-[0-9]*; do
				read -r size <"$cache/object_size"
				echo 1 >"$cache/shrink"
				read -r objects _ <"$cache/objects"
				echo "kmalloc $((objects * size))"
			done
			sed 's/^/vmalloc /' /proc/vmallocinfo
			cat /proc/meminfo
		} | awk '
			$1 == "kmalloc" { sum += $2 }
			$1 == "vmalloc" && !/kernel_clone|unpurged/ { sum += $3 }
			$1 == "Percpu:" { sum += $2 * 1024 }
			END { printf "%.0f\n", sum }'
	done | sort -n | head -n 1
}

fifty_cycles_leak_no_memory() {
	local i before after
	# Each cycle waits for many grace periods, so make them short.
	echo 1 >/sys/kernel/rcu_expedited
	for ((i = 0; i < warm_up_cycles; i++)); do
		one_cycle
	done
	before=$(kernel_bytes)
	for ((i = 0; i < cycles; i++)); do
		one_cycle
	done
	after=$(kernel_bytes)
	echo 0 >/sys/kernel/rcu_expedited
	echo "kernel memory before $before, after $after"
	[ $((after - before)) -lt $((cycles * leak_bytes)) ] ||
		fail "$(((after - before) / cycles)) bytes leak in each cycle"
	nothing_is_left
}

run_tests loading_creates_a_private_directory unloading_leaves_nothing \
	a_client_in_use_keeps_the_module_loaded a_pool_is_destroyed_with_its_client \
	a_forgotten_pool_ends_with_its_module \
	fifty_cycles_leak_no_memory
