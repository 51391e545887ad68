#!/bin/sh
# Copies a new archive to a bucket. Where that is and the keys to it are in the
# environment (RCLONE_S3_...): arguments can be seen by everybody.
set -eu
archive=$1
if [ -z "${BACKUP_S3_BUCKET:-}" ]; then
	echo "no copy to a bucket: BACKUP_S3_BUCKET is empty"
	exit 0
fi
rclone --config= --retries 3 copyto "$archive" ":s3:$BACKUP_S3_BUCKET/${archive##*/}"
echo "copied ${archive##*/} to $BACKUP_S3_BUCKET"
