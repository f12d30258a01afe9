# shellcheck shell=bash disable=SC2034,SC2154 # globals pass between run and its parts
# The table of kernels, and how each gets into the cache: built from Debian's
# kernel source, or unpacked from Debian's images and headers. The directory of a
# kernel in the cache contains:
#     ready      the kernel's release, one line; present once the directory is complete
#     make-vars  the make variables to build modules for it, one line
#     image      the kernel to boot
#     build/     (built kernels) the output directory, which modules are built against
#     root/      (stock kernels) the unpacked packages, including lib/modules
#     userland/  (kernels of another architecture) programs that run on it
#     tools/     (if this machine's are too old) a compiler and other tools to build modules

# name, arch, way to get it, suite, package, description. For a built kernel (source), the package
# is a pattern; the newest match is used, and ../configs has its configuration. Of several suites,
# the one with the newest kernel is used.
readonly kernel_table='
uml         um     source trixie-backports   linux-source-7[.]  user-mode Linux 7.3, SMP, KUnit; native speed, no NUMA, boots in under a second
debian-6.1  x86_64 stock  bookworm           amd64              Debian 12 stock kernel under QEMU
debian-6.12 x86_64 stock  bookworm-backports amd64              Debian 12 backports stock kernel under QEMU
debian-6.1-rt  x86_64 stock bookworm           rt-amd64         Debian 12 stock PREEMPT_RT kernel under QEMU
debian-6.12-rt x86_64 stock bookworm-backports rt-amd64         Debian 12 backports stock PREEMPT_RT kernel under QEMU
debian-newest  x86_64 stock trixie-backports,sid,experimental amd64  newest stock kernel in Debian under QEMU
debian-6.1-arm64 arm64 stock bookworm:arm64     arm64              Debian 12 stock arm64 kernel, and arm64 programs, under QEMU
debian-6.1-s390x s390 stock bookworm:s390x      s390x              Debian 12 stock s390x kernel (big endian), and s390x programs, under QEMU
x86-7.3     x86_64 source trixie-backports   linux-source-7[.]  small plain Linux 7.3, KUnit, under QEMU; for exact instruction counts
debug-7.3   x86_64 source trixie-backports   linux-source-7[.]  Linux 7.3 with KASAN, lockdep, kmemleak, UBSAN, fault injection, KUnit, under QEMU
kcsan-7.3   x86_64 source trixie-backports   linux-source-7[.]  Linux 7.3 with KCSAN, strict, KUnit, under QEMU
rt-7.3      x86_64 source trixie-backports   linux-source-7[.]  Linux 7.3, PREEMPT_RT, with lockdep, KUnit, under QEMU
clang-7.3   x86_64 source trixie-backports   linux-source-7[.]  Linux 7.3 built by clang, with control flow integrity, KUnit, under QEMU
'

# Debian 12 has several versions of clang. The default one is too old for Linux 7.3.
readonly clang_version=19

kernel_names() {
	awk 'NF { print $1 }' <<<"$kernel_table"
}

# kernel_field KERNEL arch|way|suite|package
kernel_field() {
	awk -v kernel="$1" -v field="$2" '
		BEGIN { split("name arch way suite package", names); for (i in names) column[names[i]] = i }
		$1 == kernel { print $column[field] }' <<<"$kernel_table"
}

list_kernels() {
	awk 'NF { name = $1; $1 = $2 = $3 = $4 = $5 = ""; sub(/^ +/, ""); printf "%-16s %s\n", name, $0 }' <<<"$kernel_table"
}

check_kernel() {
	local name
	while read -r name; do
		[[ $name != "$1" ]] || return 0
	done < <(kernel_names)
	say "there is no kernel '$1'; the kernels are:"
	list_kernels >&2
	exit "$EXIT_USAGE"
}

# config_files KERNEL: its configuration fragments; later ones override earlier ones
config_files() {
	local fragment
	for fragment in common "$(kernel_field "$1" arch)" "$1"; do
		[[ ! -e $vm_dir/configs/$fragment.config ]] || printf '%s\n' "$vm_dir/configs/$fragment.config"
	done
}

