# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Shared by the scripts that run tests in a guest, as root: fault injection and leak detection.

kmemleak=/sys/kernel/debug/kmemleak

# fail_who_asks: from here on, allocations fail in a task that has set current->make_it_fail.
# Does nothing if the kernel has no fault injection.
fail_who_asks() {
	for fault in /sys/kernel/debug/failslab /sys/kernel/debug/fail_page_alloc; do
		[ -d $fault ] || continue
		echo 1 >$fault/task-filter
		echo 0 >$fault/verbose
		echo 0 >$fault/ignore-gfp-wait
		[ ! -e $fault/ignore-gfp-highmem ] || echo 0 >$fault/ignore-gfp-highmem
		[ ! -e $fault/min-order ] || echo 0 >$fault/min-order
		echo -1 >$fault/times
		echo 100 >$fault/probability
	done
}

# forget_leaks: excludes the leaks found so far from later reports.
forget_leaks() {
	[ ! -w $kmemleak ] || echo clear >$kmemleak
}

# pcpool_leaks SECONDS: succeeds if kmemleak reports a leak in a module of pcpool. It scans twice,
# SECONDS apart: an object whose only reference is in a register for a moment looks leaked in the
# first scan, but not in the second.
pcpool_leaks() {
	echo scan >$kmemleak
	sleep "$1"
	echo scan >$kmemleak
	grep -q '\[pcpool' $kmemleak
}
