#!/bin/sh
# Puts a dump of the database back: restore-postgresql.sh -i DIRECTORY
set -eu

directory=
while getopts i: option; do
    case $option in
    i) directory=$OPTARG ;;
    *) exit 2 ;;
    esac
done

dump=${directory:?-i DIRECTORY is missing}/postgresql/database.dump
if [ ! -e "$dump" ]; then
    echo "the backup holds no dump of PostgreSQL"
    exit 0
fi
"$IMAGE_APP_DIR/with-postgresql.sh" pg_restore --clean --if-exists --single-transaction \
    --dbname="${POSTGRESQL_DATABASE:-app}" "$dump"
echo "restored the database ${POSTGRESQL_DATABASE:-app}"
