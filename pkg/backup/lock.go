package backup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ZPascal/container-manager/pkg/fsutil"
)

// lockName is a file in STORAGE_BACKUP_DIR. Other programs test the lock on it
// to see whether a backup is running, so the name stays. Its content says who
// had it last.
const lockName = ".lock"

// lockMode lets another user of a shared volume take the lock, when that user is in its
// group.
const lockMode = 0o660

// lockPath creates STORAGE_BACKUP_DIR and returns the path of the lock in it.
func (r Runner) lockPath() (string, error) {
	dir := r.Config.BackupDir
	if err := os.MkdirAll(dir, 0o775); err != nil {
		return "", fmt.Errorf("cannot create STORAGE_BACKUP_DIR: %w%s", err, fsutil.Advice(dir, err))
	}
	return filepath.Join(dir, lockName), nil
}

// lock takes the lock or says who has it; see fsutil.ErrLocked.
func (r Runner) lock(ctx context.Context, what string) (*fsutil.Lock, error) {
	path, err := r.lockPath()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, glance, fsutil.ErrLocked)
	defer cancel()
	lock, err := fsutil.WaitLock(ctx, path, func() {})
	if errors.Is(err, fsutil.ErrLocked) {
		return nil, fmt.Errorf("%s is %w: %s", path, err, holder(path))
	}
	if err == nil {
		sign(path, what)
	}
	return lock, err
}

// glance is how long lock waits. Programs that only test whether a backup runs
// hold the lock for less than that.
const glance = 300 * time.Millisecond

// waitLock takes the lock as soon as it is free.
func (r Runner) waitLock(ctx context.Context, what string) (*fsutil.Lock, error) {
	path, err := r.lockPath()
	if err != nil {
		return nil, err
	}
	lock, err := fsutil.WaitLock(ctx, path, func() {
		r.Log.Info().Msgf("waiting for the %s that works on %s", holder(path), r.Config.BackupDir)
	})
	if err == nil {
		sign(path, what)
	}
	return lock, err
}

// sign writes into the lock file who has the lock, for people.
func sign(path, what string) {
	host, _ := os.Hostname()
	text := fmt.Sprintf("%s of container %s, process %d, since %s\n", what, host, os.Getpid(), time.Now().Format(time.DateTime))
	_ = os.WriteFile(path, []byte(text), lockMode)
	_ = os.Chmod(path, lockMode) // the umask may have taken bits away
}

func holder(path string) string {
	text, err := os.ReadFile(path)
	if err != nil || len(text) == 0 {
		return "backup or restore"
	}
	return strings.TrimSpace(string(text))
}
