#!/bin/sh
exec container-manager probe tcp "127.0.0.1:${MONGODB_PORT:-27017}"
