#!/bin/sh
# customize.sh ROOT, run by mmdebstrap at the end: makes a Debian that behaves as
# Alpine where images look: busybox is the userland, and what Alpine lacks is gone.
set -eu
root=$1 here=$(dirname "$0")

chroot_run() { chroot "$root" "$@"; }

# What apk installs on top: the packages with all that the root does not have yet.
download() {
	name=$1 && shift
	directory=/usr/lib/stand-in/packages/$name
	mkdir -p "$root$directory"
	needed=$(chroot_run apt-get -s --no-install-recommends install "$@" | awk '/^Inst / { print $2 }')
	# shellcheck disable=SC2016,SC2086 # the inner shell's, and a list of packages
	chroot_run sh -c 'cd "$1" && shift && apt-get -q download "$@"' - "$directory" $needed
}
download openssh-client openssh-client
download redis redis-server
download postgresql postgresql-15
download postgresql-client postgresql-client-15
download mariadb-server mariadb-server-core
download mariadb-client mariadb-client

# Alpine's userland is busybox, by absolute paths too; it has no bash and no perl.
for applet in $(chroot_run busybox --list); do
	case $applet in
	busybox | dpkg | dpkg-deb | rpm | rpm2cpio | init | linuxrc) continue ;;
	esac
	path=/usr/bin/$applet
	for directory in sbin bin; do
		[ ! -e "$root/usr/$directory/$applet" ] || path=/usr/$directory/$applet
	done
	rm -f "$root$path"
	ln -s /usr/bin/busybox "$root$path"
done
rm -f "$root"/usr/bin/bash "$root"/usr/bin/rbash "$root"/usr/bin/dash "$root"/usr/bin/perl* \
	"$root"/usr/bin/apt* "$root"/usr/sbin/useradd "$root"/usr/sbin/groupadd

install -m 755 "$here/apk" "$root/sbin/apk"
install -m 755 "$here/adduser" "$here/addgroup" "$root/usr/sbin/"
mkdir -p "$root/etc/apk"
version=$(cat "$here/alpine-version")
for repository in main community; do
	echo "https://dl-cdn.alpinelinux.org/alpine/v$version/$repository"
done >"$root/etc/apk/repositories"
rm -rf "$root"/usr/share/doc/* "$root"/usr/share/man/* "$root"/usr/share/locale/*
