#!/bin/sh
# Writes the configuration from the environment. It holds the password: nobody
# else can read it.
set -eu

if [ -z "${REDIS_PASSWORD-}" ]; then
    echo "REDIS_PASSWORD is not set; FILE__REDIS_PASSWORD can name a file that holds it"
    exit 1
fi

string() {
    printf '"%s"' "$(printf %s "$1" | sed 's/[\\"]/\\&/g')"
}

umask 077
mkdir -p "$IMAGE_RUN_DIR/redis"
cat >"$IMAGE_RUN_DIR/redis/redis.conf.new" <<EOF
port ${REDIS_PORT:-6379}
bind ${REDIS_ADDRESS:-* -::*}
dir $(string "$STORAGE_DATA_DIR/redis")
requirepass $(string "$REDIS_PASSWORD")
EOF
mv "$IMAGE_RUN_DIR/redis/redis.conf.new" "$IMAGE_RUN_DIR/redis/redis.conf"
echo "Redis will listen on port ${REDIS_PORT:-6379}"
