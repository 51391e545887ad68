#!/bin/sh
exec mariadb-admin --defaults-file="$IMAGE_RUN_DIR/mariadb/my.cnf" ping
