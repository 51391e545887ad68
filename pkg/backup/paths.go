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
		opened, err := r.openPath(p, mounts)
		if err != nil {
			w.Missing(p, err)
			continue
		}
		err = w.Add(ctx, opened.parent, opened.name, archivePath(p), opened.skip)
		opened.parent.Close()
		if err != nil {
			return added, err
		}
		added = append(added, p)
	}
	return added, nil
}

// openedPath is what a path of IMAGE_BACKUP_PATHS leads to, as archive.Writer.Add takes it.
type openedPath struct {
	parent *os.Root
	name   string
	skip   archive.Skip
}

// openPath opens what a declared path leads to. The caller closes its parent.
func (r Runner) openPath(p string, mounts map[string]bool) (openedPath, error) {
	resolved, err := r.resolve(p)
	if err != nil {
		return openedPath{}, err
	}
	parent, err := os.OpenRoot(filepath.Dir(resolved))
	return openedPath{parent, filepath.Base(resolved), func(rel string) bool { return r.leavesOut(p, resolved, rel, mounts) }}, err
}

// resolve returns what a path that may be a link leads to.
func (r Runner) resolve(p string) (string, error) {
	resolved, err := filepath.EvalSymlinks(p)
	if err != nil {
		return "", err
	}
	if archives, err := filepath.EvalSymlinks(r.Config.BackupDir); err == nil && config.Within(archives, resolved) {
		return "", errors.New("it leads to a directory that holds the archives themselves")
	}
	return resolved, nil
}

// leavesOut reports whether a backup of p leaves out what lies at rel below it.
func (r Runner) leavesOut(p, resolved, rel string, mounts map[string]bool) bool {
	full := path.Join(p, rel)
	switch {
	case rel == ".":
		return false
	case isOurs(path.Base(rel)), r.Config.BackupExclude.Match(full):
		return true
	case !mounts[path.Join(resolved, rel)]:
		return false
	case !slices.Contains(r.Config.BackupPaths, full): // else it comes by itself
		r.Log.Warn().Msgf("left out %s, where another file system is mounted: name it in IMAGE_BACKUP_PATHS, or in IMAGE_BACKUP_EXCLUDE to be rid of this warning", full)
	}
	return true
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
