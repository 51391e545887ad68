// Package backup makes archives of what a container keeps, and restores them.
//
// A backup runs the scripts of IMAGE_BACKUP_SCRIPTS_DIR, which put what they
// want to keep into a staging directory, and packs that directory. The archive
// is written under another name, synced, read back whole and only then renamed,
// so every file named backup-*.tar.gz can be restored. Then the oldest archives are
// deleted as the retention says. A restore takes the newest archive that is
// whole, unpacks it into a staging directory and runs the scripts of
// IMAGE_RESTORE_SCRIPTS_DIR over that.
//
// Everything temporary lies in STORAGE_BACKUP_DIR, under names that begin with
// a dot. One lock on that directory covers backups, restores, and all containers
// that share the volume. The next process that takes the lock clears up after one
// that was killed.
package backup
