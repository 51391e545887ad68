package setup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/log"
)

func createStorageDirs(c config.Config, _ log.Logger) error { return CreateStorageDirs(c) }

// StorageDirs are the directories that the container's programs need.
func StorageDirs(c config.Config) []string {
	return []string{
		c.StorageBaseDir, c.BackupDir, c.ConfDir, c.DataDir, c.FilebeatDir, c.FilebeatRegDir,
		c.LogsDir, c.SupervisorLogs, c.ProcessPIDDir, c.ProcessStateDir,
		filepath.Dir(c.BackupLog), filepath.Dir(c.LivenessLog), filepath.Dir(c.ReadinessLog),
		filepath.Dir(c.Socket), filepath.Dir(c.PIDFile),
	}
}

// CreateStorageDirs creates the storage and log directories that are missing.
func CreateStorageDirs(c config.Config) error {
	return createDirs(StorageDirs(c))
}

// CreateDirsInTree creates those of the directories that lie in the image tree, because
// that is locked next. It leaves out those below the storage, which is not locked: there
// the steps of run.once come first.
func CreateDirsInTree(c config.Config) error {
	dirs := slices.DeleteFunc(StorageDirs(c), func(dir string) bool {
		return !isBelow(dir, c.BaseDir) || isBelow(dir, c.StorageBaseDir)
	})
	if isBelow(c.TemplatesTarget, c.BaseDir) && isDir(c.TemplatesDir) {
		dirs = append(dirs, c.TemplatesTarget)
	}
	return createDirs(dirs)
}

func isBelow(path, dir string) bool { return strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/") }

func createDirs(dirs []string) error {
	for i, dir := range dirs {
		if slices.Contains(dirs[:i], dir) {
			continue
		}
		if err := CreateStorageDir(dir); err != nil {
			return err
		}
	}
	return nil
}

// CreateStorageDir creates a directory with its parents. The group may write as the
// owner may: a volume's files often belong to the group that all containers on
// it share.
func CreateStorageDir(dir string) error {
	if isDir(dir) {
		return nil
	}
	err := os.Mkdir(dir, 0o775)
	if errors.Is(err, fs.ErrNotExist) {
		if err := CreateStorageDir(filepath.Dir(dir)); err != nil {
			return err
		}
		err = os.Mkdir(dir, 0o775)
	}
	if errors.Is(err, fs.ErrExist) {
		if isDir(dir) { // another container was faster
			return nil
		}
		return fmt.Errorf("cannot create the directory %s: something else is there: remove it, or name another directory", dir)
	}
	if err != nil {
		return fmt.Errorf("cannot create the directory %s: %w%s", dir, fsutil.Cause(err), fsutil.Advice(filepath.Dir(dir), err))
	}
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if mode := info.Mode() | 0o770; mode != info.Mode() { // the umask took it
		return os.Chmod(dir, mode)
	}
	return nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
