#!/bin/sh
set -eu
echo finish >>"$STORAGE_DATA_DIR/app/run.finish"
