# shellcheck shell=bash disable=SC2034,SC2154 # globals pass between run and its parts
# Booting user-mode Linux: a program of this machine, its memory and CPUs the
# host's own.

# boot_uml: the guest that prepare_guest made ready, with the options of `run`
boot_uml() {
	# several CPUs are refused without seccomp; the kernel log goes to stderr, the
	# command's output to the second console
	# shellcheck disable=SC2054 # the commas are user-mode Linux's
	local arguments=(mem="$memory" ncpus="$cpus" seccomp=on
		initrd="$work/initramfs.cpio" rdinit=/init
		con=null con0=null,fd:2 con1=null,fd:1
		uml_dir="$work/uml" umid=guest
		vm_share=hostfs vm_work="$work"
		ignore_loglevel oops=panic
		# its CPUs share the host's few with whatever else runs there
		rcupdate.rcu_cpu_stall_timeout=120)
	# its memory is a file, and only without these does it choose a tmpfs by itself
	unset TMPDIR TMP TEMP
	boot "$kernel_home/image" "${arguments[@]}" "${append[@]}"
}
