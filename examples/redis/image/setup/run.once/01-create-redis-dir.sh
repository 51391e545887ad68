#!/bin/sh
# Creates the directory of the data.
set -eu

mkdir -p "$STORAGE_DATA_DIR/redis"
