package containertest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/test/testenv"
)

// dirVariable tells the tests of a process where Main has put their storage.
const dirVariable = "CONTAINERTEST_DIR"

const storagePrefix = "podman-"

// Main is for TestMain: it runs the tests with a storage of their own, deletes it,
// and returns the exit status. What tests have left fails them.
func Main(m *testing.M) int {
	storage, err := newStorage()
	if err == nil {
		err = os.Setenv(dirVariable, storage.dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "containertest:", err)
		return 1
	}
	// Containers wait most of their time. The command line has the last word.
	if err := flag.Set("test.parallel", strconv.Itoa(2*runtime.GOMAXPROCS(0))); err != nil {
		fmt.Fprintln(os.Stderr, "containertest:", err)
		return 1
	}
	code := m.Run()
	if err := storage.close(); err != nil {
		fmt.Fprintln(os.Stderr, "containertest:", err)
		return max(code, 1)
	}
	return code
}

// Use gives a program that is no test a podman with all images that are kept, for
// as long as use runs. What it leaves is an error.
func Use(use func(*Podman) error) error {
	storage, err := newStorage()
	if err != nil {
		return err
	}
	say := func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
	p, err := open(context.Background(), storage.dir, say)
	if err == nil {
		err = use(p)
	}
	return errors.Join(err, storage.close())
}

// MakeBases makes the images that Dockerfiles begin with, unless they are kept.
func MakeBases(ctx context.Context, say func(format string, args ...any)) error {
	_, _, err := bases(ctx, say)
	return err
}

// MakeImage makes the image of Dockerfile.alpine, unless it is kept.
func MakeImage(ctx context.Context, say func(format string, args ...any)) error {
	base, key, err := bases(ctx, say)
	if err == nil {
		_, err = baseImage(ctx, say, base, key)
	}
	return err
}

// Sweep deletes the storages, with all containers, that processes have left which
// were killed. Those of processes that live are locked.
func Sweep() error {
	if os.Geteuid() != 0 {
		return nil // no container can have run
	}
	if err := os.MkdirAll(testenv.CacheDir(), 0o755); err != nil {
		return err
	}
	return sweep(testenv.CacheDir())
}

// storage is where the containers of one process lie, and what it found.
type storage struct {
	dir    string
	lock   *fsutil.Lock // held for as long as the process lives
	mounts []string
}

func newStorage() (*storage, error) {
	cache := testenv.CacheDir()
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return nil, err
	}
	if err := sweep(cache); err != nil {
		return nil, err
	}
	mounts, err := mountsBelow(cache)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(cache, storagePrefix)
	if err != nil {
		return nil, err
	}
	// Containers of any user look into it.
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, err
	}
	lock, err := fsutil.TryLock(lockOf(dir))
	return &storage{dir: dir, lock: lock, mounts: mounts}, err
}

func lockOf(dir string) string { return dir + ".lock" }

// sweep deletes what processes have left that were killed.
func sweep(cache string) error {
	dirs, err := filepath.Glob(filepath.Join(cache, storagePrefix+"*"))
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		if strings.HasSuffix(dir, ".lock") {
			continue
		}
		lock, err := fsutil.TryLock(lockOf(dir))
		if errors.Is(err, fsutil.ErrLocked) {
			continue
		}
		if err != nil {
			return err
		}
		err = removeStorage(dir)
		_ = lock.Unlock()
		if err != nil {
			return fmt.Errorf("cannot delete what an earlier run has left: %w", err)
		}
	}
	return nil
}

func removeStorage(dir string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	defer cancel()
	p := &Podman{dir: dir}
	return errors.Join(p.remove(ctx), os.Remove(lockOf(dir)))
}

// close says what tests have left, and deletes everything.
func (s *storage) close() error {
	left, err := s.leftovers()
	if len(left) > 0 {
		err = errors.Join(err, fmt.Errorf("the tests have left:\n%s", strings.Join(left, "\n")))
	}
	err = errors.Join(err, removeStorage(s.dir), s.lock.Unlock())
	after, mountsErr := mountsBelow(testenv.CacheDir())
	for _, mount := range after {
		if strings.HasPrefix(mount, s.dir) && !slices.Contains(s.mounts, mount) {
			err = errors.Join(err, fmt.Errorf("%s is still mounted", mount))
		}
	}
	return errors.Join(err, mountsErr)
}

// leftovers lists the pods, containers, volumes and processes that no test has
// removed.
func (s *storage) leftovers() (left []string, err error) {
	if !testenv.Exists(filepath.Join(s.dir, "storage.conf")) {
		return nil, nil // no test has used it
	}
	p := &Podman{dir: s.dir}
	for kind, args := range map[string][]string{
		"pod":       {"pod", "ps", "--format={{.Name}}"},
		"container": {"ps", "--all", "--format={{.Names}}"},
		"volume":    {"volume", "ls", "--format={{.Name}}"},
	} {
		out, err := p.Output(context.Background(), args...)
		if err != nil {
			return nil, err
		}
		for name := range strings.FieldsSeq(out) {
			left = append(left, kind+" "+name)
		}
	}
	return left, nil
}

// mountsBelow returns the mount points below directories, the deepest first.
func mountsBelow(dirs ...string) ([]string, error) {
	info, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	var mounts []string
	for line := range strings.Lines(string(info)) {
		fields := strings.Fields(line) // see proc(5); the fifth is the mount point
		if slices.ContainsFunc(dirs, func(dir string) bool { return strings.HasPrefix(fields[4], dir+"/") }) {
			mounts = append(mounts, fields[4])
		}
	}
	slices.Sort(mounts)
	slices.Reverse(mounts)
	return mounts, nil
}
