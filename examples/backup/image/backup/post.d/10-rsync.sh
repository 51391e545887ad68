#!/bin/sh
# Copies a new archive to another machine.
set -eu
archive=$1
if [ -z "${BACKUP_RSYNC_TARGET:-}" ]; then
	echo "no copy with rsync: BACKUP_RSYNC_TARGET is empty"
	exit 0
fi
# ssh must not ask questions, because nobody is there to answer, and must refuse an
# unknown host. rsync gives the copy its name when it is whole.
ssh="ssh -i $IMAGE_SECRETS_DIR/backup-ssh-key -o UserKnownHostsFile=$IMAGE_SECRETS_DIR/backup-known-hosts"
ssh="$ssh -o BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=30"
rsync --times --timeout=300 -e "$ssh" -- "$archive" "$BACKUP_RSYNC_TARGET"
echo "copied ${archive##*/} to $BACKUP_RSYNC_TARGET"
