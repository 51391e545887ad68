package boot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/events"
	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/health"
	"github.com/ZPascal/container-manager/pkg/render"
	"github.com/ZPascal/container-manager/pkg/setup"
	"github.com/ZPascal/container-manager/pkg/stopmark"
	"github.com/ZPascal/container-manager/pkg/supervisor"
)

// prepare refuses what must not be touched, and makes IMAGE_RUN_DIR.
func (b *Boot) prepare() error {
	if err := b.refuseSecondLife(); err != nil {
		return err
	}
	return b.prepareRunDir()
}

// runDirs are what lies in IMAGE_RUN_DIR from the first step on.
var runDirs = []string{"cron", "logging", "stopped", "supervisord"}

// prepareRunDir makes IMAGE_RUN_DIR, where everything generated goes. It often
// lies in a /tmp that others can write, and what lies in it is trusted: so it
// must be ours, no link to somewhere else, and no directory of other things.
func (b *Boot) prepareRunDir() error {
	dir := filepath.Clean(b.Config.RunDir) // with a slash at its end a link would pass for a directory
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return runDirError(dir, err)
	}
	if err := os.Mkdir(dir, 0o711); err != nil && !errors.Is(err, fs.ErrExist) {
		return runDirError(dir, err)
	}
	if err := checkRunDir(dir); err != nil {
		return err
	}
	// What a former life knew of its programs does not hold in this one.
	for _, sub := range append(health.Dirs(b.Config), stopmark.Dir(dir)) {
		if err := removeFiles(sub); err != nil {
			return runDirError(dir, err)
		}
	}
	var subs []string
	for _, sub := range runDirs {
		subs = append(subs, filepath.Join(dir, sub))
	}
	for _, sub := range append(subs, health.Dirs(b.Config)...) {
		err := os.Mkdir(sub, 0o755)
		if err == nil {
			err = os.Chmod(sub, 0o755) // whatever the umask
		}
		if err != nil && !errors.Is(err, fs.ErrExist) {
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

// removeFiles removes what lies in a directory but for other directories. There
// is mostly nothing, and to look costs less than to make the directory anew.
func removeFiles(dir string) error {
	names, err := fsutil.List(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, name := range names {
		if err == nil {
			err = fsutil.RemoveFile(filepath.Join(dir, name))
		}
	}
	return err
}

func checkRunDir(dir string) error {
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
	case info.Mode()&fs.ModeSticky != 0:
		return fmt.Errorf("IMAGE_RUN_DIR=%s is a directory for everybody (its sticky bit is set): name one below it", dir)
	}
	if err := checkContent(dir); err != nil {
		return err
	}
	if info.Mode().Perm() == 0o711 {
		return nil
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		return runDirError(dir, err)
	}
	return nil
}

// checkContent refuses a directory that was made for something else. One that a
// killed start has left half made holds only names of ours, and one in use holds
// all of them.
func checkContent(dir string) error {
	names, err := fsutil.List(dir)
	if err != nil {
		return runDirError(dir, err)
	}
	ours, foreign := 0, ""
	for _, name := range names {
		switch {
		case slices.Contains(runDirs, name):
			ours++
		case name != "env" && name != "health" && name != "held" && !strings.HasPrefix(name, ".env."): // held is a former version's
			foreign = name
		}
	}
	if foreign != "" && ours < len(runDirs) {
		return fmt.Errorf("IMAGE_RUN_DIR=%s holds other things (%s): name a directory of its own, which need not exist", dir, foreign)
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
	clients := []supervisor.Client{supervisor.AtSocket(b.Config.Socket)}
	if former, err := supervisor.FromConfig(render.SupervisorConf(b.Config), b.Config.Lookup); err == nil {
		clients = append(clients, former)
	}
	for _, c := range clients {
		if c.IsAbsent() {
			continue
		}
		switch err := c.Touch(context.Background()); {
		case err == nil:
			return fmt.Errorf("supervisord already runs at %s: use that container's programs, or name another IMAGE_SUPERVISOR_SOCKET", c)
		case errors.Is(err, fs.ErrPermission):
			return fmt.Errorf("IMAGE_SUPERVISOR_SOCKET=%s belongs to another user: remove it, or name another one%s", c, fsutil.Advice(c.String(), err))
		}
	}
	return nil
}

// settle makes the storage and log directories and removes what is left of a
// former life.
func (b *Boot) settle() error {
	if err := setup.CreateStorageDirs(b.Config); err != nil {
		return err
	}
	events.Files{PIDDir: b.Config.ProcessPIDDir, StateDir: b.Config.ProcessStateDir, Log: b.Log}.RemoveAll()
	for variable, path := range map[string]string{
		"IMAGE_SUPERVISOR_PIDFILE": b.Config.PIDFile,
		"IMAGE_SUPERVISOR_SOCKET":  b.Config.Socket,
	} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot remove %s=%s of a former life: %w%s", variable, path, err, fsutil.Advice(path, err))
		}
	}
	return nil
}

// checkWritable says where supervisord and its listener could not write: they
// would say so late, in many lines, or not at all.
func (b *Boot) checkWritable() error {
	for variable, dir := range map[string]string{
		"SUPERVISOR_LOGS_DIR":      b.Config.SupervisorLogs,
		"STORAGE_LOGS_DIR":         b.Config.LogsDir,
		"PROCESS_PID_DIR":          b.Config.ProcessPIDDir,
		"PROCESS_STATE_DIR":        b.Config.ProcessStateDir,
		"IMAGE_SUPERVISOR_SOCKET":  filepath.Dir(b.Config.Socket),
		"IMAGE_SUPERVISOR_PIDFILE": filepath.Dir(b.Config.PIDFile),
	} {
		if err := unix.Faccessat(unix.AT_FDCWD, dir, unix.W_OK|unix.X_OK, unix.AT_EACCESS); err != nil {
			return fmt.Errorf("cannot write to %s (%s): %w%s", dir, variable, err, fsutil.Advice(dir, err))
		}
	}
	return nil
}
