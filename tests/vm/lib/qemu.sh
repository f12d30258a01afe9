# shellcheck shell=bash disable=SC2034,SC2154 # globals pass between run and its parts
# Boots x86-64, arm64 or s390x kernels in QEMU. The guest sees the host's files through 9p. The
# kernel log comes out of the console and the command's output out of a virtio port, so the two do
# not mix.

# kvm_works: succeeds if KVM can run a kernel; /dev/kvm may exist where it cannot
kvm_works() {
	grep -qwE 'vmx|svm' /proc/cpuinfo && [[ -w /dev/kvm ]] &&
		timeout 10 qemu-system-x86_64 -accel kvm -machine q35 -display none -nodefaults \
			-no-user-config -S -monitor stdio <<<quit >/dev/null 2>&1
}

# numa_arguments: QEMU arguments that split CPUs and memory evenly over the nodes
numa_arguments() {
	local node share_cpus share_memory
	share_cpus=$((cpus / nodes))
	share_memory=$(($(numfmt --from=iec "${memory^^}") / nodes))
	for ((node = 0; node < nodes; node++)); do
		printf '%s\n' -object "memory-backend-ram,id=node$node,size=$share_memory" \
			-numa "node,nodeid=$node,memdev=node$node,cpus=$((node * share_cpus))-$(((node + 1) * share_cpus - 1))"
	done
}

# boot_qemu: boots the guest that prepare_guest set up, with the options of `run`
boot_qemu() {
	local numa=() arguments kernel_arguments emulator machine cpu=max console log_device
	case $kernel_arch in
	x86_64) emulator=qemu-system-x86_64 machine=q35 console=ttyS0 ;;
	# Emulating the architecture's own pointer authentication cipher takes most of the time.
	arm64) emulator=qemu-system-aarch64 machine=virt,gic-version=3 console=ttyAMA0 cpu=max,pauth-impdef=on ;;
	s390) emulator=qemu-system-s390x machine=s390-ccw-virtio console=ttysclp0 ;;
	esac
	kernel_arguments=(console="$console" rdinit=/init vm_share=9p
		ignore_loglevel oops=panic panic=-1
		nokaslr mitigations=off lpj=8000000 random.trust_cpu=on tsc=reliable
		# Emulated CPUs are slow and share few real ones, so allow more time before a stall.
		watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=120)
	# Poison free objects: a stale link in one would hide a leak from kmemleak.
	[[ $kernel != debug-* ]] || kernel_arguments+=(slab_debug=P)
	log_device=(-serial chardev:log)
	[[ $kernel_arch != s390 ]] || log_device=(-device 'sclpconsole,chardev=log')
	# Each node is a socket; otherwise the kernel rejects the cache topology.
	# shellcheck disable=SC2054 # the commas are part of the arguments
	arguments=(-machine "$machine" -nodefaults -no-user-config -no-reboot -display none
		-smp "$cpus,sockets=${nodes:-1}" -m "$memory"
		-kernel "$kernel_home/image" -initrd "$work/initramfs.cpio"
		-chardev "file,id=log,path=$work/log,append=on" "${log_device[@]}"
		-device virtio-serial -chardev "file,id=out,path=$work/out,append=on"
		-device virtserialport,chardev=out,name=out
		-virtfs "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap"
		-virtfs "local,path=$work,mount_tag=work,security_model=none")
	[[ ! $share ]] ||
		arguments+=(-virtfs "local,path=${share//,/,,},mount_tag=share,security_model=none")

	if [[ $icount ]]; then
		arguments+=(-accel tcg -icount 'shift=0,sleep=off' -cpu "$cpu")
	# A plugin needs translated code, so it excludes KVM.
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
		say "$kernel crashed during boot because of a QEMU bug, see $log.first: booting again"
		mv "$log" "$log.first"
		: >"$log"
		boot "$emulator" "${arguments[@]}"
	fi
}

# lost_its_way: succeeds if a QEMU bug crashed the guest during boot. When the kernel patches code
# that another CPU executes (static keys), QEMU may run the temporary breakpoint after the kernel has
# removed it. This happens when the clock is found stable. A crash after the boot always counts.
lost_its_way() {
	[[ ! -e $work/started && ! $timed_out ]] && grep -q 'Oops: int3' "$log"
}
