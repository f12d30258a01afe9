#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Whatever is written to a file of pcpool's, it is taken as it is meant or refused with a clear
# error, and then nothing has changed; from many processes at once, too.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

load
parameters=/sys/module/pcpool/parameters

# All that is meant to be written to, by its name and the value that it has then. A file that is
# not here fails the test.
kind_of() {
	case $1 in
	*/age | */drain) kind=action ;;
	*/bypass | */debug) kind=switch ;;
	*) fail "there is a file of which this test knows nothing: $1" ;;
	esac
	# What a module parameter takes is the kernel's business: words too, on each kernel
	# others, of which it looks at the first letters only.
	case $1 in "$parameters"/*) kind=parameter ;; esac
}

# What all pools have done, and what the files say that can be read.
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

# Writes to each FILE, which is of the KIND before it, what it must refuse, each in one piece, and
# dies of what it does not, or if that changes what the STATE FILES say.
# shellcheck disable=SC2016 # for perl
refused='
	use Errno qw(EINVAL EFAULT);
	my ($machine, $state_files, @files) = @ARGV;
	# Of write(2).
	my $number = { x86_64 => 1, aarch64 => 64 }->{$machine} or die "$machine is not known\n";
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
			# Of nothing a parameter is not even told.
			next if $kind eq "parameter" && $bad eq "";
			$! = 0;
			my $took = syswrite $out, $bad;
			my $shown = length($bad) . " bytes, " . unpack "H40", $bad;
			die "$file took $shown\n" if defined $took;
			die "$file: $!, of $shown\n" if $! != EINVAL;
			$n++;
		}
		die "$file: only $n writes\n" if $n < 600;
		# From where there is no memory.
		$! = 0;
		die "$file took what is not there\n" if syscall($number, fileno $out, 0, 1) != -1;
		die "$file: $!, of a bad address\n" if $! != EFAULT;
		my $after = state;
		die "what $file refused had an effect: $before\n$after\n" if $after ne $before;
		print "$file refused $n\n";
	}'

# refuse_all: what is wrong, by each file, and nothing changes
refuse_all() {
	local file
	local -a args=()
	for file in "${files[@]}"; do
		kind_of "$file"
		args+=("$kind" "$file")
	done
	perl -e "$refused" "$(uname -m)" "$(state_files)" "${args[@]}"
}

# Something is idle in both tiers, and something out.
create_used() {
	tell create "$1" "${@:2}"
	tell get "$1" 30 0
	tell put "$1" 10 0
	age "$1"
	tell put "$1" 10 "$last_cpu"
}

what_is_wrong_is_refused() {
	create_used a
	writable
	equal "writable files" ${#files[@]} 5
	refuse_all
	balanced a
}

what_is_wrong_is_refused_by_what_is_on() {
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

# With and without a newline.
what_is_right_is_taken() {
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

# Root can open any file, whatever its mode.
what_is_for_reading_cannot_be_written() {
	local before file n=0
	create_used a
	before=$(state)
	while read -r file; do
		! (echo 1 >"$file") 2>/dev/null || fail "$file can be written"
		n=$((n + 1))
	done < <(find $debugfs/pcpool -type f ! -perm /222)
	equal "files" $n 6
	[ "$(state)" = "$before" ] || fail "it had an effect"
}

# Writes to whatever file there is, for so many SECONDS, and until it has done so at LEAST so often,
# what is right and what is wrong, and dies if that does not end as it must. Pools come and
# go meanwhile.
# shellcheck disable=SC2016 # for perl
writer='
	use Errno qw(EINVAL ENOENT EIO);
	my ($seconds, $least, $seed, @places) = @ARGV;
	my ($took, $refused, $gone, $end) = (0, 0, 0, time + $seconds);
	srand $seed;
	while (time < $end || $took < $least || $refused < $least) {
		my @files = grep { -f $_ && (stat _)[2] & 0222 } map { glob } @places;
		my $file = $files[rand @files];
		# To switch debug mode takes its time, for all.
		next if $file =~ /debug$/ && rand > 0.03;
		my $right = rand > 0.5;
		my $text = $right ? $file =~ /(age|drain)$/ ? "1\n" : int(rand 2) . "\n" :
			("", "2", "x" x 5000, "-1\n", "\0")[$file =~ /parameters/ ? 1 + rand 4 : rand 5];
		$! = 0;
		if (!open(my $out, ">:raw", $file)) {
			die "$file: $!\n" if $! != ENOENT && $! != EIO;
			$gone++;
		} elsif (defined syswrite $out, $text) {
			die "$file took what is wrong\n" unless $right;
			$took++;
		} elsif ($! == EIO) {
			# Its pool has gone since.
			$gone++;
		} else {
			die "$file: $!, of what is right\n" if $right;
			die "$file: $!, of what is wrong\n" if $! != EINVAL;
			$refused++;
		}
	}
	print "$took taken, $refused refused, $gone gone\n";'

WRITERS=6
WRITER_SECONDS=3
WRITER_LEAST=5

# come_and_go: pools, until there is the file "over"
come_and_go() {
	local n=0
	while [ ! -e "$work/over" ]; do
		tell create "new$((n % 3))" max_total=$((n % 2 * 50)) flags=$((n % 4 * 4))
		tell get "new$((n % 3))" 10 0
		tell start "new$((n % 3))"
		tell destroy "new$((n % 3))"
		n=$((n + 1))
	done
	at_least "pools made" $n 3
	echo "$n pools came and went"
}

# read_all: everything that can be read, until then
read_all() {
	local n=0
	while [ ! -e "$work/over" ]; do
		# Of a pool that goes in between nothing can be read.
		cat $debugfs/pcpool/{pools,snapshot} $debugfs/pcpool/*/* >/dev/null 2>&1 || :
		n=$((n + 1))
	done
	at_least "rounds of reading" $n 3
	echo "$n rounds of reading"
}

many_write_at_once() {
	local i job status=0
	local -a jobs=() others=()
	work=$(mktemp -d)
	tell create a
	tell create b max_total=100
	tell create c max_idle=50 flags=8
	tell create d max_idle=10 reserve=3
	log_mark
	tell start a
	tell start b
	come_and_go &
	others+=($!)
	read_all &
	others+=($!)
	for ((i = 0; i < WRITERS; i++)); do
		perl -e "$writer" $WRITER_SECONDS $WRITER_LEAST $i "$debugfs/pcpool/*/*" "$parameters/*" &
		jobs+=($!)
	done
	for job in "${jobs[@]}"; do
		wait "$job" || status=1
	done
	: >"$work/over"
	for job in "${others[@]}"; do
		wait "$job" || status=1
	done
	rm -r "$work"
	equal "status of all" $status 0
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
	! log_since | grep 'pcpool' || fail "there is something in the log"
}

run_tests what_is_wrong_is_refused what_is_wrong_is_refused_by_what_is_on what_is_right_is_taken \
	what_is_for_reading_cannot_be_written many_write_at_once
