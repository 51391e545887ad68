#!/bin/sh
# Creates the files of the server. They get their name when they are complete, so that
# this step can run again after a start that was killed. This system user becomes
# an administrator who needs no password on the socket.
set -eu

data=$STORAGE_DATA_DIR/mariadb
if [ -d "$data" ]; then
    echo "$data is there already"
    exit 0
fi

rm -rf "$data.new"
mariadb-install-db --no-defaults --datadir="$data.new" --skip-test-db \
    --auth-root-authentication-method=socket --auth-root-socket-user="$(id -un)" >>"$STORAGE_LOGS_DIR/mariadb-setup.log"
mv "$data.new" "$data"
echo "created $data"
