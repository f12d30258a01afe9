# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# What the scripts share that test in a guest, as root: faults on demand, and memory that is lost.

kmemleak=/sys/kernel/debug/kmemleak

# From here on each allocation of a task that asks for it fails (current->make_it_fail), where
# the kernel has fault injection.
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

# What was lost before is not ours.
forget_leaks() {
	[ ! -w $kmemleak ] || echo clear >$kmemleak
}

# pcpool_leaks SECONDS: is memory of pcpool's lost? Without a read kmemleak prints what it has
# found since it was cleared; scanning twice gives what looks lost in passing the time, SECONDS,
# to turn up again.
pcpool_leaks() {
	echo scan >$kmemleak
	sleep "$1"
	echo scan >$kmemleak
	grep -q '\[pcpool' $kmemleak
}
