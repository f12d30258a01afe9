# shellcheck shell=bash disable=SC2034,SC2154 # globals pass between run and its parts
# Which Debian packages this machine lacks, and getting them.
# The list itself is ../packages. This is the only place that changes the machine.

# is_purpose WORD: is it one of the list's purposes that is not there for a kernel?
is_purpose() {
	awk -v purpose="$1" '$1 == purpose { found = 1 } END { exit !found }' "$vm_dir/packages"
}

# packages_for KERNEL|PURPOSE...: the packages needed to build modules for these kernels
# and boot them, and those for these purposes
packages_for() {
	local word purposes='guest build'
	for word; do
		purposes+=" $word $(kernel_field "$word" arch)"
	done
	awk -v purposes="$purposes" '
		BEGIN { split(purposes, list); for (i in list) wanted[list[i]] = 1 }
		$1 in wanted && !seen[$2]++ { print $2 }' "$vm_dir/packages"
}

# missing_packages KERNEL|PURPOSE...: a line each; one question to dpkg, for every run asks it
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

# need_packages KERNEL|PURPOSE...: installs what is missing, as root or with sudo that asks nothing
need_packages() {
	local missing as_root=()
	mapfile -t missing < <(missing_packages "$@")
	[[ ${#missing[@]} -gt 0 ]] || return 0

	if [[ $(id -u) -ne 0 ]]; then
		if ! sudo -n true 2>/dev/null; then
			die "these packages are missing, and only root can install them: ${missing[*]}"
		fi
		as_root=(sudo -n)
	fi
	as_root+=(env DEBIAN_FRONTEND=noninteractive)
	say "installing ${missing[*]}, under a minute"
	mkdir -p "$cache/log"
	local log=$cache/log/install.log
	: >"$log"
	# lists that are fresh enough to find the packages may still name versions gone from the
	# mirror, so they are always renewed
	logged "$log" 'apt-get update' "${as_root[@]}" apt-get update
	logged "$log" "installing ${missing[*]}" "${as_root[@]}" \
		apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "${missing[@]}"
}
