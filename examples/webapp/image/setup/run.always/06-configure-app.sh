#!/bin/sh
# Writes the app's configuration from the environment. The image tree may be
# read-only, so it goes to IMAGE_RUN_DIR; it is written anew on every start.
set -eu

port=${APP_PORT:-8080}
case $port in
*[!0-9]*)
    echo "APP_PORT=\"$port\": expected the number of a port"
    exit 1
    ;;
esac

umask 077
mkdir -p "$IMAGE_RUN_DIR/app"
cat >"$IMAGE_RUN_DIR/app/app.conf.new" <<EOF
address=${APP_ADDRESS:-0.0.0.0}
port=$port
name=${APP_NAME:-webapp}
version=${APP_VERSION:-unknown}
greeting=$(printf %s "${APP_GREETING:-Hello from the web app}" | tr '\r\n' '  ')
data=$STORAGE_DATA_DIR/app/notes.json
access_log=$STORAGE_LOGS_DIR/app-access.log
EOF
mv "$IMAGE_RUN_DIR/app/app.conf.new" "$IMAGE_RUN_DIR/app/app.conf"
echo "the app will listen on port $port"
