package fsutil

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

// holdLock is a program: it takes the lock, says so, and holds it until its
// standard input ends.
func holdLock(args []string) int {
	l, err := TryLock(args[1])
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("locked")
	_, _ = io.Copy(io.Discard, os.Stdin)
	if err := l.Unlock(); err != nil {
		return 1
	}
	return 0
}

// holder starts a process that holds the lock, and ends when its input does.
func holder(t *testing.T, path string) (*exec.Cmd, io.Closer) {
	t.Helper()
	cmd := testenv.Command(t, os.Environ(), "lock", path)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said string
	if _, err := fmt.Fscan(out, &said); err != nil || said != "locked" {
		t.Fatalf("%v, the process that should hold the lock says %q", err, said)
	}
	return cmd, in
}

func TestLockBetweenProcesses(t *testing.T) {
	for name, end := range map[string]func(cmd *exec.Cmd, in io.Closer) error{
		"unlocked":    func(cmd *exec.Cmd, in io.Closer) error { return errors.Join(in.Close(), cmd.Wait()) },
		"holder dies": func(cmd *exec.Cmd, _ io.Closer) error { return cmd.Process.Kill() },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(testenv.Dir(t), "lock")
			cmd, in := holder(t, path)
			if _, err := TryLock(path); !errors.Is(err, ErrLocked) {
				t.Fatalf("TryLock: %v, want ErrLocked", err)
			}
			waited := 0
			l, err := WaitLock(t.Context(), path, func() {
				waited++
				if err := end(cmd, in); err != nil {
					t.Error(err)
				}
			})
			if err != nil || waited != 1 {
				t.Fatalf("%v, waiting was said %d times, want once", err, waited)
			}
			if _, err := TryLock(path); !errors.Is(err, ErrLocked) {
				t.Errorf("TryLock: %v, want ErrLocked: this process holds it", err)
			}
			if err := l.Unlock(); err != nil {
				t.Error(err)
			}
			if !testenv.Exists(path) {
				t.Error("the file is gone: two could hold the lock")
			}
		})
	}
}

func TestFreeLockIsNotWaitedFor(t *testing.T) {
	path := filepath.Join(testenv.Dir(t), "lock")
	for range 2 {
		l, err := WaitLock(t.Context(), path, func() { t.Error("waiting for a free lock") })
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Unlock(); err != nil {
			t.Error(err)
		}
	}
}

func TestWaitLockCancelled(t *testing.T) {
	path := filepath.Join(testenv.Dir(t), "lock")
	holder(t, path)
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	l, err := WaitLock(ctx, path, func() { cancel(cause) })
	if !errors.Is(err, cause) || l != nil {
		t.Errorf("WaitLock: %v, %v, want the context's cause", l, err)
	}
}

func TestLockErrors(t *testing.T) {
	testenv.Isolated(t, func(t *testing.T, dir string) {
		path := func(elem ...string) string { return filepath.Join(append([]string{dir}, elem...)...) }
		testenv.Write(t, path("theirs"), "", 0o640)
		testenv.Write(t, path("open"), "", 0o644)
		testenv.Write(t, path("mine", "target"), "", 0o644)
		testenv.Symlink(t, "target", path("mine", "link"))
		testenv.Chown(t, path("mine"), 500)
		testenv.Become(t, 500)
		theirs, err := TryLock(path("open"))
		if err != nil {
			t.Error(err)
		} else if _, err := TryLock(path("open")); !errors.Is(err, ErrLocked) {
			t.Errorf("a second holder: %v, want ErrLocked", err)
		} else if err := theirs.Unlock(); err != nil {
			t.Error(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // none of it is worth waiting for
		const uid = ", and this process runs as uid 500, gid 500: give it to that user, or run as one who may write there)"
		for path, want := range map[string]string{
			path("none", "lock"): "no such file or directory",
			path("mine"):         "is a directory",
			path("mine", "link"): "too many levels of symbolic links", // somebody else's file
			path("theirs"):       "permission denied (" + path("theirs") + " belongs to uid 0, gid 0, mode 0640" + uid,
			path("new"):          "permission denied (" + dir + " belongs to uid 0, gid 0, mode 0755" + uid,
		} {
			want = "cannot lock " + path + ": " + want
			if _, err := TryLock(path); err == nil || err.Error() != want {
				t.Errorf("TryLock: %v\nwant     %s", err, want)
			}
			_, err := WaitLock(ctx, path, func() { t.Error("waiting") })
			if err == nil || err.Error() != want {
				t.Errorf("WaitLock: %v\nwant      %s", err, want)
			}
		}
	})
}
