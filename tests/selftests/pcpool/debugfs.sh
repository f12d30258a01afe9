#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The contents of the debugfs files. For writes see bad_writes.sh, for access permissions.sh.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

load

keys='gets hit_private hit_shared hit_steal hit_victim miss alloc_fail puts drop_full
	drop_oversize drop_other evicted ages allocs frees outstanding idle_main idle_victim idle_bytes
	deferred grows idle_reserve waiting waits misuses requested_bytes'

# create_used NAME: a pool in which every kind of event has happened
create_used() {
	tell create "$1" private=4
	put_everywhere "$1" 20
	tell get "$1" 30 0
	age "$1"
	tell put "$1" 5 0
	tell get "$1" 60 0
	tell fail "$1" 1
	# More than there are idle objects, so that the last get fails.
	if tell get "$1" 1000 0 2>/dev/null; then
		fail "1000 gets succeeded"
	fi
	tell fail "$1" 0
	tell put "$1" 50 0
	age "$1"
	tell put "$1" 5 1
	age "$1"
	bypass "$1" 1
	tell put "$1" 3 0
	bypass "$1" 0
	tell prefill "$1" 7 0
}

a_pool_has_these_files() {
	local file
	tell create a
	for file in stats percpu params age drain bypass debug outstanding; do
		[ -f $debugfs/pcpool/a/$file ] || fail "$file is missing"
	done
	equal "mode of age" "$(stat -c %a $debugfs/pcpool/a/age)" 200
	equal "mode of drain" "$(stat -c %a $debugfs/pcpool/a/drain)" 200
	equal "mode of bypass" "$(stat -c %a $debugfs/pcpool/a/bypass)" 600
	equal "mode of debug" "$(stat -c %a $debugfs/pcpool/a/debug)" 600
	equal "mode of outstanding" "$(stat -c %a $debugfs/pcpool/a/outstanding)" 400
}

stats_has_every_key_once_with_a_number() {
	local key
	create_used a
	for key in $keys; do
		equal "lines of $key" "$(grep -cE "^$key [0-9]+$" $debugfs/pcpool/a/stats)" 1
	done
	equal "number of keys" "$(grep -cE '^[a-z_]+ [0-9]+$' $debugfs/pcpool/a/stats)" \
		"$(wc -l <$debugfs/pcpool/a/stats)"
}

pools_has_a_header_and_a_line_per_pool() {
	local name
	tell create first
	tell create second object_bytes=4096
	equal "lines of pools" "$(wc -l <$debugfs/pcpool/pools)" 3
	head -n 1 $debugfs/pcpool/pools | grep -qw name
	head -n 1 $debugfs/pcpool/pools | grep -qw owner
	for name in first second; do
		equal "lines about $name" \
			"$(grep -cE "^$name\b.*\bpcpool_selftest\b" $debugfs/pcpool/pools)" 1
	done
	tell destroy first
	equal "lines of pools" "$(wc -l <$debugfs/pcpool/pools)" 2
	[ ! -e $debugfs/pcpool/first ]
}

# has_params POOL LINE...: the params file of the pool has these lines
has_params() {
	local pool=$1 line
	shift
	for line; do
		grep -qx "$line" "$debugfs/pcpool/$pool/params" ||
			fail "no line '$line' in: $(cat "$debugfs/pcpool/$pool/params")"
	done
}

params_shows_the_parameters() {
	tell create a object_bytes=5000 private=5 steal=node flags=1
	has_params a 'object_bytes 5000' 'private_slots 5' 'steal node' 'flags free_may_sleep' \
		'max_object_bytes 0' 'max_idle 0' 'max_total 0' 'reserve 0'
	tell create b object_bytes=5000 max_object_bytes=6000 max_idle=1000 max_total=2000 \
		reserve=3 flags=7
	# Objects in private slots would be out of reach of waiters on other CPUs.
	has_params b 'max_object_bytes 6000' 'max_idle 1000' 'max_total 2000' 'reserve 3' \
		'private_slots 0' 'flags free_may_sleep bypass zero_on_put'
	tell create c flags=4
	has_params c 'flags zero_on_put'
	tell create plain flags=8
	has_params plain 'flags plain'
	tell create all flags=15
	has_params all 'flags free_may_sleep bypass zero_on_put plain'
	tell create atomic flags=30
	has_params atomic 'flags bypass zero_on_put plain free_atomic'
	tell create d
	has_params d 'flags none'
	tell create e reserve=1
	has_params e 'max_total 0' 'reserve 1'
}

