# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # globals pass between the scripts and this
# Shared by tests/check and tests/check-all: building for a kernel, and running stages. A stage
# is a command that prints KTAP. Its output and the kernel's log are kept in $out; the kernel's
# own parser (kunit.py) reads the output, and one line sums it up.
#
# The caller sets top, out, vm (tests/vm/run), and name_width (width of the column of names).

say() {
	printf '%s\n' "$*"
}

# stage NAME DESCRIPTION COMMAND...: runs the command, which prints KTAP, and prints the result.
# Leaves in NAME.counts the numbers of passed, failed and skipped tests, and the seconds it took.
stage() {
	local name=$1 description=$2 status=0 start=$SECONDS summary p f s
	shift 2

	printf '%-*s %s ...\n' "$name_width" "$name" "$description"
	"$@" >"$out/$name.ktap" 2>"$out/$name.log" || status=$?
	python3 "$source_dir/tools/testing/kunit/kunit.py" parse \
		"$out/$name.ktap" >"$out/$name.txt" 2>&1 || true
	summary=$(sed -n 's/.*Testing complete. Ran [0-9]* tests: //p' "$out/$name.txt")
	p=$(count "$summary" passed)
	f=$(($(count "$summary" failed) + $(count "$summary" crashed) + $(count "$summary" errors)))
	s=$(count "$summary" skipped)
	# The stage also fails if the command fails without a failed test, or if no test passed.
	if [[ $f -eq 0 ]] && { [[ $status -ne 0 ]] || [[ $p -eq 0 ]]; }; then
		f=1
		say "stage ended with status $status, $p tests passed" >>"$out/$name.log"
	fi
	# Printed in one piece, because another stage may print at the same time.
	{
		printf '%-*s %d passed, %d failed, %d skipped (%d s)\n' "$name_width" "$name" \
			"$p" "$f" "$s" $((SECONDS - start))
		if [[ $f -gt 0 ]]; then
			grep -E '^ *not ok' "$out/$name.ktap" | head -n 20 | sed 's/^/    /' || true
			tail -n 15 "$out/$name.log" | sed 's/^/    /'
			say "    see ${out#"$top"/}/$name.ktap, ${out#"$top"/}/$name.log"
		elif [[ $s -gt 0 ]]; then
			grep -oE '# SKIP [^ ].*' "$out/$name.ktap" | sort | uniq -c |
				sed 's/^ */    /' || true
		fi
	} >"$out/$name.said"
	cat "$out/$name.said"
	say "$p $f $s $((SECONDS - start))" >"$out/$name.counts"
}

# no_skips COMMAND...: runs the command, and fails also if a test was skipped
no_skips() {
	"$@" | awk '{ print } /# SKIP/ { skipped++ }
		END { if (skipped) print "# a test was skipped, which counts as a failure here"; exit skipped > 0 }'
}

# count SUMMARY WORD: the number that follows "WORD: " in a summary of kunit.py.
count() {
	local n
	n=$(sed -n "s/.*$2: \([0-9]*\).*/\1/p" <<<"$1")
	printf '%s' "${n:-0}"
}

# build KERNEL TARGET...: builds for a kernel from scratch, so that the log has every warning.
build() {
	local kernel=$1 variables log=$out/build-$1.log
	shift
	variables=$("$vm" --kdir "$kernel") || return
	rm -rf "build/$(release "$kernel")"
	# shellcheck disable=SC2086 # one line of several variables
	if ! make -j "$(nproc)" $variables "$@" >"$log" 2>&1; then
		tail -n 30 "$log" >&2
		say "building $* for $kernel failed, see $log" >&2
		return 1
	fi
}

# release KERNEL: its release (uname -r), which names the build directory.
release() {
	local kdir
	kdir=$("$vm" --kdir "$1" 2>/dev/null | sed 's/KDIR=\([^ ]*\).*/\1/')
	sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' "$kdir/include/generated/utsrelease.h"
}

# guest KERNEL NAME OPTION... -- COMMAND...: runs the command of stage NAME in a guest.
guest() {
	local kernel=$1 name=$2
	shift 2
	"$vm" "$kernel" --log "$out/$name.kernel.log" "$@"
}

# get_parser: sets source_dir, the kernel source that provides kunit.py and kselftest
get_parser() {
	source_dir=$(readlink -f "$("$vm" --kdir uml | sed 's/KDIR=\([^ ]*\).*/\1/')/source")
}
