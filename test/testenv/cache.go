package testenv

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// Cached returns the path of something that is expensive to make and kept outside
// the tree, in the user's cache directory, from one run of the tests to the next:
// its key names the version of everything that goes in. Where it is not there yet,
// build makes it at the path that it is given; other processes wait meanwhile.
func Cached(t testing.TB, key string, build func(path string) error) string {
	t.Helper()
	dir := cacheDir()
	check(t, os.MkdirAll(dir, 0o755))
	path := filepath.Join(dir, key)
	lock, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o644)
	check(t, err)
	defer lock.Close()
	check(t, unix.Flock(int(lock.Fd()), unix.LOCK_EX))
	if Exists(path) {
		return path
	}
	partial := path + ".partial"
	check(t, os.RemoveAll(partial))
	t.Logf("making %s, which is kept", path)
	check(t, build(partial))
	check(t, os.Rename(partial, path))
	return path
}

// cacheDir is below the home directory, or for users without one in /var/tmp.
func cacheDir() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return fmt.Sprintf("/var/tmp/container-manager-tests-%d", os.Geteuid())
	}
	return filepath.Join(dir, "container-manager-tests")
}
