#!/bin/sh
# run-example.sh BINARY DIR
#
# Runs the example app on this machine, without a container: the tree that an
# image would hold, and the storage, lie below DIR, which may be as deep as it
# likes. The storage stays, so the second run is a second start.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
binary=$1
dir=$2

# supervisord binds its socket at PATH.PID before it renames it, and a socket's
# path holds 107 bytes.
socket_limit=99

fail() {
	echo "run: $*" >&2
	exit 1
}

# owned DIR fails unless it is this user's own, with links followed.
owned() { [ "$(stat -L -c %u "$1")" = "$(id -u)" ]; }

for made in "$dir" "$dir/image" "$dir/storage"; do
	[ ! -e "$made" ] || owned "$made" ||
		fail "$made belongs to $(stat -L -c %U "$made"): remove it (sudo make clean), or use another directory (make run BUILD=DIR)"
done
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)

sockets=$dir
if [ "$(printf %s "$dir/supervisord.sock" | wc -c)" -gt "$socket_limit" ]; then
	# /tmp is everyone's: somebody else could have made it, to lead us elsewhere.
	sockets=${TMPDIR:-/tmp}/container-manager-run-$(id -u)
	mkdir -m 700 "$sockets" 2>/dev/null || { [ -d "$sockets" ] && [ ! -L "$sockets" ] && owned "$sockets"; } ||
		fail "$sockets, where supervisord's socket is to lie, is no directory of this user's: remove it, or set TMPDIR"
	echo "run: $dir is too deep for a socket, which lies in $sockets"
fi

# The number of a supervisord that was killed may be another process's by now.
pid=$(cat "$sockets/supervisord.pid" 2>/dev/null || true)
if [ -n "$pid" ] && tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" | grep -qxF "$dir/run/supervisord/global.conf"; then
	fail "it runs already, as process $pid"
fi

port=${APP_PORT:-8080} address=${APP_ADDRESS:-127.0.0.1}
if "$binary" probe tcp "$address:$port" 2>/dev/null; then
	fail "port $port of $address is taken: end what listens there, or take another port (make run APP_PORT=8081)"
fi

# A start locks the tree down, so the last one's cannot simply be removed.
chmod -R u+w "$dir/image" 2>/dev/null || true
rm -rf "$dir/image"
mkdir -p "$dir/image" "$dir/tmp" "$dir/storage"
cp -RP "$root/files/image/." "$dir/image/"
cp -RP "$root/examples/webapp/image/." "$dir/image/"

export IMAGE_BASE_DIR="$dir/image"
export IMAGE_RUN_DIR="$dir/run"
export IMAGE_SUPERVISOR_PIDFILE="$sockets/supervisord.pid"
export IMAGE_SUPERVISOR_SOCKET="$sockets/supervisord.sock"
export PROCESS_PID_DIR="$dir/tmp" PROCESS_STATE_DIR="$dir/tmp"
export STORAGE_BASE_DIR="$dir/storage"
# What the example's Dockerfile declares.
export APP_NAME="${APP_NAME:-webapp}" APP_VERSION="${APP_VERSION:-1.0.0}" APP_PORT="$port"
# In a container the app is for everyone; here it is for whoever tries it.
export APP_ADDRESS="$address"
PATH="$(dirname "$binary"):$PATH:/usr/sbin:/sbin"
export PATH

echo "run: the example app, below $dir and at http://$APP_ADDRESS:$APP_PORT/ (APP_PORT); Ctrl-C ends it"
echo "run: in another terminal: export IMAGE_RUN_DIR=$IMAGE_RUN_DIR; $binary status (or logs -f, restart app, help)"
cd "$dir"
exec "$binary" run
