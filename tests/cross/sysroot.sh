#!/bin/sh
# sysroot.sh ARCHITECTURE FOLDER PACKAGE...: unpacks into FOLDER/root what Debian has of these packages,
# and of all that they need, for another architecture. Nothing is installed, and this machine's
# packager learns of no other architecture. Needs apt, and nobody's rights.
set -eu

architecture=$1 folder=$2
shift 2
[ ! -e "$folder/ready" ] || exit 0
rm -rf "$folder"
mkdir -p "$folder/root" "$folder/state/lists/partial" "$folder/cache/archives/partial"
: >"$folder/status"

apt() {
	apt-get -qq -o APT::Architecture="$architecture" -o APT::Architectures="$architecture" \
		-o Dir::State="$folder/state" -o Dir::State::status="$folder/status" \
		-o Dir::Cache="$folder/cache" -o APT::Sandbox::User= -o Debug::NoLocking=true "$@"
}

apt update
apt install --yes --no-install-recommends --download-only "$@"
# Where / is /usr, as on every Debian, whatever a package calls it.
for directory in bin lib sbin; do
	mkdir -p "$folder/root/usr/$directory"
	ln -s "usr/$directory" "$folder/root/$directory"
done
for package in "$folder"/cache/archives/*.deb; do
	dpkg-deb --fsys-tarfile "$package" | tar -x --keep-directory-symlink -C "$folder/root"
done
rm -rf "$folder/state" "$folder/cache" "$folder/status"
touch "$folder/ready"
