#!/bin/sh
# Creates the app's account, its database and its tables. Statements are read from
# a file and the password from the environment: neither is an argument.
set -eu

if [ -z "${POSTGRESQL_PASSWORD-}" ]; then
    echo "POSTGRESQL_PASSWORD is not set; FILE__POSTGRESQL_PASSWORD can name a file that holds it"
    exit 1
fi
export POSTGRESQL_USER="${POSTGRESQL_USER:-app}" POSTGRESQL_DATABASE="${POSTGRESQL_DATABASE:-app}"

run() {
    "$IMAGE_APP_DIR/with-postgresql.sh" psql --quiet --no-psqlrc --set=ON_ERROR_STOP=1 \
        --dbname="$1" --file="$(dirname "$0")/$2"
}
run postgres accounts.sql
run "$POSTGRESQL_DATABASE" schema.sql
echo "created the database $POSTGRESQL_DATABASE"
