#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Only root may read or write the files of pcpool, and they show no kernel address, not even to root.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

need_tool
load
parameters=/sys/module/pcpool/parameters
kptr_restrict=/proc/sys/kernel/kptr_restrict

# files [FIND TEST...]: all files of pcpool in debugfs and sysfs
files() {
	find $debugfs/pcpool $parameters -type f "$@"
}

# as_nobody COMMAND...: runs the command as an unprivileged user
as_nobody() {
	setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
}

# Prints which of the files can be opened, and for what.
# shellcheck disable=SC2016 # expanded by perl
opener='
	use Fcntl;
	for my $file (@ARGV) {
		print "$file can be read\n" if sysopen(my $in, $file, O_RDONLY);
		print "$file can be written\n" if sysopen(my $out, $file, O_WRONLY);
		print "$file can be opened for both\n" if sysopen(my $both, $file, O_RDWR);
	}'

only_root_may_access_the_files() {
	local owner mode file n=0
	tell create a
	tell create_set set min_bytes=4096 max_bytes=4096
	while read -r owner mode file; do
		[[ "$owner $mode" =~ ^0\ (200|400|600)$ ]] ||
			fail "$file has owner $owner and mode $mode"
		n=$((n + 1))
	done < <(files -printf '%U %m %p\n')
	# Two pools with 8 files each, two files for all pools, and the parameter.
	at_least "number of files" $n 19
	equal "mode of the directory" "$(stat -c %a $debugfs/pcpool)" 700
}

other_users_can_open_no_file() {
	local open
	local -a all
	tell create a
	mapfile -t all < <(files)
	# Check that the opener works.
	equal "files that an unprivileged user can open" "$(as_nobody perl -e "$opener" /proc/version)" \
		'/proc/version can be read'
	perl -e "$opener" "${all[@]}" | grep -q 'can be written'

	open=$(as_nobody perl -e "$opener" "${all[@]}")
	equal "files that an unprivileged user can open" "$open" ''
	# Nor if an administrator opens debugfs for other users.
	chmod 755 $debugfs $debugfs/pcpool
	open=$(as_nobody perl -e "$opener" "${all[@]}")
	chmod 700 $debugfs $debugfs/pcpool
	equal "files that an unprivileged user can open in an open directory" "$open" ''
}

the_command_tells_other_users_to_be_root() {
	local output
	tell create a
	"$tool" list | grep -qw a
	! output=$(as_nobody "$tool" list 2>&1) || fail "an unprivileged user is shown: $output"
	[[ $output == *'only root may'* ]] || fail "the message is: $output"
}

# Arguments: FROM-TO FILE... Prints kernel addresses in the files: hexadecimal numbers of 8 to 16
# digits, decimal numbers, or binary words. On x86-64 and arm64, kernel addresses begin with ff. The
# range FROM-TO (hexadecimal) adds the addresses of a module, which may lie elsewhere.
# shellcheck disable=SC2016 # expanded by perl
scanner='
	no warnings "portable";
	my ($from, $to) = map { hex } split /-/, shift;
	sub check {
		my ($value, $file) = @_;
		return unless $value >= 0xff00000000000000 || $value >= $from && $value < $to;
		printf "%s shows %x\n", $file, $value;
	}
	for my $file (@ARGV) {
		open(my $in, "<:raw", $file) or die "$file: $!\n";
		my $data = do { local $/; <$in> };
		check(hex $1, $file) while $data =~ /(?<![0-9a-f])(?:0x)?([0-9a-f]{8,16})(?![0-9a-f])/ig;
		while ($data =~ /(?<!\d)(-?)(\d{8,20})(?!\d)/g) {
			check($1 ? ~($2 + 0) + 1 : $2 + 0, $file);
		}
		next unless $data =~ /\0/;
		check($_, $file) for unpack("Q*", $data);
	}'

# scan FILE...: runs the scanner with the range of the client module
scan() {
	perl -e "$scanner" "$module_range" "$@"
}

# no_addresses FILE...: fails if a file has a kernel address
no_addresses() {
	local found
	found=$(scan "$@")
	equal "addresses" "$found" ''
}

