# shellcheck shell=bash disable=SC2034,SC2154 # globals pass between run and its parts
# Gets Debian packages of other releases without changing the machine's own apt.
# Each suite has a private state directory. Its mirror is taken from the machine's
# sources. Packages are downloaded and unpacked, never installed. Signatures are
# checked: the machine's keys verify its own release, and the keyring package of
# that release verifies the newer ones.
#
# A SUITE may name an architecture, as in "bookworm:arm64"; the default is x86-64.

# apt_directory SUITE: its private directory
apt_directory() {
	printf '%s\n' "$cache/apt/${1/:/-}"
}

# apt_private SUITE TOOL ARGUMENT...: runs apt-get or apt-cache on that suite only
apt_private() {
	local suite=$1 tool=$2 arch=amd64 dir
	dir=$(apt_directory "$suite")
	[[ $suite != *:* ]] || arch=${suite#*:}
	shift 2
	"$tool" -q \
		-o Dir::State="$dir/state" \
		-o Dir::State::status="$dir/status" \
		-o Dir::Cache="$dir/cache" \
		-o Dir::Etc::sourcelist="$dir/sources.list" \
		-o Dir::Etc::sourceparts=/dev/null \
		-o APT::Sandbox::User= \
		-o APT::Architecture="$arch" \
		-o APT::Architectures="$arch" \
		-o Acquire::Languages=none \
		"$@"
}

# own_mirror: the mirror of the machine's own release. Other vendors may use the same release
# name, so the entry must be known to be Debian's. A machine that never ran apt-get update knows
# only the entries themselves; then the first that matches is used.
own_mirror() {
	local release mirror
	release=$(own_release)
	# shellcheck disable=SC2016 # the $(...) are apt's
	mirror=$(apt-get indextargets --format '$(ORIGIN) $(CODENAME) $(COMPONENT) $(REPO_URI)' |
		awk -v release="$release" '$1 == "Debian" && $2 == release && $3 == "main" { print $4; exit }')
	# shellcheck disable=SC2016 # the $(...) are apt's
	[[ $mirror ]] ||
		mirror=$(apt-get indextargets --no-release-info --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' |
			awk -v release="$release" '$1 == release && $2 == "main" { print $3; exit }')
	printf '%s\n' "$mirror"
}

own_release() {
	sed -n 's/^VERSION_CODENAME=//p' /etc/os-release
}

# apt_open SUITE KEYRING: fetches the suite's package lists, once per run
declare -A apt_opened
apt_open() {
	local suite=$1 keyring=$2 dir mirror
	[[ ! ${apt_opened[$suite]-} ]] || return 0
	dir=$(apt_directory "$suite")
	mirror=$(own_mirror)
	[[ $mirror ]] || die "the apt sources of this machine name no Debian mirror"
	mkdir -p "$dir/state/lists/partial" "$dir/cache/archives/partial"
	: >"$dir/status"
	: >"$dir/log"
	printf 'deb [signed-by=%s] %s %s main\n' "$keyring" "$mirror" "${suite%:*}" >"$dir/sources.list"
	logged "$dir/log" "reading the package list of $suite" \
		apt_private "$suite" apt-get -o APT::Update::Error-Mode=any update
	apt_opened[$suite]=yes
}

# debian_keyring: the newest keyring of the machine's release. The installed one may be too old to
# verify a newer release.
debian_keyring() {
	local dir=$cache/apt/keyring release path=usr/share/keyrings/debian-archive-keyring.gpg
	if [[ ! -e $dir/$path ]]; then
		release=$(own_release)
		apt_open "$release" "/$path"
		apt_unpack "$release" "$dir" debian-archive-keyring
	fi
	printf '%s\n' "$dir/$path"
}

# apt_suite SUITE: apt_open with a keyring that can verify it
apt_suite() {
	local keyring
	keyring=$(debian_keyring)
	apt_open "$1" "$keyring"
}

# apt_unpack SUITE DIRECTORY PACKAGE...: downloads the packages and unpacks them
apt_unpack() {
	local suite=$1 into=$2 dir
	shift 2
	dir=$(apt_directory "$suite")
	rm -rf "$dir/debs"
	mkdir -p "$dir/debs"
	(
		cd "$dir/debs" || exit
		logged "$dir/log" "downloading $*" apt_private "$suite" apt-get download "$@"
	)
	unpack_all "$dir/debs" "$into"
	rm -rf "$dir/debs"
}

# apt_unpack_whole SUITE DIRECTORY PACKAGE...: as apt_unpack, with all dependencies
apt_unpack_whole() {
	local suite=$1 into=$2 dir
	shift 2
	dir=$(apt_directory "$suite")
	rm -f "$dir"/cache/archives/*.deb
	logged "$dir/log" "downloading $*" apt_private "$suite" apt-get \
		-o Debug::NoLocking=1 install -y --no-install-recommends --download-only "$@"
	unpack_all "$dir/cache/archives" "$into"
	rm -f "$dir"/cache/archives/*.deb
}

# unpack_all FROM INTO: unpacks all packages in directory FROM
unpack_all() {
	local deb
	mkdir -p "$2"
	for deb in "$1"/*.deb; do
		dpkg-deb -x "$deb" "$2"
	done
}

# apt_version SUITE PACKAGE: its newest version
apt_version() {
	apt_private "$1" apt-cache show --no-all-versions "$2" | sed -n 's/^Version: //p'
}

# apt_depends SUITE PACKAGE PATTERN: its dependencies whose names match
apt_depends() {
	apt_private "$1" apt-cache show --no-all-versions "$2" |
		sed -n 's/^Depends: //p' | tr ',|' '\n' | awk '{ print $1 }' | grep -E "$3" || true
}