# config_hash KERNEL: identifies its configuration, without the comments. Stock kernels have a fixed
# one.
config_hash() {
	local files
	if [[ $(kernel_field "$1" way) = stock ]]; then
		printf 'stock\n'
		return
	fi
	mapfile -t files < <(config_files "$1")
	# "# CONFIG_X is not set" looks like a comment, but is none.
	sed -e '/^# CONFIG_/b' -e '/^#/d' -e '/^$/d' "${files[@]}" | sha256sum | cut -c 1-12
}

# get_kernel KERNEL: gets it into the cache if needed; sets kernel_home and kernel_release
get_kernel() {
	local kernel=$1 held
	find_kernel "$kernel" && return
	mkdir -p "$cache/log"
	lock "$kernel"
	if ! find_kernel "$kernel"; then
		case $(kernel_field "$kernel" way) in
		source) build_kernel "$kernel" ;;
		stock) unpack_kernel "$kernel" ;;
		esac
		find_kernel "$kernel"
	fi
	unlock
}

# lock WHAT: takes a lock that serialises runs which get the same kernel, or use the package lists;
# sets held
lock() {
	mkdir -p "$cache/locks"
	exec {held}>"$cache/locks/$1"
	flock -n "$held" || {
		say "waiting for another run that is getting $1"
		flock "$held"
	}
}

unlock() {
	exec {held}>&-
}

# find_kernel KERNEL: finds it in the cache; sets kernel_home and kernel_release. Does not look for a
# newer version on the mirror, which would cost every run a query.
find_kernel() {
	local found
	found=$(find "$cache/kernels/$1" -mindepth 2 -maxdepth 2 -path "*-$(config_hash "$1")/ready" 2>/dev/null |
		sort -V | tail -n 1)
	[[ $found ]] || return 1
	kernel_home=${found%/ready}
	kernel_release=$(<"$found")
}

# new_home KERNEL VERSION: sets home, an empty directory. The build hard-codes its path, so the work
# is done in place, and creating the file `ready` completes it.
new_home() {
	home=$cache/kernels/$1/$2-$(config_hash "$1")
	rm -rf "$home"
	mkdir -p "$home"
}

# -- built from source --

# get_source KERNEL: unpacks its source; sets source and source_version
get_source() {
	local suite pattern package tarball parts held
	suite=$(kernel_field "$1" suite)
	pattern=$(kernel_field "$1" package)
	lock packages
	apt_suite "$suite"
	package=$(apt_private "$suite" apt-cache pkgnames linux-source- | grep -E "^$pattern" | sort -V | tail -n 1)
	[[ $package ]] || die "$suite has no package $pattern*"
	source_version=$(apt_version "$suite" "$package")
	source=$cache/source/${package}_$source_version
	if [[ ! -e $source/ready ]]; then
		say "getting $package $source_version (under a minute)"
		rm -rf "$source"
		parts=$source/package
		mkdir -p "$parts"
		apt_unpack "$suite" "$parts" "$package"
		tarball=$(find "$parts/usr/src" -name 'linux-source-*.tar.*')
		tar -xf "$tarball" -C "$source" --strip-components=1
		rm -rf "$parts"
		touch "$source/ready"
	fi
	unlock
}

build_kernel() {
	local kernel=$1 source source_version home out log arch target minutes toolchain=() make_kernel
	get_source "$kernel"
	new_home "$kernel" "$source_version"
	out=$home/build
	log=$cache/log/$kernel.log
	mkdir -p "$out"
	: >"$log"

	arch=$(kernel_field "$kernel" arch)
	case $kernel in
	uml) target=linux minutes=4 ;;
	debug-*) target=vmlinux minutes=8 ;;
	*) target=vmlinux minutes=5 ;;
	esac
	[[ $kernel != clang-* ]] || toolchain=("LLVM=-$clang_version")
	make_kernel=(make -C "$source" O="$out" ARCH="$arch" "${toolchain[@]}" -j "$(nproc)"
		KBUILD_BUILD_USER=pcpool KBUILD_BUILD_HOST=vm)

	say "building $kernel (Linux $source_version), about $minutes minutes"
	configure "$kernel" "$arch" "$out" "$log"
	logged "$log" "building $kernel" "${make_kernel[@]}" $target modules
	cp "$out/$target" "$home/image"
	# Modules need the headers, the scripts and objtool, but no object files.
	find "$out" \( -path "$out/scripts" -o -path "$out/tools" \) -prune -o -type f \
		\( -name '*.o' -o -name '*.a' -o -name '.*.cmd' -o -name '.tmp_vmlinux*' -o -name vmlinux.unstripped \) \
		-exec rm -f {} +
	printf 'KDIR=%s ARCH=%s %s\n' "$out" "$arch" "${toolchain[*]}" >"$home/make-vars"
	cp "$out/include/config/kernel.release" "$home/ready"
}

