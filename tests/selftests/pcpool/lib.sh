# shellcheck shell=bash disable=SC2034 # some variables are for the scripts
# SPDX-License-Identifier: GPL-2.0
# What the test scripts share: loading the modules, driving the client module,
# reading a pool's statistics, and running test functions.
#
# A test is a function. It fails where its first command fails, which is named,
# or where a test of the client's own books does afterwards. PCPOOL_BUILD is the
# directory with the modules to test, PCPOOL_TOOL the pcpool command.

set -eu
LC_ALL=C
export LC_ALL

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck disable=SC1091 # comes with the kernel's selftests
. "$here/../kselftest/ktap_helpers.sh"

: "${PCPOOL_BUILD:?is not set: the directory with pcpool.ko and selftests/pcpool_selftest.ko}"
tool=${PCPOOL_TOOL:-$PCPOOL_BUILD/../tools/pcpool}
debugfs=/sys/kernel/debug
client=$debugfs/pcpool_selftest
cpus=/sys/devices/system/cpu
last_output=$(mktemp)

unload() {
	local module
	for module in pcpool_selftest pcpool; do
		if [ -d /sys/module/$module ]; then
			rmmod $module
		fi
	done
}

# load: both modules, and freshly: a script that ran into its timeout may have left them
load() {
	unload
	insmod "$PCPOOL_BUILD/pcpool.ko"
	insmod "$PCPOOL_BUILD/selftests/pcpool_selftest.ko"
}

# fail MESSAGE...: ends the test
fail() {
	echo "$*"
	exit "$KSFT_FAIL"
}

# skip REASON...: ends the test
skip() {
	echo "$*"
	exit "$KSFT_SKIP"
}

# tell WORD...: gives a command to the client module, see pcpool_selftest.c
tell() {
	echo "$*" >$client/command
}

# client_pool NAME: the client's own books of a pool into the array of_client
declare -A of_client
client_pool() {
	local -a names lines values
	local line i
	mapfile -t lines <$client/pools
	read -ra names <<<"${lines[0]}"
	of_client=()
	for line in "${lines[@]:1}"; do
		read -ra values <<<"$line"
		[ "${values[0]}" = "$1" ] || continue
		for i in "${!names[@]}"; do
			of_client[${names[i]}]=${values[i]}
		done
	done
}

