// Package testenv is what the tests of several packages share: a copy of the
// image tree with an environment that leads there, processes of their own for
// what a test must not do to itself, and waiting for a condition.
package testenv

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// NotQuick leaves a test to make test where make quick runs, go test -short: it
// needs root, an installed program, the whole binary or some seconds.
func NotQuick(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("left to make test")
	}
}

// Dir returns a new directory that every user can enter. Its path is short, as the
// paths of sockets below it have 107 characters at most; those of t.TempDir grow with
// the names of tests.
func Dir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "t")
	check(t, err)
	t.Cleanup(func() {
		unlock(dir)
		WaitFor(t, dir+" can be removed: nothing writes to it any more", func() bool { return os.RemoveAll(dir) == nil })
	})
	Chmod(t, dir, 0o755)
	return dir
}

// Write writes a file with its parents, and exactly this mode.
func Write(t testing.TB, path, content string, perm fs.FileMode) {
	t.Helper()
	Mkdir(t, filepath.Dir(path))
	// A process that is started meanwhile would have the file open until it execs,
	// and until then nobody could run what was written.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	check(t, os.WriteFile(path, []byte(content), perm))
	Chmod(t, path, perm)
}

// Script writes an executable shell script.
func Script(t testing.TB, path, body string) {
	t.Helper()
	Write(t, path, "#!/bin/sh\n"+body+"\n", 0o755)
}

// Mkdir makes a directory with its parents.
func Mkdir(t testing.TB, dir string) {
	t.Helper()
	check(t, os.MkdirAll(dir, 0o755))
}

// Chmod is os.Chmod.
func Chmod(t testing.TB, path string, perm fs.FileMode) {
	t.Helper()
	check(t, os.Chmod(path, perm))
}

// Chown gives a tree to a user, links themselves included.
func Chown(t testing.TB, dir string, uid int) {
	t.Helper()
	check(t, filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, uid, uid)
	}))
}

// Symlink makes path a link.
func Symlink(t testing.TB, target, path string) {
	t.Helper()
	check(t, os.Symlink(target, path))
}

// Read returns a file's content.
func Read(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	check(t, err)
	return string(data)
}

// ReadIfThere returns a file's content, nothing when there is no such file.
func ReadIfThere(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		check(t, err)
	}
	return string(data)
}

// Append adds text to a file, which need not be there.
func Append(t testing.TB, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	check(t, err)
	_, err = f.WriteString(text)
	check(t, errors.Join(err, f.Close()))
}

// Mode returns the mode of a file, or of the link itself.
func Mode(t testing.TB, path string) fs.FileMode {
	t.Helper()
	info, err := os.Lstat(path)
	check(t, err)
	return info.Mode()
}

// Exists reports whether something is at path, a dangling link included.
func Exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// Names returns the names in a directory, hidden ones included.
func Names(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	check(t, err)
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names
}

// deadline is far above what anything takes that a test waits for, on a busy
// machine too.
const deadline = 5 * time.Minute

// WaitFor waits until ok returns true.
func WaitFor(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	timeout := time.After(deadline)
	for !ok() {
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("waited %s in vain for: %s", deadline, what)
		}
	}
}

// EverLonger tries something that has a time limit with longer and longer ones,
// until the limit was long enough for try to return true.
func EverLonger(t testing.TB, what string, try func(limit time.Duration) bool) {
	t.Helper()
	for limit := 200 * time.Millisecond; !try(limit); limit *= 4 {
		if limit > deadline {
			t.Fatalf("a limit of %s was too short for: %s", limit, what)
		}
	}
}

// SetEnviron replaces this process's environment for the length of a test.
func SetEnviron(t testing.TB, environ ...string) {
	t.Helper()
	old := os.Environ()
	set := func(entries []string) {
		os.Clearenv()
		for _, e := range entries {
			name, value, _ := strings.Cut(e, "=")
			check(t, os.Setenv(name, value))
		}
	}
	t.Cleanup(func() { set(old) })
	set(environ)
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Inode returns the number that tells a file from the one that replaces it.
func Inode(t testing.TB, path string) uint64 {
	t.Helper()
	info, err := os.Lstat(path)
	check(t, err)
	return info.Sys().(*syscall.Stat_t).Ino
}

// unlock lets everything below a directory be removed: a start locks an image tree
// down. What is another user's root can remove without.
func unlock(dir string) {
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			_ = os.Chmod(path, 0o755)
		}
		return nil
	})
}
