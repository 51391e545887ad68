#!/bin/sh
set -e
# shellcheck source=/dev/null
. "$IMAGE_CONFIG_DIR/env"
echo "45 4 * * * echo step of $STORAGE_DATA_DIR" >>"$IMAGE_CRON_DIR/kubernetes"
