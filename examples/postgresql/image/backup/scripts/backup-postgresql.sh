#!/bin/sh
# Stages a dump of the database: backup-postgresql.sh -i DIRECTORY
set -eu

directory=
while getopts i: option; do
    case $option in
    i) directory=$OPTARG ;;
    *) exit 2 ;;
    esac
done

mkdir "${directory:?-i DIRECTORY is missing}/postgresql"
"$IMAGE_APP_DIR/with-postgresql.sh" pg_dump --format=custom --compress=0 \
    --file="$directory/postgresql/database.dump" --dbname="${POSTGRESQL_DATABASE:-app}"
echo "staged a dump of the database ${POSTGRESQL_DATABASE:-app}"
