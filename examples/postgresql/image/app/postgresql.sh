#!/bin/sh
# Runs a command of PostgreSQL, with this image's server as its default.
for directory in /usr/lib/postgresql/*/bin /usr/libexec/postgresql*; do
    if [ -d "$directory" ]; then
        PATH=$directory:$PATH
    fi
done
PGDATA=$STORAGE_DATA_DIR/postgresql
PGHOST=$IMAGE_RUN_DIR/postgresql
PGPORT=${POSTGRESQL_PORT:-5432}
PGUSER=postgres
export PATH PGDATA PGHOST PGPORT PGUSER
exec "$@"
