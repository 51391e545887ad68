package cli

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/fsutil"
)

// elsewhere makes the environment name the tree below another root. When that has only
// what a child image adds, its files are laid over a copy of the base image's tree. The
// returned function makes paths of messages those of the child's own files.
func (o validateOptions) elsewhere(work string) (own func(string) string, err error) {
	base := cmp.Or(os.Getenv("IMAGE_BASE_DIR"), "/image")
	root, err := filepath.Abs(o.root)
	if err != nil {
		return nil, err
	}
	image := filepath.Join(root, "image")
	if info, err := os.Stat(image); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("--root %s: there is no directory %s: name the directory that image/ lies in", o.root, image)
	}
	own = func(text string) string { return text }
	if !fsutil.Exists(filepath.Join(image, "supervisord/global.conf")) {
		if !fsutil.Exists(filepath.Join(base, "supervisord/global.conf")) {
			return nil, fmt.Errorf("--root %s: %s has only what a child image adds, and the base image is not here (%s): run this in the base image, or set IMAGE_BASE_DIR to its tree", o.root, image, base)
		}
		whole := filepath.Join(work, "image")
		if err := os.CopyFS(whole, os.DirFS(base)); err != nil {
			return nil, err
		}
		if err := overlay(whole, image); err != nil {
			return nil, err
		}
		former := image
		own = func(text string) string { return strings.ReplaceAll(text, whole, former) }
		image = whole
	}
	for _, v := range config.Variables() { // those below the tree follow it
		if strings.HasPrefix(v.Name, "IMAGE_") && strings.HasSuffix(v.Name, "_DIR") {
			_ = os.Unsetenv(v.Name)
		}
	}
	return own, os.Setenv("IMAGE_BASE_DIR", image)
}

// overlay lays a child image's files over a tree, as COPY does.
func overlay(tree, child string) error {
	return filepath.WalkDir(child, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(tree, strings.TrimPrefix(path, child))
		if entry.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		_ = os.Remove(to)
		if entry.Type()&fs.ModeSymlink != 0 {
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			return os.Symlink(target, to)
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := os.WriteFile(to, data, 0o600); err != nil {
			return err
		}
		return os.Chmod(to, info.Mode().Perm())
	})
}
