package boot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/ZPascal/container-manager/pkg/events"
	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/health"
	"github.com/ZPascal/container-manager/pkg/supervisor"
)

// prepareRunDir makes IMAGE_RUN_DIR, where everything generated goes. It often
// lies in a /tmp that others can write, and what lies in it is trusted: so it
// must be ours, and no link to somewhere else.
func (b *Boot) prepareRunDir() error {
	dir := filepath.Clean(b.Config.RunDir) // with a slash at its end a link would pass for a directory
	if err := b.refuseSecondLife(); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return runDirError(dir, err)
	}
	if err := os.Mkdir(dir, 0o711); err != nil && !errors.Is(err, fs.ErrExist) {
		return runDirError(dir, err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return runDirError(dir, err)
	}
	owner := info.Sys().(*syscall.Stat_t).Uid
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		return fmt.Errorf("IMAGE_RUN_DIR=%s is a link, which somebody else may have put there: remove it, or name another directory", dir)
	case !info.IsDir():
		return fmt.Errorf("IMAGE_RUN_DIR=%s is no directory: remove it, or name another one", dir)
	case int(owner) != os.Geteuid():
		return fmt.Errorf("IMAGE_RUN_DIR=%s belongs to uid %d and this process runs as uid %d: remove it, or name another directory", dir, owner, os.Geteuid())
	}
	if info.Mode().Perm() != 0o711 {
		if err := os.Chmod(dir, 0o711); err != nil {
			return runDirError(dir, err)
		}
	}
	// What a former life knew of its programs does not hold in this one.
	for _, sub := range []string{"health", "held"} {
		if err := os.RemoveAll(filepath.Join(dir, sub)); err != nil {
			return runDirError(dir, err)
		}
	}
	subs := []string{filepath.Join(dir, "cron"), filepath.Join(dir, "logging"), filepath.Join(dir, "supervisord"), filepath.Join(dir, "held")}
	for _, sub := range append(subs, health.Dirs(b.Config)...) {
		if err := os.Mkdir(sub, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return runDirError(dir, err)
		}
	}
	// An image without the step that begins the crontab afresh must not collect
	// the lines of every start.
	if err := os.Remove(filepath.Join(dir, "cron", "kubernetes")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return runDirError(dir, err)
	}
	return nil
}

// runDirError says whose directory did not allow it, which may lie below
// IMAGE_RUN_DIR.
func runDirError(dir string, err error) error {
	if path := (*fs.PathError)(nil); errors.As(err, &path) && errors.Is(err, fs.ErrPermission) {
		dir = filepath.Dir(path.Path)
	}
	return fmt.Errorf("IMAGE_RUN_DIR cannot be used: %w%s", err, fsutil.Advice(dir, err))
}

// refuseSecondLife keeps a second start from pulling the files of a supervisord
// that runs out from under it.
func (b *Boot) refuseSecondLife() error {
	if !exists(b.Config.Socket) {
		return nil
	}
	if supervisor.AtSocket(b.Config.Socket).Touch(context.Background()) == nil {
		return fmt.Errorf("supervisord already runs at IMAGE_SUPERVISOR_SOCKET=%s: use that container's programs, or name another socket", b.Config.Socket)
	}
	return nil
}

// removeLeftovers removes what a former life of the container said of its
// processes.
func (b *Boot) removeLeftovers() {
	events.Files{PIDDir: b.Config.ProcessPIDDir, StateDir: b.Config.ProcessStateDir, Log: b.Log}.RemoveAll()
	for _, path := range []string{b.Config.PIDFile, b.Config.Socket} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			b.Log.Warn().Msgf("cannot remove %s of a former life: %v", path, err)
		}
	}
}
