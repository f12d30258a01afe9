# shellcheck shell=bash disable=SC2034,SC2154 # globals pass between the scripts here
# Shared by run and check-limits: building for a kernel, and measuring in a guest.

vm=tests/vm/run

say() {
	printf 'bench: %s\n' "$*" >&2
}

# quiet COMMAND...: shows its output only if it fails
quiet() {
	local log=$out/log
	"$@" >"$log" 2>&1 </dev/null || {
		tail -n 40 "$log" >&2
		say "failed: $*"
		return 1
	}
}

# build_for KERNEL: builds the modules; sets build, their directory
build_for() {
	local variables kdir
	variables=$("$vm" --kdir "$1")
	kdir=${variables#KDIR=}
	kdir=${kdir%% *}
	build=build/$(sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' "$kdir/include/generated/utsrelease.h")
	# shellcheck disable=SC2086 # several variables
	quiet make -j "$(nproc)" $variables bench-module
}

# build_plugin: builds the plugin; sets plugin. Each QEMU accepts some versions of the interface, but
# does not say which. The plugin works with all of them, so it is built for the first one accepted.
build_plugin() {
	local version
	plugin=$out/pcpool_count.so
	for version in {1..9}; do
		quiet cc -O2 -Wall -Wextra -Wno-unused-parameter -shared -fPIC \
			-DPLUGIN_VERSION="$version" -o "$plugin" tests/bench/plugin/pcpool_count.c
		timeout 20 qemu-system-x86_64 -machine none -accel tcg -display none -monitor stdio \
			-plugin "$plugin,out=/dev/null" <<<quit >"$out/log" 2>&1 && return
	done
	cat "$out/log" >&2
	say "this QEMU does not accept the plugin"
	exit 1
}

# in_guest KERNEL NAME [OPTION...] -- WORD...: runs cases in a guest, see in-guest, and adds the
# results to results.tsv. Fails if any step fails.
in_guest() {
	local kernel=$1 name=$2 options=()
	shift 2
	while [[ $1 != -- ]]; do
		options+=("$1")
		shift
	done
	shift
	: >"$out/$name.counts"
	"$vm" "$kernel" --timeout 300 --log "$out/$name.log" "${options[@]}" -- \
		tests/bench/in-guest "$build" "$@" >"$out/$name.raw" || {
		cat "$out/$name.raw" >&2
		say "$kernel failed, see $out/$name.log"
		return 1
	}
	awk -f tests/bench/join.awk "$out/$name.counts" "$out/$name.raw" >>"$out/results.tsv"
}

# Numbers of possible CPUs of the case "possible".
possible_counts=(1 64 512)

# count_possible: runs the case "possible" for each of these, and adds the results to results.tsv.
# Only a stock kernel accepts possible_cpus=, and the plugin would make its boot take minutes.
count_possible() {
	local possible
	for possible in "${possible_counts[@]}"; do
		in_guest debian-6.1 "possible-$possible" --icount --mem 1G \
			--append "possible_cpus=$possible" -- possible || return
	done
}

# with_plugin NAME: options of tests/vm/run to load the plugin, one per line
with_plugin() {
	printf '%s\n' --plugin "$plugin,out=$out/$1.counts"
}