# configure KERNEL ARCH OUT LOG: creates OUT/.config from the kernel's fragments, and checks that the
# result has all their options. Other options are off on x86-64, to build as little as possible; on
# user-mode Linux they have the defaults of its defconfig.
configure() {
	local kernel=$1 arch=$2 out=$3 log=$4 fragments base=() rest=allnoconfig lost
	mapfile -t fragments < <(config_files "$kernel")
	if [[ $arch = um ]]; then
		base=("$source/arch/um/configs/x86_64_defconfig")
		rest=alldefconfig
	fi
	cat "${base[@]}" >"$out/base"
	logged "$log" "configuring $kernel" \
		"$source/scripts/kconfig/merge_config.sh" -m -O "$out" "$out/base" "${fragments[@]}"
	mv "$out/.config" "$out/asked"
	logged "$log" "configuring $kernel" "${make_kernel[@]}" KCONFIG_ALLCONFIG="$out/asked" $rest

	# Compares the last setting of each option in the fragments with the result. An option that
	# the result lacks is off.
	lost=$(awk '
		function option(line) { sub(/^# /, "", line); sub(/[= ].*/, "", line); return line }
		/^(# )?CONFIG_/ {
			if (FILENAME == result) got[option($0)] = $0
			else asked[option($0)] = $0
		}
		END {
			for (o in asked) {
				is_off = asked[o] ~ /is not set$/
				if (is_off ? (o in got && got[o] !~ /is not set$/) : got[o] != asked[o])
					print asked[o]
			}
		}' result="$out/.config" "${fragments[@]}" "$out/.config")
	[[ ! $lost ]] || die "the configuration of $kernel lacks these options:"$'\n'"$lost"
}

# -- Debian's own images --

unpack_kernel() {
	local kernel=$1 suite flavour arch home root version image headers release packages held
	flavour=$(kernel_field "$kernel" package)
	arch=$(kernel_field "$kernel" arch)
	lock packages
	choose_suite "$kernel" "linux-image-$flavour"
	image=$(apt_depends "$suite" "linux-image-$flavour" '^linux-image-')
	headers=$(apt_depends "$suite" "linux-headers-$flavour" '^linux-headers-')
	[[ $image && $headers ]] || die "$suite has no linux-image-$flavour with its headers"
	# Newer kernels are split into several packages.
	mapfile -t packages < <(
		apt_depends "$suite" "$image" '^linux-(base|binary|modules)-'
		apt_depends "$suite" "$headers" '^linux-(base|headers)-' | sort -u)
	version=$(apt_version "$suite" "$image")
	release=${image#linux-image-}

	say "getting $kernel (Linux $version, under a minute)"
	new_home "$kernel" "$version"
	root=$home/root
	mkdir -p "$root"
	apt_unpack "$suite" "$root" "$image" "$headers" "${packages[@]}"
	# Build tools that run on this machine, whatever the kernel's architecture.
	apt_suite "${suite%:*}"
	mapfile -t packages < <(apt_depends "$suite" "$headers" '^linux-kbuild-')
	apt_unpack "${suite%:*}" "$root" "${packages[@]}"
	rm -rf "${root:?}/usr/share"
	[[ -e $root/lib ]] || ln -s usr/lib "$root/lib"
	relocate_headers "$root" "$root/usr/src/$headers"
	# Newer packages have the image beside the modules.
	mv "$root/boot/vmlinuz-$release" "$home/image" 2>/dev/null ||
		mv "$root/lib/modules/$release/vmlinuz" "$home/image"
	depmod -b "$root" "$release"
	printf 'KDIR=%s ARCH=%s %s\n' "$root/usr/src/$headers" "$arch" \
		"$(compiler "$arch" "$root/usr/src/$headers")" >"$home/make-vars"
	! of_newer_release "$root/usr/src/$headers" || get_tools "$root/usr/src/$headers"
	[[ $arch = x86_64 ]] || get_userland
	unlock
	printf '%s\n' "$release" >"$home/ready"
}

# choose_suite KERNEL PACKAGE: sets suite to the kernel's suite that has the newest PACKAGE
choose_suite() {
	local suites each
	IFS=, read -ra suites <<<"$(kernel_field "$1" suite)"
	for each in "${suites[@]}"; do
		apt_suite "$each"
	done
	suite=$(for each in "${suites[@]}"; do
		printf '%s %s\n' "$(apt_version "$each" "$2")" "$each"
	done | sort -V | awk 'END { print $2 }')
}

# relocate_headers ROOT HEADERS: the headers refer to each other by their installed paths; changes
# these to paths in the cache
relocate_headers() {
	local root=$1 headers=$2 link target
	sed -i "s|/usr/src/|$root/usr/src/|g" "$headers/Makefile"
	while read -r link; do
		target=$(readlink "$link")
		ln -sfn "$root$target" "$link"
	done < <(find "$root" -type l -lname '/*')
	# BTF of modules needs that of the kernel and another tool, and no test reads it.
	sed -i '/^CONFIG_DEBUG_INFO_BTF_MODULES=/d' "$headers/include/config/auto.conf"
}

# -- tools and programs that this machine lacks --

# compiler ARCH HEADERS: the make variables that select the compiler. It must have the major version
# of the compiler that built the kernel, which the headers name.
compiler() {
	local prefix=$home/tools/usr/bin/x86_64-linux-gnu-
	if [[ $1 = arm64 ]]; then
		printf 'CROSS_COMPILE=aarch64-linux-gnu- CC=aarch64-linux-gnu-gcc\n'
	elif [[ $1 = s390 ]]; then
		printf 'CROSS_COMPILE=s390x-linux-gnu- CC=s390x-linux-gnu-gcc\n'
	elif of_newer_release "$2"; then
		printf 'CROSS_COMPILE=%s CC=%sgcc-%s\n' "$prefix" "$prefix" "$(compiler_version "$2")"
	else
		printf 'CC=gcc\n'
	fi
}

# compiler_version HEADERS: major version of the compiler that built the kernel
compiler_version() {
	sed -n 's/^CONFIG_GCC_VERSION=\(.*\)....$/\1/p' "$1/include/config/auto.conf"
}

# of_newer_release HEADERS: succeeds if their compiler is newer than this machine's
of_newer_release() {
	[[ $(compiler_version "$1") -gt $(gcc -dumpversion) ]]
}

# get_tools HEADERS: gets the compiler that they name, and the C library that this compiler and the
# programs in the headers package need
get_tools() {
	local headers=$1 tools=$home/tools program libraries
	say "getting a compiler for it (under a minute)"
	apt_suite sid
	apt_unpack_whole sid "$tools" "gcc-$(compiler_version "$headers")-x86-64-linux-gnu" \
		libelf1t64 libssl3t64 zlib1g
	# The compiler looks for the assembler here.
	mkdir -p "$tools/usr/x86_64-linux-gnu/bin"
	ln -s ../../bin/x86_64-linux-gnu-as "$tools/usr/x86_64-linux-gnu/bin/as"
	libraries=$tools/usr/lib/x86_64-linux-gnu
	while read -r program; do
		! patchelf --print-interpreter "$program" >/dev/null 2>&1 ||
			patchelf --set-interpreter "$libraries/ld-linux-x86-64.so.2" \
				--force-rpath --set-rpath "$libraries" "$program"
	done < <(find "$home"/root/usr/lib/linux-kbuild-* "$tools"/usr/{bin,libexec} -type f -perm -u+x)
}

# get_userland: gets the programs that tests use, for a guest that cannot run this machine's
get_userland() {
	local userland=$home/userland
	say "getting programs for it (under a minute)"
	apt_unpack_whole "$suite" "$userland" bash busybox-static coreutils diffutils findutils \
		gawk grep kmod libc-bin libjson-c-dev perl-base procps sed util-linux
	# Normally done by the packages' installation scripts.
	ln -s bash "$userland/bin/sh"
	ln -s gawk "$userland/usr/bin/awk"
}
