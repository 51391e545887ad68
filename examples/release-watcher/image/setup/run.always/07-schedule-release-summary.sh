#!/bin/sh
# Appends a job to the crontab, which every start begins afresh. The shell that
# runs the job expands the variables, so they may have any characters in them.
set -eu

# shellcheck disable=SC2016
printf '%s %s\n' "${RELEASE_WATCHER_SUMMARY_CRON:-0 7 * * 1}" \
    '"$IMAGE_APP_DIR/release-watcher.py" --summary --config "$IMAGE_RUN_DIR/release-watcher/config.json" >>"$STORAGE_LOGS_DIR/release-summary.log" 2>&1' \
    >>"$IMAGE_CRON_DIR/kubernetes"
