# shellcheck shell=bash disable=SC2034,SC2154 # globals pass between run and its parts
# Booting kernels under QEMU, x86-64 ones or arm64. The host reaches the guest through 9p shares,
# the guest's kernel log through the first serial port, and what the command prints
# through a virtio port, so that neither mixes with the other.

# kvm_works: /dev/kvm may exist on machines that cannot run a kernel on it
kvm_works() {
	grep -qwE 'vmx|svm' /proc/cpuinfo && [[ -w /dev/kvm ]] &&
		timeout 10 qemu-system-x86_64 -accel kvm -machine q35 -display none -nodefaults \
			-no-user-config -S -monitor stdio <<<quit >/dev/null 2>&1
}

# numa_arguments: splits cpus and memory evenly over the nodes
numa_arguments() {
	local node share_cpus share_memory
	share_cpus=$((cpus / nodes))
	share_memory=$(($(numfmt --from=iec "${memory^^}") / nodes))
	for ((node = 0; node < nodes; node++)); do
		printf '%s\n' -object "memory-backend-ram,id=node$node,size=$share_memory" \
			-numa "node,nodeid=$node,memdev=node$node,cpus=$((node * share_cpus))-$(((node + 1) * share_cpus - 1))"
	done
}

# boot_qemu: the guest that prepare_guest made ready, with the options of `run`
boot_qemu() {
	local numa=() arguments kernel_arguments emulator machine cpu=max console
	case $kernel_arch in
	x86_64) emulator=qemu-system-x86_64 machine=q35 console=ttyS0 ;;
	# what signs pointers by the architecture's own cipher is busy with nothing else
	arm64) emulator=qemu-system-aarch64 machine=virt,gic-version=3 console=ttyAMA0 cpu=max,pauth-impdef=on ;;
	esac
	kernel_arguments=(console="$console" rdinit=/init vm_share=9p
		ignore_loglevel oops=panic panic=-1
		nokaslr mitigations=off lpj=8000000 random.trust_cpu=on tsc=reliable
		# software CPUs share the host's few: what is slow here is not stuck yet
		watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=120)
	# a free object's stale link to the next one would hide leaks from kmemleak: poison it
	[[ $kernel != debug-* ]] || kernel_arguments+=(slab_debug=P)
	# a node is a socket, or the kernel would not believe its caches
	# shellcheck disable=SC2054 # the commas are QEMU's
	arguments=(-machine "$machine" -nodefaults -no-user-config -no-reboot -display none
		-smp "$cpus,sockets=${nodes:-1}" -m "$memory"
		-kernel "$kernel_home/image" -initrd "$work/initramfs.cpio"
		-chardev "file,id=log,path=$work/log,append=on" -serial chardev:log
		-device virtio-serial-pci -chardev "file,id=out,path=$work/out,append=on"
		-device virtserialport,chardev=out,name=out
		-virtfs "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap"
		-virtfs "local,path=$work,mount_tag=work,security_model=none")
	[[ ! $share ]] ||
		arguments+=(-virtfs "local,path=${share//,/,,},mount_tag=share,security_model=none")

	if [[ $icount ]]; then
		arguments+=(-accel tcg -icount 'shift=0,sleep=off' -cpu "$cpu")
	# a plugin sees only what is translated
	elif [[ ! $plugin && $kernel_arch = x86_64 ]] && kvm_works; then
		arguments+=(-accel kvm -cpu host)
	else
		arguments+=(-accel 'tcg,thread=multi' -cpu "$cpu")
	fi
	[[ ! $plugin ]] || arguments+=(-plugin "file=$plugin")
	if [[ $nodes ]]; then
		mapfile -t numa < <(numa_arguments)
	fi
	arguments+=("${numa[@]}" -append "${kernel_arguments[*]} ${append[*]}")
	boot "$emulator" "${arguments[@]}"
	if lost_its_way; then
		say "$kernel died of QEMU's own fault while it booted, see $log.first: once more"
		mv "$log" "$log.first"
		: >"$log"
		boot "$emulator" "${arguments[@]}"
	fi
}

# lost_its_way: when one CPU changes code that others are running, as the kernel does with static keys,
# QEMU may show these the breakpoint after the kernel has taken it back. It happens when the
# clock is found to be stable; what happens later, when ours may be running, is never forgiven.
lost_its_way() {
	[[ ! -e $work/started && ! $timed_out ]] && grep -q 'Oops: int3' "$log"
}
