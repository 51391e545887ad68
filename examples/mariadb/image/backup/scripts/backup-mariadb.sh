#!/bin/sh
# Stages a dump of the database: backup-mariadb.sh -i DIRECTORY
set -eu

directory=
while getopts i: option; do
    case $option in
    i) directory=$OPTARG ;;
    *) exit 2 ;;
    esac
done

mkdir "${directory:?-i DIRECTORY is missing}/mariadb"
"$IMAGE_APP_DIR/with-mariadb.sh" mariadb-dump --defaults-file="$IMAGE_RUN_DIR/mariadb/my.cnf" \
    --single-transaction --routines --events --result-file="$directory/mariadb/database.sql" "${MARIADB_DATABASE:-app}"
echo "staged a dump of the database ${MARIADB_DATABASE:-app}"