# The slots hold 64 KiB of objects, at least 1 and at most 16.
private_slots_depend_on_the_object_size() {
	local pair
	for pair in 1=16 4096=16 8192=8 8193=7 32768=2 65536=1 1048576=1; do
		tell create a object_bytes=${pair%=*}
		grep -qx "private_slots ${pair#*=}" $debugfs/pcpool/a/params ||
			fail "objects of ${pair%=*}: $(grep private_slots $debugfs/pcpool/a/params)"
		tell destroy a
	done
}

counters_add_up_at_a_quiet_moment() {
	local key
	create_used a
	balanced a
	for key in gets hit_private hit_shared hit_steal hit_victim miss alloc_fail puts \
		allocs frees outstanding idle_bytes; do
		at_least "$key" "${stat[$key]}" 1
	done
	equal alloc_fail "${stat[alloc_fail]}" 1
	equal drop_other "${stat[drop_other]}" 3
	equal ages "${stat[ages]}" 3
	equal evicted "${stat[evicted]}" 50
	equal idle_victim "${stat[idle_victim]}" 5
	equal idle_main "${stat[idle_main]}" 7
}

# percpu_sum COLUMN: the sum over all CPUs
percpu_sum() {
	awk -v column="$1" '
		NR == 1 { for (i = 1; i <= NF; i++) if ($i == column) at = i }
		NR > 1 { sum += $at }
		END { print sum }' $debugfs/pcpool/a/percpu
}

percpu_has_a_line_per_cpu_that_adds_up() {
	local column
	create_used a
	stats a
	equal "objects of all CPUs in the main tier" $(($(percpu_sum private) + $(percpu_sum main))) \
		"${stat[idle_main]}"
	equal "objects of all CPUs in the victim tier" "$(percpu_sum victim)" "${stat[idle_victim]}"
	equal "lines of percpu" "$(wc -l <$debugfs/pcpool/a/percpu)" \
		$((nr_possible + 1))
	head -n 1 $debugfs/pcpool/a/percpu | grep -qw cpu
	for column in $(head -n 1 $debugfs/pcpool/a/percpu); do
		[ "${stat[$column]+known}" ] || continue
		equal "sum of $column" "$(percpu_sum "$column")" "${stat[$column]}"
	done
}

files_can_be_read_during_traffic() {
	local end=$((SECONDS + 3)) gets=0 reads=0
	tell create a
	tell start a
	while [ $SECONDS -lt $end ]; do
		stats a
		# Counters are read at slightly different moments, but none goes backwards.
		at_least "gets" "${stat[gets]}" "$gets"
		gets=${stat[gets]}
		at_least "outstanding objects" $((stat[outstanding])) 0
		cat $debugfs/pcpool/pools $debugfs/pcpool/snapshot $debugfs/pcpool/a/p* >/dev/null
		reads=$((reads + 1))
	done
	tell stop a
	echo "$reads rounds of reading, $gets gets"
	at_least "gets" "$gets" 1000
	balanced a
}

an_open_file_outlives_its_pool() {
	tell create a
	exec 3<$debugfs/pcpool/a/stats 4>$debugfs/pcpool/a/age 5<$debugfs/pcpool/snapshot
	tell destroy a
	! cat <&3 >/dev/null 2>&1 || fail "the statistics of a destroyed pool can be read"
	! echo 1 2>/dev/null >&4 || fail "a destroyed pool can be aged"
	cat <&5 >/dev/null
	exec 3<&- 4>&- 5<&-
}

run_tests a_pool_has_these_files stats_has_every_key_once_with_a_number \
	pools_has_a_header_and_a_line_per_pool params_shows_the_parameters \
	private_slots_depend_on_the_object_size counters_add_up_at_a_quiet_moment \
	percpu_has_a_line_per_cpu_that_adds_up files_can_be_read_during_traffic \
	an_open_file_outlives_its_pool
