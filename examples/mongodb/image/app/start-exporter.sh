#!/bin/sh
# The exporter takes the address, and the password in it, from its environment.
MONGODB_URI=$(cat "$IMAGE_RUN_DIR/mongodb/exporter.uri")
export MONGODB_URI
exec mongodb_exporter --web.listen-address=":${EXPORTER_PORT:-9216}"