# find_module: sets module_range, the addresses of the client module; pcpool stores addresses of its
# callers, which lie there
find_module() {
	local size address
	read -r _ size _ _ _ address _ < <(grep '^pcpool_selftest ' /proc/modules)
	[ $((address)) -ne 0 ] || fail "the module's address is not shown: $address"
	module_range=$(printf '%x-%x' $((address)) $((address + size)))
}

the_scanner_recognises_addresses() {
	local address form n=0 found
	local -a forms
	work=$(mktemp -d)
	echo 0 >$kptr_restrict
	find_module
	address=$(sed -n 's/^\([0-9a-f]*\) . get_job\b.*\[pcpool_selftest\]$/\1/p' /proc/kallsyms)
	[ "$address" ] || fail "get_job is not in kallsyms"
	echo "stats 0 1234567890123 -10000 00000000deadbeef 0x12 7fffffffffffffff" >"$work/none"
	forms=("$address" "0x$address" $((0x$address)) "$(printf %u $((0x$address)))"
		ffff888012345678 FFFF0000C0001000 -140737488355328 18446744071578845184)
	for form in "${forms[@]}"; do
		n=$((n + 1))
		echo "got_by $form" >"$work/$n"
	done
	perl -e 'print "magic.!!", pack("QQQ", 1, hex shift, 2)' "$address" >"$work/binary"
	found=$(scan "$work"/*)
	rm -r "$work"
	echo "$found"
	equal "files with addresses" "$(cut -d ' ' -f 1 <<<"$found" | sort -u | wc -l)" $((n + 1))
	[[ $found != *none* ]] || fail "the scanner reports numbers that are no addresses"
}

# Uses the parameter hold: the code that called pcpool_get() was freed after the module's init.
an_unloaded_caller_shows_no_address() {
	unload
	echo 0 >$kptr_restrict
	insmod "$PCPOOL_BUILD/pcpool.ko" debug=1
	insmod "$PCPOOL_BUILD/selftests/pcpool_selftest.ko" hold=1
	find_module
	cat $debugfs/pcpool/init/outstanding
	equal "objects of an unknown caller" "$(grep -c ' (unknown)$' $debugfs/pcpool/init/outstanding)" 1
	no_addresses $debugfs/pcpool/init/outstanding
	tell put_twice init 1 0
	expect init misuses=1
	log_mark
	unload
	log_since >"$last_output.log"
	no_addresses "$last_output.log"
	rm "$last_output.log"
	load
}

# Pools of all kinds, with objects that are idle, outstanding, and put twice.
no_file_or_message_shows_an_address() {
	local before level name out
	local -a all
	! grep -qw no_hash_pointers /proc/cmdline || skip "the kernel runs with no_hash_pointers"
	before=$(<$kptr_restrict)
	echo 0 >$kptr_restrict
	find_module
	out=$(mktemp -d)
	tell create a
	tell create b max_total=100 reserve=3
	tell create c max_idle=100 flags=8
	tell create_set set min_bytes=4096 max_bytes=8192
	log_mark
	for name in a b c; do
		debug $name 1
		tell get $name 20 0
		tell put_twice $name 5 "$last_cpu"
		equal "objects of get_job" \
			"$(grep -c ' get_job+' $debugfs/pcpool/$name/outstanding)" 15
	done
	mapfile -t all < <(files -perm -400)
	at_least "files" ${#all[@]} 33
	for level in 0 1 2; do
		echo $level >$kptr_restrict
		no_addresses "${all[@]}"
		"$tool" list >"$out/list.$level"
		"$tool" list --json >"$out/list.json.$level"
		"$tool" show a >"$out/show.$level"
		"$tool" show a --json >"$out/show.json.$level"
	done
	echo "$before" >$kptr_restrict
	log_since >"$out/log"
	equal "reports" "$(grep -c 'put twice: now by give_again' "$out/log")" 15
	no_addresses "$out"/*
	rm -r "$out"
}

run_tests only_root_may_access_the_files other_users_can_open_no_file \
	the_command_tells_other_users_to_be_root the_scanner_recognises_addresses \
	an_unloaded_caller_shows_no_address no_file_or_message_shows_an_address
