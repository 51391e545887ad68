#!/bin/sh
# Creates the files of the server. They get their name when they are complete, so that
# this step can run again after a start that was killed.
set -eu

data=$STORAGE_DATA_DIR/postgresql
if [ -d "$data" ]; then
    echo "$data is there already"
    exit 0
fi

rm -rf "$data.new"
"$IMAGE_APP_DIR/postgresql.sh" initdb --pgdata="$data.new" --username=postgres \
    --auth-local=trust --auth-host=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 >>"$STORAGE_LOGS_DIR/postgresql-setup.log"
echo "host all all all scram-sha-256" >>"$data.new/pg_hba.conf"
mv "$data.new" "$data"
echo "created $data"