# stats POOL: its statistics into the array stat, all of one moment: mapfile gets
# them in one read. Without a new process, which in an emulated machine is slow.
declare -A stat
stats() {
	local -a lines
	local line
	mapfile -t lines <$debugfs/pcpool/"$1"/stats
	stat=()
	for line in "${lines[@]}"; do
		stat[${line% *}]=${line#* }
	done
}

# equal WHAT GOT WANTED
equal() {
	[ "$2" = "$3" ] || fail "$1 is $2, not $3"
}

# at_least WHAT GOT MINIMUM
at_least() {
	[ "$2" -ge "$3" ] || fail "$1 is $2, less than $3"
}

# expect POOL KEY=VALUE...: what its statistics must say now
expect() {
	local pool=$1 pair
	shift
	stats "$pool"
	for pair; do
		equal "${pair%%=*} of $pool" "${stat[${pair%%=*}]}" "${pair#*=}"
	done
}

# balanced POOL [OBJECT_BYTES]: at a quiet moment, the identities between the counters
# hold, and they agree with the books of the client
balanced() {
	local pool=$1 object_bytes=${2:-256}
	stats "$pool"
	client_pool "$pool"
	equal "gets of $pool" "${stat[gets]}" $((stat[hit_private] + stat[hit_shared] +
		stat[hit_steal] + stat[hit_victim] + stat[miss] + stat[alloc_fail]))
	equal "made of $pool" "${stat[allocs]}" $((stat[frees] + stat[idle_main] +
		stat[idle_victim] + stat[outstanding]))
	equal "puts of $pool" "${stat[puts]}" $((stat[gets] - stat[alloc_fail] - stat[outstanding]))
	equal "idle_bytes of $pool" "${stat[idle_bytes]}" \
		$(((stat[idle_main] + stat[idle_victim]) * object_bytes))
	equal "made of $pool" "${stat[allocs]}" "${of_client[allocated]}"
	equal "unmade of $pool" "${stat[frees]}" "${of_client[freed]}"
	equal "outstanding of $pool" "${stat[outstanding]}" "${of_client[held]}"
	equal "errors of $pool" "${of_client[errors]}" 0
}

# age POOL, drain POOL, bypass POOL 0|1, debug POOL 0|1: as an operator does it
age() {
	echo 1 >$debugfs/pcpool/"$1"/age
}

drain() {
	echo 1 >$debugfs/pcpool/"$1"/drain
}

bypass() {
	echo "$2" >$debugfs/pcpool/"$1"/bypass
}

debug() {
	echo "$2" >$debugfs/pcpool/"$1"/debug
}

# cpu_list LIST: "0-2,5" as the array list, (0 1 2 5)
cpu_list() {
	local part cpu
	list=()
	for part in ${1//,/ }; do
		for ((cpu = ${part%-*}; cpu <= ${part#*-}; cpu++)); do
			list+=("$cpu")
		done
	done
}

cpu_list "$(<$cpus/possible)"
nr_possible=${#list[@]}

# online_cpus: those into the array online, and the last one into last_cpu
online_cpus() {
	local -a list
	cpu_list "$(<$cpus/online)"
	online=("${list[@]}")
	last_cpu=${online[-1]}
}
online_cpus

# need_cpus COUNT: skips the test on a machine with fewer
need_cpus() {
	[ ${#online[@]} -ge "$1" ] || skip "needs $1 CPUs"
}

# need_hotplug: skips the test where the last CPU cannot be taken offline
need_hotplug() {
	[ -w $cpus/cpu"$last_cpu"/online ] || skip "CPUs cannot be taken offline"
}

offline() {
	echo 0 >$cpus/cpu"$1"/online
}

online() {
	echo 1 >$cpus/cpu"$1"/online
}

all_online() {
	local switch
	for switch in "$cpus"/cpu[0-9]*/online; do
		if [ -w "$switch" ] && [ "$(<"$switch")" = 0 ]; then
			echo 1 >"$switch"
		fi
	done
}

# put_everywhere POOL COUNT: leaves it with COUNT idle objects on each CPU
put_everywhere() {
	local cpu
	tell get "$1" $(($2 * ${#online[@]})) 0
	for cpu in "${online[@]}"; do
		tell put "$1" "$2" "$cpu"
	done
}

# log_mark: from here on, log_since shows the kernel log
log_mark() {
	mark="pcpool selftest $$ $EPOCHREALTIME"
	echo "$mark" >/dev/kmsg
}

log_since() {
	dmesg | sed "1,/$mark\$/d"
}

# A pool that is destroyed with an error in the client's books fails the write.
destroy_all() {
	local -a lines
	local line status=0
	[ -e $client/pools ] || return 0
	mapfile -t lines <$client/pools
	for line in "${lines[@]:1}"; do
		tell destroy "${line%% *}" || status=1
	done
	mapfile -t lines <$client/sets
	for line in "${lines[@]:1}"; do
		tell destroy_set "${line%% *}" || status=1
	done
	return $status
}

one_test() {
	(
		set -eE
		trap 'echo "$0 line $LINENO: failed: $BASH_COMMAND"' ERR
		"$1"
		destroy_all
	) >"$last_output" 2>&1
}

# run_tests FUNCTION...: the last line of a script
run_tests() {
	local name status
	# The marks in the log must not be held back for being many.
	echo on >/proc/sys/kernel/printk_devkmsg
	trap 'all_online; unload' EXIT
	ktap_print_header
	ktap_set_plan $#
	for name; do
		# In a condition, the test's own set -e would have no effect.
		set +e
		SECONDS=0
		one_test "$name"
		status=$?
		destroy_all 2>/dev/null
		all_online
		set -e
		sed 's/^/# /' "$last_output"
		ktap_print_msg "$name took $SECONDS s"
		case $status in
		"$KSFT_PASS") ktap_test_pass "$name" ;;
		"$KSFT_SKIP") ktap_test_skip "$name" ;;
		*) ktap_test_fail "$name" ;;
		esac
	done
	ktap_finished
}
