package log

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/test/testenv"
)

// pidFile starts a process with this standard error and returns its pid file. The
// process stands for supervisord.
func pidFile(t *testing.T, dir string, stderr *os.File, uid int) string {
	t.Helper()
	cmd := exec.Command("sleep", "1000")
	cmd.Stderr = stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	path := filepath.Join(dir, fmt.Sprint("supervisord.pid.", uid))
	testenv.Write(t, path, fmt.Sprintln(cmd.Process.Pid), 0o644)
	return path
}

// say writes lines, and returns what came into the program's own log.
func say(t *testing.T, pidFile string, lines ...string) string {
	t.Helper()
	var own bytes.Buffer
	w := ToContainer(&own, pidFile)
	for _, line := range lines {
		if n, err := w.Write([]byte(line)); err != nil || n != len(line) {
			t.Errorf("wrote %d bytes of %d, %v", n, len(line), err)
		}
	}
	return own.String()
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close(); _ = w.Close() })
	return r, w
}

// wantRead reads what the process was told.
func wantRead(t *testing.T, r *os.File, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(r, got); err != nil || string(got) != want {
		t.Errorf("read %q, %v; want %q", got, err, want)
	}
}

func TestContainerIsAPipe(t *testing.T) {
	r, w := pipe(t)
	file := pidFile(t, t.TempDir(), w, os.Geteuid())
	long := strings.Repeat("ä", pipeBuf) + "\n"
	if own := say(t, file, "one\n", long, "two\n"); own != "one\n"+long+"two\n" {
		t.Errorf("its own log has %d bytes", len(own))
	}
	wantRead(t, r, "one\n"+strings.Repeat("ä", (pipeBuf-1)/2)+"\ntwo\n")
}

// Nobody reads: no line waits, whole lines are lost, and what is read later goes on.
func TestContainerThatNobodyReads(t *testing.T) {
	r, w := pipe(t)
	file := pidFile(t, t.TempDir(), w, os.Geteuid())
	lines := make([]string, 2000)
	for i := range lines {
		lines[i] = fmt.Sprintf("%0999d\n", i)
	}
	if own := say(t, file, lines...); own != strings.Join(lines, "") {
		t.Errorf("its own log has %d bytes", len(own))
	}
	flags, err := unix.FcntlInt(w.Fd(), unix.F_GETFL, 0)
	if err != nil || flags&unix.O_NONBLOCK != 0 {
		t.Errorf("supervisord's descriptor has the flags %#x, %v", flags, err)
	}
	wantRead(t, r, lines[0]+lines[1])
	for { // the rest of what the pipe has taken
		n, err := unix.IoctlGetInt(int(r.Fd()), unix.TIOCINQ)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			break
		}
		if _, err := io.CopyN(io.Discard, r, int64(n)); err != nil {
			t.Fatal(err)
		}
	}
	say(t, file, "again\n")
	wantRead(t, r, "again\n")
}

func TestContainerWhoseReaderHasGone(t *testing.T) {
	r, w := pipe(t)
	file := pidFile(t, t.TempDir(), w, os.Geteuid())
	_ = r.Close()
	_ = w.Close()
	if own := say(t, file, "one\n"); own != "one\n" {
		t.Errorf("its own log has %q", own)
	}
}

// What supervisord writes itself stays, also where the file is not opened to append to.
func TestContainerIsAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	file := pidFile(t, t.TempDir(), f, os.Geteuid())
	for range 2 {
		say(t, file, "ours\n")
		if _, err := f.WriteString("its\n"); err != nil {
			t.Fatal(err)
		}
	}
	if got := testenv.Read(t, path); got != "ours\nits\nours\nits\n" {
		t.Errorf("the file has %q", got)
	}
}

func TestContainerIsASocket(t *testing.T) {
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	r, w := os.NewFile(uintptr(ends[0]), "socket"), os.NewFile(uintptr(ends[1]), "socket")
	defer r.Close()
	defer w.Close()
	file := pidFile(t, t.TempDir(), w, os.Geteuid())
	say(t, file, "one\n")
	wantRead(t, r, "one\n")
	for range 1000 {
		say(t, file, strings.Repeat("x", 4000)+"\n")
	}
}

// A line that already goes to the container's standard error goes there once.
func TestContainerIsItsOwnLog(t *testing.T) {
	r, w := pipe(t)
	out := ToContainer(w, pidFile(t, t.TempDir(), w, os.Geteuid()))
	for _, line := range []string{"one\n", "two\n"} {
		if _, err := out.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	wantRead(t, r, "one\ntwo\n")
}

// Container engines give the pipe to the user of the container.
func TestContainerOfAUser(t *testing.T) {
	testenv.Isolated(t, func(t *testing.T, dir string) {
		const uid = 500
		r, w := pipe(t)
		if err := w.Chown(uid, uid); err != nil {
			t.Fatal(err)
		}
		file := pidFile(t, dir, w, uid)
		testenv.Chown(t, dir, uid)
		testenv.Become(t, uid)
		say(t, file, "one\n")
		wantRead(t, r, "one\n")
	})
}

// Anybody can make a pid file that leads to a file of root's: nothing is written.
func TestContainerThatIsNotTrusted(t *testing.T) {
	testenv.Isolated(t, func(t *testing.T, dir string) {
		victim := filepath.Join(dir, "victim")
		testenv.Write(t, victim, "", 0o644)
		f, err := os.Open(victim)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		w, err := os.OpenFile(victim, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		theirs, ours := pidFile(t, dir, w, 500), pidFile(t, dir, w, 0)
		link := filepath.Join(dir, "link")
		testenv.Symlink(t, ours, link)
		wrong := filepath.Join(dir, "wrong")
		testenv.Write(t, wrong, "no number\n", 0o644)
		mine := filepath.Join(dir, "mine")
		testenv.Write(t, mine, testenv.Read(t, ours), 0o644)
		testenv.Chown(t, mine, 500)
		for _, path := range []string{theirs, link, wrong, mine, filepath.Join(dir, "none"), dir, ""} {
			if own := say(t, path, "one\n"); own != "one\n" {
				t.Errorf("%s: its own log has %q", path, own)
			}
		}
		if got := testenv.Read(t, victim); got != "" {
			t.Errorf("the file has %q", got)
		}
		say(t, ours, "one\n")
		if got := testenv.Read(t, victim); got != "one\n" {
			t.Errorf("the file has %q", got)
		}
	})
}

func TestMain(m *testing.M) { testenv.Main(m, nil) }
