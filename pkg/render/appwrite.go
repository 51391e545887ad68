package render

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ZPascal/container-manager/pkg/fsutil"
)

// appDir is a directory to be made for what is rendered from the application's templates.
type appDir struct {
	path string
	perm fs.FileMode
}

// appFile is a file to be written there.
type appFile struct {
	path string
	output
}

// writeApp puts the application's files in place, each beside first: on a volume another
// container may read it. What stands there already, other directories and their modes, is
// somebody else's and stays.
func (r *renderer) writeApp() error {
	if err := r.clearApp(); err != nil {
		return err
	}
	if len(r.appFiles) > 0 {
		r.appDirs = append([]appDir{{r.TemplatesTarget, 0o755}}, r.appDirs...)
	}
	for _, dir := range r.appDirs {
		if err := makeAppDir(dir); err != nil {
			return fmt.Errorf("IMAGE_TEMPLATES_TARGET=%s: cannot create the directory %s: %w%s", r.TemplatesTarget, dir.path, fsutil.Cause(err), fsutil.Advice(dir.path, err))
		}
	}
	for _, f := range r.appFiles {
		if err := fsutil.Renew(f.path, f.data, f.perm); err != nil {
			return fmt.Errorf("IMAGE_TEMPLATES_TARGET=%s: %w", r.TemplatesTarget, err)
		}
	}
	return nil
}

// makeAppDir makes a directory that is missing, with its parents.
func makeAppDir(dir appDir) error {
	if info, err := os.Stat(dir.path); err == nil && info.IsDir() {
		return nil
	}
	if err := os.MkdirAll(dir.path, 0o755); err != nil {
		return err
	}
	return os.Chmod(dir.path, dir.perm|0o300) // the umask took some
}

// clearApp removes what a former start has rendered from templates that are gone. It does so
// in the directory of ours only: in any other, nobody can tell whose a file is.
func (r *renderer) clearApp() error {
	if r.TemplatesTarget != filepath.Join(r.RunDir, "templates") || len(r.appFiles) == 0 {
		return nil
	}
	isDir := map[string]bool{r.TemplatesTarget: true}
	for _, dir := range r.appDirs {
		isDir[dir.path] = true
	}
	for _, f := range r.appFiles {
		isDir[f.path] = false
	}
	err := filepath.WalkDir(r.TemplatesTarget, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if dir, stays := isDir[path]; stays && dir == entry.IsDir() {
			return nil
		}
		if err := os.RemoveAll(path); err != nil || !entry.IsDir() {
			return err
		}
		return fs.SkipDir
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot remove what a former start has rendered: %w", err)
	}
	return nil
}
