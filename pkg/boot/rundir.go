package boot

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/health"
	"github.com/ZPascal/container-manager/pkg/stopmark"
)

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
	// What the last start noted about its programs does not hold in this one.
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
			err = os.Chmod(sub, 0o755) // the umask may have taken bits away
		}
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return runDirError(dir, err)
		}
	}
	// An image without the step that begins the crontab afresh must not collect
	// the lines of every start.
	// Nor does the level hold that somebody has chosen for the last life's log.
	for _, path := range []string{filepath.Join(dir, "cron", "kubernetes"), config.LevelPath(dir)} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return runDirError(dir, err)
		}
	}
	return nil
}

// removeFiles removes the files of a directory, and leaves its directories alone.
// Mostly there are no files, and looking costs less than making the directory anew.
func removeFiles(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, entry := range entries {
		if err == nil {
			err = fsutil.RemoveFile(filepath.Join(dir, entry.Name()))
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

// checkContent refuses a directory that was made for something else. A start that
// was killed may have left some of our directories and nothing else; a directory
// that was in use has all of them, and may have gained other files.
func checkContent(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return runDirError(dir, err)
	}
	ours, foreign := 0, ""
	for _, entry := range entries {
		switch name := entry.Name(); {
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

// runDirError says which directory could not be written, and who owns it. It may
// be one below IMAGE_RUN_DIR.
func runDirError(dir string, err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok && errors.Is(err, fs.ErrPermission) {
		dir = filepath.Dir(path.Path)
	}
	return fmt.Errorf("IMAGE_RUN_DIR cannot be used: %w%s", err, fsutil.Advice(dir, err))
}
