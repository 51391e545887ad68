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
	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/script"
	"github.com/ZPascal/container-manager/pkg/scriptdir"
)

// RestoreFirst is the restore of a container's first start. It returns the path
// of the archive that was restored, "" when there was none. Where a child image
// has a restore.py of its own, that is called with the newest archive that is
// whole; ours is RestoreNewest.
func RestoreFirst(ctx context.Context, c config.Config, l log.Logger) (string, error) {
	path := filepath.Join(c.RestoreDir, "restore.py")
	entry := scriptdir.Inspect(path)
	if _, err := os.Lstat(path); entry.Builtin || errors.Is(err, fs.ErrNotExist) {
		return RestoreNewest(ctx, c, l)
	}
	r := Runner{Config: c, Log: l}
	newest, err := r.newestWhole(ctx)
	if err != nil || newest == "" {
		return "", err
	}
	if entry.Empty {
		l.Info().Msgf("%s is empty: %s is not restored", path, newest)
		return "", nil
	}
	err = scriptdir.Runner{Config: c, Log: l}.Run(ctx, entry, script.Command{
		Args: []string{newest}, Timeout: time.Duration(c.BackupTimeout), EndOnFailure: true,
	})
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("cannot restore %s: %w; IMAGE_RESTORE_ON_FIRST_START=false starts without a restore", newest, err)
	}
	return newest, err
}

// newestWhole returns the newest archive that can be read to its end, "" when
// there is none at all. It gives the lock back: a restore that is called with the
// archive takes it itself.
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
