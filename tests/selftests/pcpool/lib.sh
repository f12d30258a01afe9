# shellcheck shell=bash disable=SC2034 # some variables are for the scripts
# SPDX-License-Identifier: GPL-2.0
# Shared by the test scripts: loading the modules, controlling the client module,
# reading a pool's statistics, and running test functions.
#
# A test is a function. It fails at the first command that fails, which is printed, or
# afterwards, if the client module has counted errors.
#
# Environment, all optional:
#   PCPOOL_BUILD  directory with pcpool.ko and selftests/pcpool_selftest.ko
#                 (default: build/RELEASE of the source tree that contains the script)
#   PCPOOL_TOOL   the pcpool command (default: build/tools/pcpool of that tree)
#   KSFT          directory with kselftest/ktap_helpers.sh (default: the parent directory)
# A script skips itself and names what is missing if it cannot run.

set -eu
LC_ALL=C
export LC_ALL

here=$(cd "$(dirname "$0")" && pwd)

# skip_all REASON...: ends the script; all its tests are skipped
skip_all() {
	echo "TAP version 13"
	echo "1..0 # SKIP $*"
	exit 4
}

helpers=${KSFT:-$here/..}/kselftest/ktap_helpers.sh
[ -r "$helpers" ] ||
	skip_all "there is no $helpers; set KSFT to tools/testing/selftests of a kernel source, 6.9 or newer"
# shellcheck disable=SC1090 # comes with the kernel's selftests
. "$helpers"

PCPOOL_BUILD=${PCPOOL_BUILD:-$(cd "$here/../../.." && pwd)/build/$(uname -r)}
tool=${PCPOOL_TOOL:-$PCPOOL_BUILD/../tools/pcpool}
debugfs=/sys/kernel/debug
client=$debugfs/pcpool_selftest
cpus=/sys/devices/system/cpu

[ "$(id -u)" -eq 0 ] || skip_all "must be run as root"
for module in pcpool.ko selftests/pcpool_selftest.ko; do
	[ -r "$PCPOOL_BUILD/$module" ] ||
		skip_all "there is no $PCPOOL_BUILD/$module; run make selftests, or set PCPOOL_BUILD"
done
grep -q "^[^ ]* $debugfs debugfs " /proc/mounts || skip_all "debugfs is not mounted at $debugfs"

last_output=$(mktemp)

# need_tool: skips the script if the pcpool command is missing
need_tool() {
	[ -x "$tool" ] || skip_all "there is no $tool; run make tools, or set PCPOOL_TOOL"
}

# unload: unloads both modules, if they are loaded
unload() {
	local module
	for module in pcpool_selftest pcpool; do
		if [ -d /sys/module/$module ]; then
			rmmod $module
		fi
	done
}

# load: loads both modules, after unloading what an earlier script that timed out may have left
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

# tell WORD...: sends a command to the client module, see pcpool_selftest.c
tell() {
	echo "$*" >$client/command
}

# client_pool NAME: reads the client's own counters of a pool into the array of_client
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

# stats POOL: reads its statistics into the array stat. mapfile reads them with one read, so they are
# consistent, and starts no process, which is slow in an emulated machine.
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

# equal WHAT GOT EXPECTED
equal() {
	[ "$2" = "$3" ] || fail "$1 is $2, expected $3"
}

# at_least WHAT GOT MINIMUM
at_least() {
	[ "$2" -ge "$3" ] || fail "$1 is $2, expected at least $3"
}

# expect POOL KEY=VALUE...: checks its statistics
expect() {
	local pool=$1 pair
	shift
	stats "$pool"
	for pair; do
		equal "${pair%%=*} of $pool" "${stat[${pair%%=*}]}" "${pair#*=}"
	done
}

# comes_to POOL KEY VALUE: waits until a statistic has this value
comes_to() {
	local end=$((SECONDS + 20))
	while stats "$1" && [ "${stat[$2]}" != "$3" ]; do
		[ $SECONDS -lt $end ] || fail "$2 of $1 stays ${stat[$2]}, expected $3"
		sleep 0.01
	done
}

# balanced POOL [OBJECT_BYTES]: at a quiet moment, checks that the counters add up and agree with
# the client's own counters
balanced() {
	local pool=$1 object_bytes=${2:-256}
	stats "$pool"
	client_pool "$pool"
	equal "gets of $pool" "${stat[gets]}" $((stat[hit_private] + stat[hit_shared] +
		stat[hit_steal] + stat[hit_victim] + stat[miss] + stat[alloc_fail]))
	equal "allocs of $pool" "${stat[allocs]}" $((stat[frees] + stat[idle_main] +
		stat[idle_victim] + stat[outstanding]))
	equal "puts of $pool" "${stat[puts]}" $((stat[gets] - stat[alloc_fail] - stat[outstanding]))
	equal "idle_bytes of $pool" "${stat[idle_bytes]}" \
		$(((stat[idle_main] + stat[idle_victim]) * object_bytes))
	equal "allocs of $pool" "${stat[allocs]}" "${of_client[allocated]}"
	equal "frees of $pool" "${stat[frees]}" "${of_client[freed]}"
	equal "outstanding of $pool" "${stat[outstanding]}" "${of_client[held]}"
	equal "errors of $pool" "${of_client[errors]}" 0
}

# age POOL, drain POOL, bypass POOL 0|1, debug POOL 0|1: through debugfs
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

# cpu_list LIST: expands LIST into the array list; "0-2,5" becomes (0 1 2 5)
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

# online_cpus: reads them into the array online, and the last one into last_cpu
online_cpus() {
	local -a list
	cpu_list "$(<$cpus/online)"
	online=("${list[@]}")
	last_cpu=${online[-1]}
}
online_cpus

# need_cpus COUNT: skips the test if fewer CPUs are online
need_cpus() {
	[ ${#online[@]} -ge "$1" ] || skip "needs $1 CPUs"
}

# need_hotplug: skips the test if the last CPU cannot be taken offline
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

# put_everywhere POOL COUNT: leaves COUNT idle objects on each CPU
put_everywhere() {
	local cpu
	tell get "$1" $(($2 * ${#online[@]})) 0
	for cpu in "${online[@]}"; do
		tell put "$1" "$2" "$cpu"
	done
}

# log_mark: marks the kernel log; log_since prints what follows the mark
log_mark() {
	mark="pcpool selftest $$ $EPOCHREALTIME"
	echo "$mark" >/dev/kmsg
}

log_since() {
	dmesg | sed "1,/$mark\$/d"
}

# destroy_all: destroys all pools and sets. Fails if the client module has counted an error in one.
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

# one_test FUNCTION: runs it in a subshell, with its output in $last_output
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
	# The marks in the log must not be rate limited.
	echo on >/proc/sys/kernel/printk_devkmsg
	trap 'all_online; unload' EXIT
	ktap_print_header
	ktap_set_plan $#
	for name; do
		# Not in a condition, where the set -e of the test would have no effect.
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
