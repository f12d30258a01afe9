# shellcheck shell=bash disable=SC2034,SC2154 # globals pass between the scripts here
# What run and check-limits share: building for a kernel, and measuring in a guest.

vm=tests/vm/run

say() {
	printf 'bench: %s\n' "$*" >&2
}

# quiet COMMAND...: shows what it prints only if it fails
quiet() {
	local log=$out/log
	if ! "$@" >"$log" 2>&1 </dev/null; then
		tail -n 40 "$log" >&2
		say "this failed: $*"
		exit 1
	fi
}

# build_for KERNEL: sets build, where the modules for it then are
build_for() {
	local variables kdir
	variables=$("$vm" --kdir "$1")
	kdir=${variables#KDIR=}
	kdir=${kdir%% *}
	build=build/$(sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' "$kdir/include/generated/utsrelease.h")
	# shellcheck disable=SC2086 # several variables
	quiet make -j "$(nproc)" $variables bench-module
}

# build_plugin: sets plugin. The version of the interface is the newest that this QEMU and the
# plugin both know: QEMU 8.2 changed it to 2, no longer taking 1, and still takes 2.
build_plugin() {
	local version
	version=$(qemu-system-x86_64 --version | sed -n 's/.*version \([0-9]*\)\.\([0-9]*\).*/\1 \2/p' |
		awk '{ print ($1 * 100 + $2 >= 802 ? 2 : 1) }')
	plugin=$out/pcpool_count.so
	quiet cc -O2 -Wall -Wextra -Wno-unused-parameter -shared -fPIC \
		-DPLUGIN_VERSION="$version" -o "$plugin" tests/bench/plugin/pcpool_count.c
}

# in_guest KERNEL NAME [OPTION...] -- WORD...: runs cases in a guest, see in-guest; the results
# are added to results.tsv. Fails if anything did.
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

# with_plugin NAME: the options of tests/vm/run for counting, a line each
with_plugin() {
	printf '%s\n' --plugin "$plugin,out=$out/$1.counts"
}
