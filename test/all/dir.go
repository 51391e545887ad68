package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/proc"
	"github.com/ZPascal/container-manager/test/testenv"
)

// dirPattern matches the directories of runs and their locks. They are short,
// because sockets lie below them, whose paths have 107 characters at most.
const dirPattern = "cmt-*"

const lockSuffix = ".lock"

func isLock(path string) bool { return strings.HasSuffix(path, lockSuffix) }

// newDir makes the directory of this run, which others leave alone as long as it
// is locked. Any user can write to it, as to /tmp.
func newDir() (dir string, lock *fsutil.Lock, err error) {
	path := filepath.Join(os.TempDir(), "cmt-"+strconv.Itoa(os.Getpid()))
	if lock, err = fsutil.TryLock(path + lockSuffix); err != nil {
		return "", nil, err
	}
	return path, lock, errors.Join(os.Mkdir(path, 0o755), os.Chmod(path, 0o777|os.ModeSticky))
}

// tryLock locks a run's directory; nil without an error when its run goes on or
// has just ended, or when it is another user's.
func tryLock(dir string) (*fsutil.Lock, error) {
	info, err := os.Lstat(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil // its run has just ended
	}
	if err != nil {
		return nil, err
	}
	if !info.IsDir() || int(info.Sys().(*syscall.Stat_t).Uid) != os.Geteuid() {
		return nil, nil
	}
	lock, err := fsutil.TryLock(dir + lockSuffix)
	if errors.Is(err, fsutil.ErrLocked) {
		return nil, nil
	}
	return lock, err
}

// clearDir kills the processes that a run has left, unmounts what it has mounted, and
// removes its directory.
func clearDir(dir string) error {
	left := processesOf(dir)
	for _, pid := range left {
		fmt.Printf("ending process %d, which the tests have left: %s\n", pid, strings.ReplaceAll(read(pid, "cmdline"), "\x00", " "))
	}
	for deadline := time.Now().Add(time.Minute); len(left) > 0; left = processesOf(dir) {
		if time.Now().After(deadline) {
			return fmt.Errorf("the processes %v do not end", left)
		}
		for _, pid := range left {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		time.Sleep(10 * time.Millisecond)
	}
	_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			_ = os.Chmod(path, 0o755) // a start locks image trees down
		}
		return nil
	})
	unmountBelow(dir)
	if err := os.RemoveAll(dir); err != nil {
		return err // whoever has the lock tries again
	}
	return os.Remove(dir + lockSuffix)
}

// unmountBelow unmounts what a test that was killed had mounted. What cannot be unmounted
// keeps the directory from being removed.
func unmountBelow(dir string) {
	for point := range fsutil.MountPoints() {
		for strings.HasPrefix(point, dir+"/") && unix.Unmount(point, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW) == nil {
		}
	}
}

// processesOf returns the processes that work below a directory, or were started
// with a name below it in their command line or environment.
func processesOf(dir string) (pids []int) {
	for _, pid := range proc.List() {
		if pid == os.Getpid() || pid == os.Getppid() {
			continue
		}
		hints := []string{read(pid, "cmdline"), read(pid, "environ")}
		for _, link := range []string{"cwd", "exe", "root"} {
			target, _ := os.Readlink(fmt.Sprintf("/proc/%d/%s", pid, link))
			hints = append(hints, target+"/")
		}
		below := func(hint string) bool {
			return strings.Contains(hint, dir+"/") || strings.Contains(hint, "TMPDIR="+dir+"\x00")
		}
		if slices.ContainsFunc(hints, below) && testenv.Alive(pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}

func read(pid int, name string) string {
	data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
	return string(data)
}
