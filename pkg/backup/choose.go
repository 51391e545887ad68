package backup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/ZPascal/container-manager/pkg/backup/archive"
)

// Latest stands for the newest archive that is whole.
const Latest = "latest"

// Restore restores an archive: a path, a name in STORAGE_BACKUP_DIR, or Latest. When it
// returns an error, declared paths are as they were before.
func (r Runner) Restore(ctx context.Context, which string) (Result, error) {
	lock, err := r.begin(ctx, "restore")
	if err != nil {
		return Result{}, err
	}
	defer lock.Unlock()
	if which != Latest {
		path, err := r.Find(which)
		if err != nil {
			return Result{}, err
		}
		return r.restore(ctx, path, false)
	}
	result, err := r.restoreNewest(ctx, false)
	if err == nil && result.Archive == "" {
		err = fmt.Errorf("there is no backup-*%s in %s", nameSuffix, r.Config.BackupDir)
	}
	return result, err
}

// Find returns the path of an archive that a person has named.
func (r Runner) Find(which string) (string, error) {
	paths := []string{which}
	if filepath.Base(which) == which {
		paths = []string{filepath.Join(r.Config.BackupDir, which), which}
	}
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path, nil
		}
	}
	return "", fmt.Errorf("there is no archive %s", strings.Join(paths, " and no "))
}

// tried is why an archive from the future is restored all the same.
const tried = "it is tried only because no archive with a possible date can be restored"

// restoreNewest tries one archive after the other, the newest first. An empty
// path means that there are none.
func (r Runner) restoreNewest(ctx context.Context, firstStart bool) (Result, error) {
	archives, err := Archives(r.Config.BackupDir)
	if err != nil {
		return Result{}, err
	}
	var broken []string
	for _, a := range archives {
		r.warnFuture(a, tried)
		result, err := r.restore(ctx, a.Path, firstStart)
		if !errors.Is(err, archive.ErrInvalid) {
			return result, err
		}
		r.Log.Error().Msg(err.Error())
		r.forget(a.Path)
		broken = append(broken, err.Error())
	}
	if len(broken) == 0 {
		return Result{}, nil
	}
	return Result{}, fmt.Errorf("none of the archives in %s can be restored: %s", r.Config.BackupDir, strings.Join(broken, "; "))
}
