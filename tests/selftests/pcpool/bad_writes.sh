#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Each write to a file of pcpool is either accepted, or refused with a clear error and without any
# effect, also if many processes write at the same time.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

load
parameters=/sys/module/pcpool/parameters

# kind_of FILE: sets kind, which decides the values that the writable FILE accepts. An unknown file
# fails the test.
kind_of() {
	case $1 in
	*/age | */drain) kind=action ;;
	*/bypass | */debug) kind=switch ;;
	*) fail "this test does not know the file $1" ;;
	esac
	# The kernel parses module parameters. It also accepts words, which differ between kernels,
	# and looks at their first letters only.
	case $1 in "$parameters"/*) kind=parameter ;; esac
}

# state_files: the readable files; their contents are the state that a refused write must not change
state_files() {
	echo $debugfs/pcpool/pools $debugfs/pcpool/*/{stats,params,percpu,bypass,debug} $parameters/*
}

state() {
	local -a all
	read -ra all < <(state_files)
	cat "${all[@]}"
}

# writable: the files into the array files
writable() {
	mapfile -t files < <(find $debugfs/pcpool $parameters -type f -perm /222)
}

# Writes invalid values to each FILE (arguments: KIND FILE ...), each in a single write. Dies if a
# write succeeds or fails with the wrong error, or if the contents of the state files change.
# shellcheck disable=SC2016 # expanded by perl
refused='
	use Errno qw(EINVAL EFAULT);
	my ($machine, $state_files, @files) = @ARGV;
	# The system call number of write(2).
	my $number = { x86_64 => 1, aarch64 => 64 }->{$machine} or die "unknown machine $machine\n";
	my %good = (action => qr/^1\n?\z/, switch => qr/^[01]\n?\z/,
		    parameter => qr/^[a-zA-Z01]/);
	my @bad = map { my $first = chr; $first, "$first\n", "1$first", "0$first" } 0 .. 255;
	push @bad, "", "\n1", "1\n\n", "0\n1", "1\n0", "-1", "-0", "+1", "01", "00", "11", "0x1", "1.0", "1e0",
		"true", "on", "off", "yes", "nan", "ox", "%n%s%p", "../../1", "\0" x 4096, "\xff" x 4096;
	for my $filler ("1", " ", "x", "\n", "1\n") {
		push @bad, $filler x $_ for 3, 31, 4095, 4096, 4097, 65536, 1 << 20;
	}
	push @bad, "18446744073709551616", "18446744073709551617", "9223372036854775809", "4294967297";
	srand 5;
	push @bad, join "", map { chr rand 256 } 0 .. rand 64 for 1 .. 300;

	sub state {
		local $/;
		return join "", map { open(my $in, "<", $_) or die "$_: $!\n"; "$_:\n" . <$in> }
			split " ", $state_files;
	}

	while (my ($kind, $file) = splice @files, 0, 2) {
		my ($before, $n) = (state, 0);
		open(my $out, ">:raw", $file) or die "$file: $!\n";
		for my $bad (grep { $_ !~ $good{$kind} } @bad) {
			# An empty write does not reach a parameter.
			next if $kind eq "parameter" && $bad eq "";
			$! = 0;
			my $took = syswrite $out, $bad;
			my $shown = length($bad) . " bytes, " . unpack "H40", $bad;
			die "$file accepted $shown\n" if defined $took;
			die "$file: $!, after $shown\n" if $! != EINVAL;
			$n++;
		}
		die "$file: only $n writes were tried\n" if $n < 600;
		# From an invalid address.
		$! = 0;
		die "$file accepted a bad address\n" if syscall($number, fileno $out, 0, 1) != -1;
		die "$file: $!, after a bad address\n" if $! != EFAULT;
		my $after = state;
		die "a refused write to $file had an effect: $before\n$after\n" if $after ne $before;
		print "$file refused $n writes\n";
	}'

# refuse_all: each of the files refuses all invalid values, and nothing changes
refuse_all() {
	local file
	local -a args=()
	for file in "${files[@]}"; do
		kind_of "$file"
		args+=("$kind" "$file")
	done
	perl -e "$refused" "$(uname -m)" "$(state_files)" "${args[@]}"
}

# create_used NAME [KEY=VALUE]...: a pool with idle objects in both tiers and outstanding objects
create_used() {
	tell create "$1" "${@:2}"
	tell get "$1" 30 0
	tell put "$1" 10 0
	age "$1"
	tell put "$1" 10 "$last_cpu"
}

invalid_writes_are_refused() {
	create_used a
	writable
	equal "writable files" ${#files[@]} 5
	refuse_all
	balanced a
}

invalid_writes_are_refused_while_modes_are_on() {
	create_used a max_total=100 reserve=2
	bypass a 1
	echo 1 >$parameters/debug
	writable
	refuse_all
	equal "the parameter" "$(<$parameters/debug)" Y
	equal debug "$(<$debugfs/pcpool/a/debug)" 1
	echo 0 >$parameters/debug
	bypass a 0
	balanced a
}

# Values are written with and without a newline.
valid_writes_are_accepted() {
	local file
	create_used a
	printf 1 >$debugfs/pcpool/a/age
	expect a ages=2
	printf '1\n' >$debugfs/pcpool/a/age
	expect a ages=3 idle_main=0 idle_victim=0
	tell put a 5 0
	printf 1 >$debugfs/pcpool/a/drain
	expect a ages=3 idle_main=0
	for file in $debugfs/pcpool/a/{bypass,debug}; do
		printf 1 >"$file"
		equal "$file" "$(<"$file")" 1
		printf '0\n' >"$file"
		equal "$file" "$(<"$file")" 0
		printf '1\n' >"$file"
		equal "$file" "$(<"$file")" 1
		printf 0 >"$file"
		equal "$file" "$(<"$file")" 0
	done
	balanced a
}

# Root can open any file, whatever its mode, so the write itself must fail.
read_only_files_cannot_be_written() {
	local before file n=0
	create_used a
	before=$(state)
	while read -r file; do
		! (echo 1 >"$file") 2>/dev/null || fail "$file can be written"
		n=$((n + 1))
	done < <(find $debugfs/pcpool -type f ! -perm /222)
	equal "files" $n 6
	[ "$(state)" = "$before" ] || fail "a refused write had an effect"
}

# Writes valid and invalid values to random files, for the given number of seconds, and until at
# least so many writes of each kind were done. Dies if a write does not end as it must. Pools are
# created and destroyed meanwhile.
# shellcheck disable=SC2016 # expanded by perl
writer='
	use Errno qw(EINVAL ENOENT EIO);
	my ($seconds, $least, $seed, @places) = @ARGV;
	my ($took, $refused, $gone, $end) = (0, 0, 0, time + $seconds);
	srand $seed;
	while (time < $end || $took < $least || $refused < $least) {
		my @files = grep { -f $_ && (stat _)[2] & 0222 } map { glob } @places;
		my $file = $files[rand @files];
		# Switching debug mode is slow and delays all writers, so do it rarely.
		next if $file =~ /debug$/ && rand > 0.03;
		my $right = rand > 0.5;
		my $text = $right ? $file =~ /(age|drain)$/ ? "1\n" : int(rand 2) . "\n" :
			("", "2", "x" x 5000, "-1\n", "\0")[$file =~ /parameters/ ? 1 + rand 4 : rand 5];
		$! = 0;
		if (!open(my $out, ">:raw", $file)) {
			die "$file: $!\n" if $! != ENOENT && $! != EIO;
			$gone++;
		} elsif (defined syswrite $out, $text) {
			die "$file accepted an invalid value\n" unless $right;
			$took++;
		} elsif ($! == EIO) {
			# The pool was destroyed after the open.
			$gone++;
		} else {
			die "$file: $!, after a valid value\n" if $right;
			die "$file: $!, after an invalid value\n" if $! != EINVAL;
			$refused++;
		}
	}
	print "$took accepted, $refused refused, $gone to destroyed pools\n";'

WRITERS=6
WRITER_SECONDS=3
WRITER_LEAST=5

# come_and_go: creates and destroys pools until the file "over" exists
come_and_go() {
	local n=0
	while [ ! -e "$work/over" ]; do
		tell create "new$((n % 3))" max_total=$((n % 2 * 50)) flags=$((n % 4 * 4))
		tell get "new$((n % 3))" 10 0
		tell start "new$((n % 3))"
		tell destroy "new$((n % 3))"
		n=$((n + 1))
	done
	at_least "pools created" $n 3
	echo "$n pools were created and destroyed"
}

# read_all: reads all readable files until the file "over" exists
read_all() {
	local n=0
	while [ ! -e "$work/over" ]; do
		# Reading fails if the pool is destroyed in between.
		cat $debugfs/pcpool/{pools,snapshot} $debugfs/pcpool/*/* >/dev/null 2>&1 || :
		n=$((n + 1))
	done
	at_least "rounds of reading" $n 3
	echo "$n rounds of reading"
}

