#!/bin/sh
set -eu
echo start >>"$STORAGE_DATA_DIR/app/run.once"
