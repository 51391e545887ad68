#!/bin/sh
exec mongod --config "$STORAGE_CONF_DIR/mongod.conf" --port "${MONGODB_PORT:-27017}" "$@"
