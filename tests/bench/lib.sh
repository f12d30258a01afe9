# shellcheck shell=bash disable=SC2034,SC2154 # globals pass between the scripts here
# What run and check-limits share: building for a kernel, and measuring in a guest.

vm=tests/vm/run
solo_cases=(pair depth8 depth100 depth1000)
all_cases=("${solo_cases[@]}")

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

# measure KERNEL NAME [OPTION...] -- WORD...: runs cases in a guest, see in-guest;
# leaves results in NAME.tsv
measure() {
	local kernel=$1 name=$2 options=()
	shift 2
	while [[ $1 != -- ]]; do
		options+=("$1")
		shift
	done
	shift
	"$vm" "$kernel" --timeout 300 --log "$out/$name.log" "${options[@]}" -- \
		tests/bench/in-guest "$build" "$@" >"$out/$name.raw" || {
		cat "$out/$name.raw" >&2
		say "$kernel failed, see $out/$name.log"
		exit 1
	}
	awk -F '\t' -v OFS='\t' '
		/^#skip/ { print "bench: " $2 ": without " $3 ", " $4 >"/dev/stderr" }
		/^#/ { next }
		{ sub(/^cycles/, "instructions", $3); print }' "$out/$name.raw" >"$out/$name.tsv"
}
