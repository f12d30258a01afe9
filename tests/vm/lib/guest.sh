# shellcheck shell=bash disable=SC2034,SC2154 # globals pass between run and its parts
# Shared by user-mode Linux and QEMU guests: the directory of the run, the
# initramfs, waiting for the guest, and its result. ../guest/init is the
# counterpart in the guest.

# Modules that a stock kernel needs to reach the host. Kernels built here have them built in.
readonly host_modules='virtio_pci virtio_console 9pnet_virtio 9p'

# quoted WORD...: quotes the words for a POSIX shell
quoted() {
	local word quote="'\\''"
	for word; do
		printf "'%s' " "${word//\'/$quote}"
	done
	printf '\n'
}

# prepare_guest COMMAND...: sets work, the directory of the run, which is removed at its end
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

# The initramfs holds a shell, the guest's first process and the modules they need to reach the
# host. It is small, so each run creates its own.
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

# boot COMMAND...: starts the guest and waits for its end. The output of the command in the guest
# arrives in work/out. Sets timed_out if the guest exceeded the time limit.
boot() {
	local printer status=0 start=$SECONDS
	rm -f "$work/out"
	mkfifo "$work/out"
	cat <"$work/out" &
	printer=$!
	# The guest must not outlive this script or its timer, however they end.
	setpriv --pdeathsig KILL timeout --signal KILL "$time_limit" \
		setpriv --pdeathsig KILL "$@" </dev/null >"$work/out" 2>>"$work/log" &
	guest=$!
	{ wait "$guest" || status=$?; } 2>/dev/null
	timed_out=
	# 137 is the status of timeout after a KILL, but the KILL may have come from elsewhere.
	[[ $status -ne 137 || $((SECONDS - start)) -lt $time_limit ]] || timed_out=yes
	guest=
	wait "$printer" || true
}

# Uses SIGKILL: on any other signal, user-mode Linux tries to shut down, and fails.
end_guest() {
	[[ ! ${guest-} ]] || { kill -KILL "$guest" && wait "$guest"; } 2>/dev/null || true
	guest=
}

# conclude: reports what went wrong, if anything, and exits with the status of the run
conclude() {
	local status='' reports
	[[ ! -s $work/status ]] || status=$(<"$work/status")

	if ! reports=$(find_reports "$log" "$kernel" "${expected[@]}"); then
		say "the kernel log of $kernel has reports:"
		printf '%s\n' "$reports" >&2
		say "the full log is $log"
		[[ ${status:-0} -ne 0 ]] || status=$EXIT_REPORT
	fi
	if [[ $timed_out || ! $status ]]; then
		tail -n 20 "$log" >&2
		say "these are the last lines of $log"
		if [[ $timed_out ]]; then
			say "$kernel was killed after the timeout of $time_limit seconds"
			status=$EXIT_TIMEOUT
		else
			say "$kernel ended before the command did"
			status=$EXIT_REPORT
		fi
	fi
	exit "$status"
}
