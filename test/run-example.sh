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
	dir=$(mktemp -d)
	echo "run: $deep is too deep for a socket: using $dir"
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
PATH="$(dirname "$binary"):$PATH:/usr/sbin:/sbin"
export PATH

echo "run: the example app below $dir; Ctrl-C ends it"
cd "$dir"
exec "$binary" run
