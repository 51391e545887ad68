#!/bin/sh
exec container-manager probe file "$IMAGE_RUN_DIR/release-watcher/alive" --newer 5m
