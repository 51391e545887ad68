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

mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
if [ "$(printf %s "$dir/supervisord.sock" | wc -c)" -gt "$socket_limit" ]; then
	deep=$dir
	dir=$(mktemp -d "${TMPDIR:-/tmp}/container-manager.XXXXXX")
	echo "run: $deep is too deep for a socket: using $dir"
fi

if [ -f "$dir/supervisord.pid" ] && kill -0 "$(cat "$dir/supervisord.pid")" 2>/dev/null; then
	echo "run: it runs already, as process $(cat "$dir/supervisord.pid") says $dir/supervisord.pid" >&2
	exit 1
fi

# A start locks the tree down, so the last one's cannot simply be removed.
chmod -R u+w "$dir/image" 2>/dev/null || true
rm -rf "$dir/image"
mkdir -p "$dir/image" "$dir/tmp" "$dir/storage"
cp -RP "$root/files/image/." "$dir/image/"
cp -RP "$root/examples/webapp/image/." "$dir/image/"

export IMAGE_BASE_DIR="$dir/image"
export IMAGE_RUN_DIR="$dir/run"
export IMAGE_SUPERVISOR_PIDFILE="$dir/supervisord.pid"
export IMAGE_SUPERVISOR_SOCKET="$dir/supervisord.sock"
export PROCESS_PID_DIR="$dir/tmp" PROCESS_STATE_DIR="$dir/tmp"
export STORAGE_BASE_DIR="$dir/storage"
# What the example's Dockerfile declares.
export APP_NAME="${APP_NAME:-webapp}" APP_VERSION="${APP_VERSION:-1.0.0}" APP_PORT="${APP_PORT:-8080}"
PATH="$(dirname "$binary"):$PATH:/usr/sbin:/sbin"
export PATH

echo "run: the example app, below $dir and at http://localhost:$APP_PORT/; Ctrl-C ends it"
cd "$dir"
exec "$binary" run
