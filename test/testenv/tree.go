package testenv

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// Tree is an image tree and a storage volume below a directory, with an
// environment that leads there.
type Tree struct{ Root string }

// NewTree copies the tree that images add at their root.
func NewTree(t testing.TB) Tree {
	t.Helper()
	return NewTreeAt(t, Dir(t))
}

// NewTreeAt does so below a directory that is there.
func NewTreeAt(t testing.TB, root string) Tree {
	t.Helper()
	check(t, os.CopyFS(filepath.Join(root, "image"), os.DirFS(filepath.Join(repository(t), "files", "image"))))
	Mkdir(t, filepath.Join(root, "tmp"))
	return Tree{root}
}

// Path returns a path below the root: Path("image/cron").
func (tree Tree) Path(elem ...string) string {
	return filepath.Join(append([]string{tree.Root}, elem...)...)
}

// Environ returns the environment with the given entries behind it, which win.
func (tree Tree) Environ(extra ...string) []string {
	return append([]string{
		"PATH=" + os.Getenv("PATH"),
		"TZ=UTC",
		"IMAGE_BASE_DIR=" + tree.Path("image"),
		"IMAGE_RUN_DIR=" + tree.Path("run"),
		"STORAGE_BASE_DIR=" + tree.Path("storage"),
		"PROCESS_PID_DIR=" + tree.Path("tmp"),
		"PROCESS_STATE_DIR=" + tree.Path("tmp"),
		"IMAGE_SUPERVISOR_PIDFILE=" + tree.Path("tmp/supervisord.pid"),
		"IMAGE_SUPERVISOR_SOCKET=" + tree.Path("tmp/supervisord.sock"),
	}, extra...)
}

// repository is Repository for tests.
func repository(t testing.TB) string {
	t.Helper()
	dir, err := Repository()
	check(t, err)
	return dir
}

// Repository returns the directory of go.mod: tests run in their package's.
func Repository() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	start := dir
	for ; !Exists(filepath.Join(dir, "go.mod")); dir = filepath.Dir(dir) {
		if dir == "/" {
			return "", fmt.Errorf("there is no go.mod above %s", start)
		}
	}
	return dir, nil
}
