#!/bin/sh
[ "$(REDISCLI_AUTH=$REDIS_PASSWORD redis-cli -p "${REDIS_PORT:-6379}" ping)" = PONG ]
