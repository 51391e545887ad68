package backup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ZPascal/container-manager/pkg/backup/archive"
	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/script"
	"github.com/ZPascal/container-manager/pkg/scriptdir"
)

// RestoreFirst is the restore of a container's first start. It restores the newest
// archive that is whole, and calls record with the archive's path, which notes that on
// the volume. recorded says that an earlier start has done so and was killed later.
// Without an archive RestoreFirst does nothing.
//
// Where a child image has a restore.py of its own, that is called with the archive.
func RestoreFirst(ctx context.Context, c config.Config, l log.Logger, recorded bool, record func(archive string) error) error {
	r := Runner{Config: c, Log: l, Force: true} // nothing runs yet
	if archives, err := Archives(c.BackupDir); err != nil || len(archives) == 0 {
		return err
	}
	path := filepath.Join(c.RestoreDir, "restore.py")
	entry := scriptdir.Inspect(path)
	if entry.Builtin || !fsutil.Exists(path) {
		return r.restoreFirst(ctx, recorded, record)
	}
	if recorded {
		return nil
	}
	archive, err := r.callRestore(ctx, entry)
	if err != nil || archive == "" {
		return err
	}
	return record(archive)
}

// callRestore calls a child image's restore.py with the newest archive, and returns
// its path.
func (r Runner) callRestore(ctx context.Context, entry scriptdir.File) (string, error) {
	newest, err := r.newestWhole(ctx)
	if err != nil || newest == "" {
		return "", err
	}
	if entry.Empty {
		r.Log.Info().Msgf("%s is empty: %s is not restored", entry.Path, newest)
		return "", nil
	}
	err = scriptdir.Runner{Config: r.Config, Log: r.Log}.Run(ctx, entry, script.Command{
		Args: []string{newest}, Timeout: time.Duration(r.Config.BackupTimeout), EndOnFailure: true,
	})
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("cannot restore %s: %w; IMAGE_RESTORE_ON_FIRST_START=false starts without a restore", newest, err)
	}
	return newest, err
}

// restoreFirst is RestoreFirst with our own restore. It waits for another container that
// is at work on the volume.
func (r Runner) restoreFirst(ctx context.Context, recorded bool, record func(archive string) error) error {
	lock, err := r.waitLock(ctx, "restore")
	if err != nil {
		return err
	}
	defer lock.Unlock()
	if recorded {
		return r.dropDone()
	}
	if err := r.clearUp(ctx); err != nil {
		return err
	}
	path, err := r.restoreOnce(ctx)
	if err != nil || path == "" {
		return err
	}
	if err := record(path); err != nil {
		return err
	}
	return r.dropDone()
}

// claimName is a file in STORAGE_BASE_DIR with the name of the journal of this
// container's first start. Containers with storages of their own may share
// STORAGE_BACKUP_DIR, and the restore of one is not that of another.
const claimName = ".run-once.restore"

func (r Runner) claimPath() string { return filepath.Join(r.Config.StorageBaseDir, claimName) }

// claim notes that a journal is this container's. It survives a power failure before
// the journal says that the restore is done.
func (r Runner) claim(j journal) error {
	return fsutil.WriteFile(r.claimPath(), []byte(filepath.Base(j.path)+"\n"), 0o644)
}

// doneHere returns the journal of a restore that this container's first start has done.
// There is such a journal only when that start was killed right after the restore.
// Otherwise ok is false.
func (r Runner) doneHere() (j journal, ok bool, err error) {
	claimed, err := os.ReadFile(r.claimPath())
	if errors.Is(err, fs.ErrNotExist) {
		return j, false, nil
	}
	if err != nil {
		return j, false, err
	}
	journals, err := r.journals()
	for _, j := range journals {
		if j.Done && filepath.Base(j.path) == strings.TrimSpace(string(claimed)) {
			return j, true, nil
		}
	}
	return j, false, err
}

// restoreOnce restores the newest archive, and returns its path. When an earlier start
// has restored one and was killed right after that, it only returns that archive's path.
func (r Runner) restoreOnce(ctx context.Context) (string, error) {
	if j, ok, err := r.doneHere(); ok || err != nil {
		return j.Archive, err
	}
	result, err := r.restoreNewest(ctx, true)
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("%w; IMAGE_RESTORE_ON_FIRST_START=false starts without a restore", err)
	}
	return result.Archive, err
}

// dropDone removes the journal of a first start's restore, once the restore is on
// record.
func (r Runner) dropDone() error {
	j, ok, err := r.doneHere()
	if ok {
		err = j.remove()
	}
	if err != nil {
		return err
	}
	return fsutil.RemoveFile(r.claimPath())
}

// newestWhole returns the newest archive that can be read to its end, or "" when
// there is no archive at all. It gives the lock back, because the restore that is
// called with the archive takes the lock itself.
func (r Runner) newestWhole(ctx context.Context) (string, error) {
	archives, err := Archives(r.Config.BackupDir)
	if err != nil || len(archives) == 0 {
		return "", err
	}
	lock, err := r.waitLock(ctx, "restore")
	if err != nil {
		return "", err
	}
	defer lock.Unlock()
	if err := r.clearUp(ctx); err != nil {
		return "", err
	}
	var broken []string
	for _, a := range archives {
		r.warnFuture(a, tried)
		_, err := r.Verify(ctx, a.Path)
		if !errors.Is(err, archive.ErrInvalid) {
			return a.Path, err
		}
		r.Log.Error().Msg(err.Error())
		broken = append(broken, err.Error())
	}
	return "", fmt.Errorf("none of the archives in %s can be restored: %s; IMAGE_RESTORE_ON_FIRST_START=false starts without a restore",
		r.Config.BackupDir, strings.Join(broken, "; "))
}
