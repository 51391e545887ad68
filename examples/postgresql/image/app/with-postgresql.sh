#!/bin/sh
# Runs a command while PostgreSQL answers. When no server runs, it starts one for that
# time, which cannot be reached over the network.
set -eu

pg() {
    "$IMAGE_APP_DIR/postgresql.sh" "$@"
}

if pg pg_isready --quiet; then
    exec "$IMAGE_APP_DIR/postgresql.sh" "$@"
fi
pg pg_ctl start --silent --wait --timeout=600 --log="$STORAGE_LOGS_DIR/postgresql-setup.log" \
    --options="-c listen_addresses= -c unix_socket_directories='$IMAGE_RUN_DIR/postgresql'"
trap 'pg pg_ctl stop --silent --mode=fast' EXIT
trap 'exit 143' TERM
pg "$@"
