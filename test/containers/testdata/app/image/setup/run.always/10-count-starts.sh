#!/bin/sh
set -eu
mkdir -p "$STORAGE_DATA_DIR/app"
echo start >>"$STORAGE_DATA_DIR/app/run.always"
