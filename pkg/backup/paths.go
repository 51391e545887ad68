package backup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ZPascal/container-manager/pkg/backup/archive"
	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/fsutil"
)

// addPaths packs IMAGE_BACKUP_PATHS and returns those that are there.
func (r Runner) addPaths(ctx context.Context, w *archive.Writer) (added []string, err error) {
	mounts := fsutil.MountPoints()
	for _, p := range r.Config.BackupPaths {
		real, err := r.resolve(p)
		if err != nil {
			w.Missing(p, err)
			continue
		}
		if err := r.addPath(ctx, w, p, real, mounts); err != nil {
			return added, err
		}
		added = append(added, p)
	}
	return added, nil
}

// resolve returns what a path that may be a link leads to.
func (r Runner) resolve(p string) (string, error) {
	real, err := filepath.EvalSymlinks(p)
	if err != nil {
		return "", err
	}
	if archives, err := filepath.EvalSymlinks(r.Config.BackupDir); err == nil && config.Within(archives, real) {
		return "", errors.New("it leads to a directory that holds the archives themselves")
	}
	return real, nil
}

func (r Runner) addPath(ctx context.Context, w *archive.Writer, p, real string, mounts map[string]bool) error {
	dir, err := os.OpenRoot(filepath.Dir(real))
	if err != nil {
		w.Missing(p, err)
		return nil
	}
	defer dir.Close()
	skip := func(rel string) bool {
		switch {
		case rel == ".":
			return false
		case isOurs(path.Base(rel)), r.Config.BackupExclude.Match(path.Join(p, rel)):
			return true
		case mounts[path.Join(real, rel)]:
			if slices.Contains(r.Config.BackupPaths, path.Join(p, rel)) {
				return true // it comes by itself
			}
			r.Log.Warn().Msgf("left out %s, where another file system is mounted: name it in IMAGE_BACKUP_PATHS, or in IMAGE_BACKUP_EXCLUDE to be rid of this warning", path.Join(p, rel))
			return true
		}
		return false
	}
	return w.Add(ctx, dir, filepath.Base(real), archivePath(p), skip)
}

// archivePath is where an archive has a path of IMAGE_BACKUP_PATHS.
func archivePath(p string) string { return archive.PathsDir + p }

// undeclared returns an error when an archive holds paths that the environment
// does not declare. They could be anywhere, and leaving them out would be a
// restore that looks like a whole one.
func (r Runner) undeclared(paths []string) error {
	var missing []string
	for _, p := range paths {
		if !containsPath(r.Config.BackupPaths, p) {
			missing = append(missing, p)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("the archive holds %s, which IMAGE_BACKUP_PATHS=%q does not name: add it there, or unpack the archive by hand",
		strings.Join(missing, " and "), strings.Join(r.Config.BackupPaths, ":"))
}

func containsPath(paths []string, p string) bool {
	for _, declared := range paths {
		if config.Within(p, declared) {
			return true
		}
	}
	return false
}
