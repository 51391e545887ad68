#!/bin/sh
# Creates the app's database, its account and its tables. The client reads the
# statements from its standard input: the password is no argument.
set -eu

if [ -z "${MARIADB_PASSWORD-}" ]; then
    echo "MARIADB_PASSWORD is not set; FILE__MARIADB_PASSWORD can name a file that holds it"
    exit 1
fi

string() {
    printf "'%s'" "$(printf %s "$1" | sed "s/[\\\\']/\\\\&/g")"
}
name() {
    printf "\`%s\`" "$(printf %s "$1" | sed "s/\`/\`\`/g")"
}
account="$(string "${MARIADB_USER:-app}")@'%'"
database=$(name "${MARIADB_DATABASE:-app}")

"$IMAGE_APP_DIR/with-mariadb.sh" mariadb --defaults-file="$IMAGE_RUN_DIR/mariadb/my.cnf" <<EOF
CREATE DATABASE IF NOT EXISTS $database CHARACTER SET utf8mb4;
CREATE USER IF NOT EXISTS $account;
ALTER USER $account IDENTIFIED BY $(string "$MARIADB_PASSWORD");
GRANT ALL ON $database.* TO $account;
USE $database;
$(cat "$(dirname "$0")/schema.sql")
EOF
echo "created the database ${MARIADB_DATABASE:-app}"
