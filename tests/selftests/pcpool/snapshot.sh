#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The pcpool command, which reads the binary snapshot, shows the same as the text files.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

need_tool
load
output=$(mktemp)

# json_value KEY: the values of KEY in $output; json-c prints one pair per line
json_value() {
	sed -n "s/^ *\"$1\": *\"\\{0,1\\}\\([^\",]*\\)\"\\{0,1\\},\\{0,1\\}$/\\1/p" "$output"
}

# json: reads $output into the array value, the first value of each key. Starts no process, unlike
# json_value.
declare -A value
json() {
	local line
	value=()
	while read -r line; do
		[[ $line =~ ^\"([a-z_]+)\":\ \"?([^\",]*)\"?,?$ ]] || continue
		[ "${value[${BASH_REMATCH[1]}]+known}" ] ||
			value[${BASH_REMATCH[1]}]=${BASH_REMATCH[2]}
	done <"$output"
}

# Four pools with different settings and different counters.
create_four() {
	tell create one
	put_everywhere one 11
	tell get one 40 0
	age one
	tell create two object_bytes=70000 private=2 steal=none flags=5 max_idle=1000 \
		max_object_bytes=80000
	tell get two 30 1
	tell put two 17 1
	tell create three steal=node
	bypass three 1
	tell get three 5 0
	tell put three 2 0
	tell create four max_total=10 reserve=3
	tell get four 4 0
	if tell get_now four 7 0; then
		fail "max_total is 10, but there are 11 objects"
	fi
}

show_json_matches_stats() {
	local pool key
	create_four
	for pool in one two three four; do
		"$tool" show --json $pool >"$output"
		json
		stats $pool
		at_least "keys of $pool" ${#stat[@]} 26
		for key in "${!stat[@]}"; do
			equal "$key of $pool" "${value[$key]-missing}" "${stat[$key]}"
		done
	done
}

show_json_matches_params() {
	create_four
	"$tool" show --json two >"$output"
	json
	equal name "${value[name]}" two
	equal owner "${value[owner]}" pcpool_selftest
	equal object_bytes "${value[object_bytes]}" 70000
	equal private_slots "${value[private_slots]}" 2
	equal steal "${value[steal]}" none
	equal flags "${value[flags]}" 5
	equal max_object_bytes "${value[max_object_bytes]}" 80000
	equal max_idle "${value[max_idle]}" 1000
	equal max_total "${value[max_total]}" 0
	equal bypassed "${value[bypassed]}" false
	equal debugged "${value[debugged]}" false
	"$tool" show --json three >"$output"
	json
	equal bypassed "${value[bypassed]}" true
	equal steal "${value[steal]}" node
	"$tool" show --json four >"$output"
	json
	equal max_idle "${value[max_idle]}" 0
	equal max_total "${value[max_total]}" 10
	equal reserve "${value[reserve]}" 3
}

show_prints_usage_against_limits() {
	create_four
	"$tool" show one >"$output"
	! grep -E 'limits|reserve|waiting' "$output" || fail "it shows limits of a pool without limits"
	"$tool" show two >"$output"
	stats two
	grep -q "^  idle  *${stat[idle_main]}  .* of 1000 objects" "$output"
	"$tool" show four >"$output"
	grep -q '^  existing  *10   100.0 %  of 10 objects' "$output"
	grep -q '^  reserve  *0     0.0 %  of 3 objects' "$output"
	grep -q '^waiting  *0 gets now, 0 have had to' "$output"
}

list_shows_waiting_gets() {
	tell create a max_total=1
	tell get a 1 0
	tell wait a &
	while stats a && [ "${stat[waiting]}" -eq 0 ]; do
		sleep 0.01
	done
	"$tool" list >"$output"
	tell put a 1 0
	wait $!
	grep -q '^a .*  1 WAITING$' "$output"
	"$tool" list >"$output"
	! grep WAITING "$output" || fail "no get waits, but the list shows one"
}

list_and_show_report_debug_mode_and_misuse() {
	tell create a flags=8
	"$tool" list >"$output"
	! grep -E 'DEBUGGED|MISUSE' "$output" || fail "it shows debug mode, which is off"
	"$tool" show a >"$output"
	! grep -E 'DEBUGGED|MISUSE' "$output" || fail "it shows debug mode, which is off"
	grep -q '^settings .*, plain memory$' "$output"
	debug a 1
	"$tool" list >"$output"
	grep -q '^a .*  DEBUGGED$' "$output"
	tell get a 3 0
	tell put_twice a 2 0
	"$tool" list >"$output"
	grep -q '^a .*  DEBUGGED  2 MISUSES$' "$output"
	"$tool" show a >"$output"
	grep -q '^\*\*\* 2 MISUSES: ' "$output"
	grep -q '^\*\*\* DEBUGGED: ' "$output"
	"$tool" show --json a >"$output"
	json
	equal debugged "${value[debugged]}" true
	equal misuses "${value[misuses]}" 2
	equal flags "${value[flags]}" 8
	debug a 0
	"$tool" list >"$output"
	grep -q '^a .* B  2 MISUSES$' "$output"
}

the_hit_ratio_is_hits_divided_by_gets() {
	create_four
	"$tool" show --json one >"$output"
	stats one
	equal hit_ratio "$(json_value hit_ratio)" \
		"$(awk -v hits=$((stat[gets] - stat[miss] - stat[alloc_fail])) -v gets="${stat[gets]}" \
			'BEGIN { printf "%.6f", hits / gets }')"
}

list_shows_all_pools() {
	local pool
	create_four
	"$tool" list --json >"$output"
	equal "pools" "$(json_value name | sort | xargs)" "four one three two"
	"$tool" list >"$output"
	equal "lines" "$(wc -l <"$output")" 5
	for pool in one two three four; do
		stats $pool
		equal "gets of $pool in the list" \
			"$(awk -v pool=$pool '$1 == pool { sub(/BYPASSED/, ""); print $(NF - 3) }' "$output")" \
			"${stat[gets]}"
	done
	grep -q '^three .*BYPASSED$' "$output"
}

show_ends_with_the_percpu_file() {
	create_four
	"$tool" show one >"$output"
	tail -n "$(wc -l <$debugfs/pcpool/one/percpu)" "$output" | cmp - $debugfs/pcpool/one/percpu
	"$tool" show --json one >"$output"
	equal "CPUs" "$(json_value cpu | wc -l)" "$nr_possible"
}

without_pools_the_list_is_empty() {
	equal "list" "$("$tool" list)" "There are no pools."
	equal "JSON list" "$("$tool" list --json | tr -d '[:space:]')" "[]"
}

# The records take more than one page, so the reader needs several reads.
many_pools_fit_in_one_snapshot() {
	local i
	for i in $(seq 100); do
		tell create "pool$i"
	done
	"$tool" list --json >"$output"
	equal "pools" "$(json_value name | wc -l)" 100
	equal "bytes, in small reads" \
		"$(dd if=$debugfs/pcpool/snapshot bs=7 2>/dev/null | wc -c)" $((32 + 100 * 360))
}

snapshots_are_complete_while_pools_come_and_go() {
	local i reader
	(
		trap - EXIT
		for i in $(seq 60); do
			"$tool" list --json >/dev/null || exit 1
		done
	) &
	reader=$!
	for i in $(seq 40); do
		tell create "a$i"
		tell create "b$i"
		tell destroy "a$i"
	done
	wait $reader
}

# refuses TEXT COMMAND...: the command fails with status 1, prints TEXT on stderr and no output
refuses() {
	local text=$1 status=0
	shift
	"$@" >"$output" 2>"$output.err" || status=$?
	equal "exit status" $status 1
	[ ! -s "$output" ] || fail "output: $(cat "$output")"
	grep -qF "$text" "$output.err" || fail "message: $(cat "$output.err")"
}

a_missing_pool_is_named() {
	tell create existing
	refuses "there is no pool named 'exsting'" "$tool" show exsting
	grep -q 'similar: existing' "$output.err"
}

other_users_are_told_that_root_is_needed() {
	refuses 'only root may' setpriv --reuid 65534 --regid 65534 --clear-groups "$tool" list
}

a_missing_debugfs_is_reported() {
	# shellcheck disable=SC2016 # expanded by the inner shell
	refuses 'mount -t debugfs none /sys/kernel/debug' \
		unshare -m bash -c 'umount /sys/kernel/debug && exec "$1" list' - "$tool"
}

a_missing_module_is_reported() {
	unload
	refuses 'the module pcpool is not loaded; load it with: modprobe pcpool' "$tool" list
	load
}

run_tests show_json_matches_stats show_json_matches_params show_prints_usage_against_limits \
	list_shows_waiting_gets list_and_show_report_debug_mode_and_misuse \
	the_hit_ratio_is_hits_divided_by_gets list_shows_all_pools \
	show_ends_with_the_percpu_file without_pools_the_list_is_empty \
	many_pools_fit_in_one_snapshot snapshots_are_complete_while_pools_come_and_go \
	a_missing_pool_is_named other_users_are_told_that_root_is_needed \
	a_missing_debugfs_is_reported a_missing_module_is_reported
