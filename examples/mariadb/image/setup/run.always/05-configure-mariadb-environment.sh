#!/bin/sh
# Writes the configuration of the server and of its clients from the environment.
set -eu

port=${MARIADB_PORT:-3306}
case $port in
*[!0-9]*)
    echo "MARIADB_PORT=\"$port\": expected the number of a port"
    exit 1
    ;;
esac
if [ "$(id -u)" = 0 ] || ! id -un >/dev/null 2>&1; then
    echo "MariaDB runs neither as root nor as a user that has no name: run the container as user 500"
    exit 1
fi

umask 077
directory=$IMAGE_RUN_DIR/mariadb
mkdir -p "$directory"
cat >"$directory/my.cnf.new" <<EOF
[mariadbd]
datadir = "$STORAGE_DATA_DIR/mariadb"
socket = "$directory/mariadbd.sock"
pid-file = "$directory/mariadbd.pid"
bind-address = ${MARIADB_ADDRESS:-0.0.0.0}
port = $port
skip-name-resolve

[client]
socket = "$directory/mariadbd.sock"
user = $(id -un)
EOF
mv "$directory/my.cnf.new" "$directory/my.cnf"
echo "MariaDB will listen on port $port"
