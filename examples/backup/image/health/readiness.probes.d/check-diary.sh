#!/bin/sh
exec container-manager probe file --newer 1m "$STORAGE_DATA_DIR/diary.db"
