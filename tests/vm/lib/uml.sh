# shellcheck shell=bash disable=SC2034,SC2154 # globals pass between run and its parts
# Boots user-mode Linux, which runs as a program on this machine.

# boot_uml: boots the guest that prepare_guest set up, with the options of `run`
boot_uml() {
	# Several CPUs require seccomp. The kernel log goes to stderr, the command's output to
	# the second console.
	# shellcheck disable=SC2054 # the commas are part of the arguments
	local arguments=(mem="$memory" ncpus="$cpus" seccomp=on
		initrd="$work/initramfs.cpio" rdinit=/init
		con=null con0=null,fd:2 con1=null,fd:1
		uml_dir="$work/uml" umid=guest
		vm_share=hostfs vm_work="$work"
		ignore_loglevel oops=panic
		# Its CPUs compete with other processes of the host.
		rcupdate.rcu_cpu_stall_timeout=120)
	# Its memory is a file. It chooses a tmpfs for it only if these are unset.
	unset TMPDIR TMP TEMP
	boot "$kernel_home/image" "${arguments[@]}" "${append[@]}"
}
