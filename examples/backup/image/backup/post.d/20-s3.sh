#!/bin/sh
# Copies a new archive to a bucket. The environment (RCLONE_S3_...) says where that is
# and has its keys, because everybody can see arguments.
set -eu
archive=$1
if [ -z "${BACKUP_S3_BUCKET:-}" ]; then
	echo "no copy to a bucket: BACKUP_S3_BUCKET is empty"
	exit 0
fi
rclone --config= --retries 3 copyto "$archive" ":s3:$BACKUP_S3_BUCKET/${archive##*/}"
echo "copied ${archive##*/} to $BACKUP_S3_BUCKET"
