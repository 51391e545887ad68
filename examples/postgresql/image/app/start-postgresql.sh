#!/bin/sh
exec "$IMAGE_APP_DIR/postgresql.sh" postgres \
    -c "listen_addresses=${POSTGRESQL_ADDRESS:-*}" -c "unix_socket_directories=$IMAGE_RUN_DIR/postgresql"