concurrent_writes_are_safe() {
	local i job status=0
	local -a jobs=() background=()
	work=$(mktemp -d)
	tell create a
	tell create b max_total=100
	tell create c max_idle=50 flags=8
	tell create d max_idle=10 reserve=3
	log_mark
	tell start a
	tell start b
	come_and_go &
	background+=($!)
	read_all &
	background+=($!)
	for ((i = 0; i < WRITERS; i++)); do
		perl -e "$writer" $WRITER_SECONDS $WRITER_LEAST $i "$debugfs/pcpool/*/*" "$parameters/debug" &
		jobs+=($!)
	done
	for job in "${jobs[@]}"; do
		wait "$job" || status=1
	done
	: >"$work/over"
	for job in "${background[@]}"; do
		wait "$job" || status=1
	done
	rm -r "$work"
	equal "status of the processes" $status 0
	echo 0 >$parameters/debug
	for i in a b; do
		tell stop $i
		client_pool $i
		at_least "operations" "${of_client[operations]}" 100
	done
	for i in a b c d; do
		bypass $i 0
		balanced $i
		expect $i misuses=0
		drain $i
		balanced $i
	done
	! log_since | grep 'pcpool' || fail "pcpool printed something to the log"
}

run_tests invalid_writes_are_refused invalid_writes_are_refused_while_modes_are_on \
	valid_writes_are_accepted read_only_files_cannot_be_written concurrent_writes_are_safe
