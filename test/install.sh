#!/bin/sh
# install.sh PURPOSE ...
#
# Installs what the purposes need and this machine lacks, from the packages of
# Debian, Ubuntu or Alpine, as root or with sudo. Where nothing is lacking, no
# package manager runs at all.
set -eu
PATH="$PATH:/usr/sbin:/sbin" # logrotate's place, which users' paths leave out

# purpose, what is needed (a program, or a file by its path), Debian's package,
# Alpine's package; - is for what there is no package of, and goes without.
table() {
	cat <<'END'
run    supervisord            supervisor      supervisor
run    logrotate              logrotate       logrotate
run    rsync                  rsync           rsync
run    python3                python3         python3
run    ps                     procps          procps
test   gcc                    gcc             gcc
test   busybox                busybox-static  busybox
test   redis-server           redis-server    redis
test   groff                  groff-base      groff
test   /usr/include/stdlib.h  libc6-dev       musl-dev
test   podman                 podman          podman
test   runc                   runc            runc
test   catatonit              catatonit       catatonit
test   mmdebstrap             mmdebstrap      -
test   podman-compose         podman-compose  -
test   /usr/lib/podman/aardvark-dns aardvark-dns -
test   iptables               iptables        -
test   rclone                 rclone          -
test   chromium               chromium        chromium
test   promtool               prometheus      prometheus
test   strace                 strace          strace
test   valgrind               valgrind        valgrind
pictures chromium             chromium        chromium
release mmdebstrap            mmdebstrap      -
release qemu-aarch64-static   qemu-user-static -
bench  pigz                   pigz            pigz
bench  s6-svscan              s6              s6
bench  runsvdir               runit           runit
bench  tini                   tini            tini
bench  dumb-init              dumb-init       dumb-init
bench  restic                 restic          restic
lint   shellcheck             shellcheck      shellcheck
END
}

say() { echo "install: $*"; }

fail() {
	say "$*" >&2
	exit 1
}

# missing PURPOSE ... prints the lines of the table that this machine lacks.
missing() {
	table | while read -r purpose need debian alpine; do
		case " $* " in *" $purpose "*) ;; *) continue ;; esac
		case "$column" in 3) package=$debian ;; *) package=$alpine ;; esac
		[ "$package" != - ] || continue
		case "$need" in
		/*) [ -e "$need" ] && continue ;;
		*) command -v "$need" >/dev/null && continue ;;
		esac
		echo "$purpose $need $package"
	done
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		# Without a terminal nobody could give sudo a password.
		if [ -t 1 ]; then sudo "$@"; else sudo -n "$@"; fi
	elif command -v doas >/dev/null; then
		doas "$@"
	else
		fail "neither root nor sudo: as root, run: $*"
	fi
}

apt() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120 "$@" </dev/null; }
apt_install() { apt update && apt install -y --no-install-recommends "$@"; }
apk_install() { as_root apk add --no-progress --update-cache "$@" </dev/null; }

# A mirror that is being updated, or a lock: worth a second try, no third.
twice() { "$@" || { say "failed, once more in 5 seconds" && sleep 5 && "$@"; }; }

manager='' column=3 note=''
if command -v apt-get >/dev/null; then
	manager=apt
	note=" (where they start a service of the machine, as supervisor does: nothing here needs it)"
elif command -v apk >/dev/null; then
	manager=apk column=4
fi

lacking=$(missing "$@")
[ -n "$lacking" ] || exit 0

needs=$(echo "$lacking" | awk '{ printf "%s%s", sep, $2; sep = ", " }')
if [ -z "$manager" ]; then
	fail "this is neither Debian, Ubuntu nor Alpine: install $needs, then run make again"
fi
packages=$(echo "$lacking" | awk '{ print $3 }' | sort -u | paste -sd ' ' -)
say "missing: $needs; installing with $manager: $packages$note"

# shellcheck disable=SC2086 # a list of package names
twice "${manager}_install" $packages ||
	fail "cannot install $packages: the package manager's own words are above (on Alpine, some of them are in the community repository: see /etc/apk/repositories)"

still=$(missing "$@" | awk '{ printf "%s%s", sep, $2; sep = ", " }')
[ -z "$still" ] || fail "installed $packages, and still missing: $still"
