# shellcheck shell=bash disable=SC2034,SC2154 # globals pass between run and its parts
# What user-mode Linux and QEMU guests have in common: the directory a run works
# in, the initramfs, waiting for the guest, and what came of it. ../guest/init is
# the other side of all this.

# The modules through which a stock kernel reaches the host; a built one has them built in.
readonly host_modules='virtio_pci virtio_console 9pnet_virtio 9p'

# quoted WORD...: one line that a POSIX shell reads back as these words
quoted() {
	local word quote="'\\''"
	for word; do
		printf "'%s' " "${word//\'/$quote}"
	done
	printf '\n'
}

# prepare_guest COMMAND...: sets work, the run's own directory, gone when the run ends
prepare_guest() {
	work=$(mktemp -d "${TMPDIR:-/tmp}/pcpool-vm.XXXXXX")
	trap 'end_guest; rm -rf "$work"' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	quoted "$@" >"$work/command"
	pwd -P >"$work/directory"
	mkdir -p "$(dirname "$log")"
	: >"$log"
	ln -s "$(readlink -f "$log")" "$work/log"
	[[ ! -d $kernel_home/userland ]] ||
		printf '%s\n' "$kernel_home/userland" >"$work/userland"
	[[ ! $share ]] || (cd "$share" && pwd -P) >"$work/share"
	[[ ! -d $kernel_home/root/lib/modules ]] ||
		printf '%s\n' "$kernel_home/root/lib/modules/$kernel_release" >"$work/modules"
	make_initramfs
}

# The initramfs holds a shell, the guest's first process, and what modules those need
# to reach the host: small enough to be made anew for each run.
make_initramfs() {
	local tree=$work/initramfs path busybox=$kernel_home/userland/bin/busybox
	[[ -e $busybox ]] || busybox=$(command -v busybox)
	mkdir -p "$tree/.vm/bin" "$tree/.vm/modules" "$tree/dev" "$tree/proc" "$tree/sys"
	cp "$busybox" "$tree/.vm/busybox"
	ln -s ../busybox "$tree/.vm/bin/sh"
	cp "$vm_dir/guest/init" "$tree/init"
	: >"$tree/.vm/modules/order"
	if [[ -e $work/modules ]]; then
		# shellcheck disable=SC2086 # a list of names
		modprobe -d "$kernel_home/root" -S "$kernel_release" --show-depends -a $host_modules |
			awk '$1 == "insmod" && !seen[$2]++ { print $2 }' |
			while read -r path; do
				cp "$path" "$tree/.vm/modules/"
				path=$tree/.vm/modules/${path##*/}
				if [[ $path = *.xz ]]; then
					xz -d "$path"
					path=${path%.xz}
				fi
				printf '%s\n' "${path##*/}" >>"$tree/.vm/modules/order"
			done
	fi
	(cd "$tree" && find . | cpio --quiet -o -H newc >"$work/initramfs.cpio")
}

# boot COMMAND...: starts what is the guest and waits for its end; what it writes to work/out
# is what the command in the guest prints. Sets timed_out if it had to be ended.
boot() {
	local printer status=0 start=$SECONDS
	rm -f "$work/out"
	mkfifo "$work/out"
	cat <"$work/out" &
	printer=$!
	# a guest must not outlive this script, whatever ends it, nor its timer
	setpriv --pdeathsig KILL timeout --signal KILL "$time_limit" \
		setpriv --pdeathsig KILL "$@" </dev/null >"$work/out" 2>>"$work/log" &
	guest=$!
	{ wait "$guest" || status=$?; } 2>/dev/null
	timed_out=
	# 137 is what timeout ends with after a KILL, but there may be other killers
	[[ $status -ne 137 || $((SECONDS - start)) -lt $time_limit ]] || timed_out=yes
	guest=
	wait "$printer" || true
}

# Killed at once, for user-mode Linux tries to shut down on a milder signal, and fails.
end_guest() {
	[[ ! ${guest-} ]] || { kill -KILL "$guest" && wait "$guest"; } 2>/dev/null || true
	guest=
}

# conclude: says what is wrong with the run, if anything, and exits with its status
conclude() {
	local status='' reports
	[[ ! -s $work/status ]] || status=$(<"$work/status")

	if ! reports=$(find_reports "$log" "$kernel" "${expected[@]}"); then
		say "the kernel log of $kernel has reports:"
		printf '%s\n' "$reports" >&2
		say "the whole log is $log"
		[[ ${status:-0} -ne 0 ]] || status=$EXIT_REPORT
	fi
	if [[ $timed_out || ! $status ]]; then
		tail -n 20 "$log" >&2
		say "these are the last words of $kernel, from $log"
		if [[ $timed_out ]]; then
			say "it was ended after $time_limit seconds"
			status=$EXIT_TIMEOUT
		else
			say "it ended before the command did"
			status=$EXIT_REPORT
		fi
	fi
	exit "$status"
}
