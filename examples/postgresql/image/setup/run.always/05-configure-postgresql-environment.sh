#!/bin/sh
# Makes the directory of the socket. The socket asks for no password, so only this
# user may reach it.
set -eu

case ${POSTGRESQL_PORT:-5432} in
*[!0-9]*)
    echo "POSTGRESQL_PORT=\"$POSTGRESQL_PORT\": expected the number of a port"
    exit 1
    ;;
esac
if [ "$(id -u)" = 0 ] || ! id -un >/dev/null 2>&1; then
    echo "PostgreSQL runs neither as root nor as a user that has no name: run the container as user 500"
    exit 1
fi

mkdir -p "$IMAGE_RUN_DIR/postgresql"
chmod 700 "$IMAGE_RUN_DIR/postgresql"
