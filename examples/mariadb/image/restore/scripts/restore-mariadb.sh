#!/bin/sh
# Puts a dump of the database back: restore-mariadb.sh -i DIRECTORY
set -eu

directory=
while getopts i: option; do
    case $option in
    i) directory=$OPTARG ;;
    *) exit 2 ;;
    esac
done

dump=${directory:?-i DIRECTORY is missing}/mariadb/database.sql
if [ ! -e "$dump" ]; then
    echo "the backup holds no dump of MariaDB"
    exit 0
fi
"$IMAGE_APP_DIR/with-mariadb.sh" mariadb --defaults-file="$IMAGE_RUN_DIR/mariadb/my.cnf" "${MARIADB_DATABASE:-app}" <"$dump"
echo "restored the database ${MARIADB_DATABASE:-app}"
