#!/bin/sh
# Stages what is to be kept: backup-@name@.sh -i DIRECTORY
set -eu
[ "$1" = -i ]
mkdir -p "$STORAGE_DATA_DIR/@name@"
cp -a "$STORAGE_DATA_DIR/@name@" "$2/@name@"
echo "staged the data of @name@"
