package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// build builds the binary as a release is built.
func build(dir string) (string, error) {
	cmd := exec.Command("make", "build", "BUILD="+dir)
	cmd.Stderr = os.Stderr
	return filepath.Join(dir, "bin", "container-manager"), cmd.Run()
}

// tree is an image tree and its storage below a directory of its own.
type tree struct {
	root string
	env  []string
	bin  string
}

// newTree copies files/ and points every path of the environment below it.
func (b *bench) newTree(name string) (*tree, error) {
	root := filepath.Join(b.dir, name)
	if err := os.CopyFS(root, os.DirFS(b.files)); err != nil {
		return nil, err
	}
	t := &tree{root: root, bin: b.binary}
	for k, v := range map[string]string{
		"IMAGE_BASE_DIR":           t.path("image"),
		"IMAGE_RUN_DIR":            t.path("run"),
		"STORAGE_BASE_DIR":         t.path("storage"),
		"PROCESS_PID_DIR":          t.path("process"),
		"PROCESS_STATE_DIR":        t.path("process"),
		"IMAGE_SUPERVISOR_PIDFILE": t.path("supervisord.pid"),
		"IMAGE_SUPERVISOR_SOCKET":  t.path("supervisord.sock"),
		"IMAGE_CRON_ENABLED":       "0",
		"PATH":                     filepath.Dir(b.binary) + ":/usr/bin:/bin:/usr/sbin:/sbin",
		"LANG":                     "C.UTF-8",
	} {
		t.env = append(t.env, k+"="+v)
	}
	return t, nil
}

func (t *tree) path(name string) string { return filepath.Join(t.root, name) }

// newSetUpTree is newTree after a first start, with the environment as that
// hands it on: plain supervisord needs every variable of it.
func (b *bench) newSetUpTree(name string) (*tree, error) {
	t, err := b.newTree(name)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(t.bin, "run", "/usr/bin/env")
	cmd.Env = t.env
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("first start: %w", err)
	}
	t.env = strings.Split(strings.TrimSpace(string(out)), "\n")
	return t, t.unlock()
}

// unlock gives the owner the write bits back that the lock-down took.
func (t *tree) unlock() error {
	return filepath.WalkDir(t.path("image"), func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() {
			err = os.Chmod(path, 0o755)
		}
		return err
	})
}

// write adds a file to the image tree.
func (t *tree) write(name, content string, perm fs.FileMode) error {
	path := t.path(filepath.Join("image", name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(content), perm)
}

// run runs `container-manager run` with arguments to its end.
func (t *tree) run(args ...string) (time.Duration, error) {
	return t.timed(t.bin, append([]string{"run"}, args...)...)
}

// timed runs a command in the tree's environment to its end.
func (t *tree) timed(name string, args ...string) (time.Duration, error) {
	cmd := exec.Command(name, args...)
	cmd.Env = t.env
	begin := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return time.Since(begin), nil
}

// set changes a variable of the tree's environment.
func (t *tree) set(name, value string) {
	t.env = append(slices.DeleteFunc(t.env, func(entry string) bool { return strings.HasPrefix(entry, name+"=") }), name+"="+value)
}

// newLife returns the tree with nothing yet of what a start leaves. The files of
// other lives stay: ext4 takes milliseconds to find inodes for new files among
// those that were deleted a moment ago, which no first start has to suffer.
func (t *tree) newLife(n int) *tree {
	life := *t
	life.env = slices.Clone(t.env)
	for i, entry := range life.env {
		name, path, _ := strings.Cut(entry, "=")
		if slices.Contains([]string{"IMAGE_RUN_DIR", "STORAGE_BASE_DIR", "PROCESS_PID_DIR", "PROCESS_STATE_DIR"}, name) {
			life.env[i] = fmt.Sprintf("%s=%s-%d", name, path, n)
		}
	}
	return &life
}

// clean removes everything; the lock-down took the write bits.
func (b *bench) clean() {
	_ = filepath.WalkDir(b.dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() {
			_ = os.Chmod(path, 0o755)
		}
		return nil
	})
	_ = os.RemoveAll(b.dir)
}
