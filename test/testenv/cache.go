package testenv

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Cache returns the path of something that is expensive to make and kept outside
// the tree, in the user's cache directory, from one run of the tests to the next:
// its key names the version of everything that goes in. Where it is not there yet,
// build makes it at the path that it is given, and say hears of it; other processes
// wait meanwhile.
func Cache(key string, say func(format string, args ...any), build func(path string) error) (string, error) {
	dir := CacheDir()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	path := filepath.Join(dir, key)
	lock, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return "", fmt.Errorf("cannot lock %s: %w", lock.Name(), err)
	}
	if Exists(path) {
		return path, nil
	}
	partial := path + ".partial"
	if err := os.RemoveAll(partial); err != nil {
		return "", err
	}
	say("making %s, which is kept", path)
	if err := build(partial); err != nil {
		return "", err
	}
	return path, os.Rename(partial, path)
}

// CacheDir is below the home directory, or for users without one in /var/tmp.
func CacheDir() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return fmt.Sprintf("/var/tmp/container-manager-tests-%d", os.Geteuid())
	}
	return filepath.Join(dir, "container-manager-tests")
}
