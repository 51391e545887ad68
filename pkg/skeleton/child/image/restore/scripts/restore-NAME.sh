#!/bin/sh
# Puts back what backup-@name@.sh has staged: restore-@name@.sh -i DIRECTORY
set -eu
[ "$1" = -i ]
if [ ! -d "$2/@name@" ]; then
    echo "the backup holds no data of @name@"
    exit 0
fi
rm -rf "$STORAGE_DATA_DIR/@name@"
cp -a "$2/@name@" "$STORAGE_DATA_DIR/@name@"
echo "restored the data of @name@"
