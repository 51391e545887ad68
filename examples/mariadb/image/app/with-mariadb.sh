#!/bin/sh
# Runs a command while MariaDB answers. When no server runs, it starts one for that
# time, which cannot be reached over the network.
set -eu

config=$IMAGE_RUN_DIR/mariadb/my.cnf
log=$STORAGE_LOGS_DIR/mariadb-setup.log

answers() {
    mariadb-admin --defaults-file="$config" ping >/dev/null 2>&1
}

if answers; then
    exec "$@"
fi
mariadbd --defaults-file="$config" --skip-networking >>"$log" 2>&1 &
server=$!
trap 'kill "$server"; wait "$server"' EXIT
trap 'exit 143' TERM
until answers; do
    if ! kill -0 "$server" 2>/dev/null; then
        trap - EXIT
        echo "MariaDB does not start; $log says why"
        exit 1
    fi
    sleep 0.2
done
"$@"
