# shellcheck shell=bash disable=SC2034,SC2154 # globals pass between run and its parts
# Installs the Debian packages that this machine lacks. The list is ../packages.
# Nothing else here changes the machine.

# is_purpose WORD: succeeds if WORD is a purpose in ../packages
is_purpose() {
	awk -v purpose="$1" '$1 == purpose { found = 1 } END { exit !found }' "$vm_dir/packages"
}

# packages_for KERNEL|PURPOSE...: the packages needed to build modules for these kernels and to boot
# them, and the packages for these purposes
packages_for() {
	local word purposes='guest build'
	for word; do
		purposes+=" $word $(kernel_field "$word" arch)"
	done
	awk -v purposes="$purposes" '
		BEGIN { split(purposes, list); for (i in list) wanted[list[i]] = 1 }
		$1 in wanted && !seen[$2]++ { print $2 }' "$vm_dir/packages"
}

# missing_packages KERNEL|PURPOSE...: one per line. Calls dpkg only once, because every run does this.
missing_packages() {
	local wanted
	mapfile -t wanted < <(packages_for "$@")
	{
		printf '%s\n' "${wanted[@]}"
		# shellcheck disable=SC2016 # the ${...} are dpkg's
		dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${wanted[@]}" 2>/dev/null
	} | awk '
		NF == 1 { wanted[$1] = 1 }
		$2 == "installed" { delete wanted[$1] }
		END { for (package in wanted) print package }' | sort
}

# need_packages KERNEL|PURPOSE...: installs missing packages, as root or with passwordless sudo
need_packages() {
	local missing as_root=()
	mapfile -t missing < <(missing_packages "$@")
	[[ ${#missing[@]} -gt 0 ]] || return 0

	if [[ $(id -u) -ne 0 ]]; then
		if ! sudo -n true 2>/dev/null; then
			die "missing packages, which only root can install: ${missing[*]}"
		fi
		as_root=(sudo -n)
	fi
	as_root+=(env DEBIAN_FRONTEND=noninteractive)
	say "installing ${missing[*]} (under a minute)"
	mkdir -p "$cache/log"
	local log=$cache/log/install.log
	: >"$log"
	# Always update the lists: old ones may name versions that the mirror no longer has.
	logged "$log" 'apt-get update' "${as_root[@]}" apt-get update
	logged "$log" "installing ${missing[*]}" "${as_root[@]}" \
		apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "${missing[@]}"
}
