package stdoutlog

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/test/testenv"
)

// sleeperWith starts a process with that standard output, and returns its id.
func sleeperWith(t *testing.T, out *os.File) int {
	t.Helper()
	cmd := exec.Command("sleep", "1000")
	cmd.Stdout = out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return cmd.Process.Pid
}

// A line is written where somebody reads, and lost where nobody does: nothing waits.
func TestTell(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	pid := sleeperWith(t, w)
	tell(pid, []byte("first\n"))
	tell(pid, []byte(strings.Repeat("x", 5000)+"\n"))
	in := bufio.NewReader(r)
	if line, err := in.ReadString('\n'); line != "first\n" {
		t.Errorf("%v, read %q", err, line)
	}
	if line, err := in.ReadString('\n'); len(line) != pipeBuf {
		t.Errorf("%v, read %d bytes", err, len(line))
	}
	for range 100 { // more than the pipe holds
		tell(pid, []byte(strings.Repeat("y", 4000)+"\n"))
	}
	if flags, err := unix.FcntlInt(w.Fd(), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK != 0 {
		t.Errorf("%v, the process's own descriptor is non-blocking now", err)
	}
}

func TestTellToASocket(t *testing.T) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "ours"), os.NewFile(uintptr(fds[1]), "theirs")
	defer ours.Close()
	defer theirs.Close()
	pid := sleeperWith(t, theirs)
	tell(pid, []byte("told\n"))
	buf := make([]byte, 100)
	if n, err := ours.Read(buf); string(buf[:n]) != "told\n" {
		t.Errorf("%v, read %q", err, buf[:n])
	}
	for range 1000 { // more than the socket holds
		tell(pid, []byte(strings.Repeat("y", 4000)+"\n"))
	}
}

func TestNewTeller(t *testing.T) {
	dir := testenv.Dir(t)
	out := filepath.Join(dir, "out")
	f, err := os.Create(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	pidFile := filepath.Join(dir, "pid")
	for text, want := range map[string]int{"": 1, "x": 1, "-3": 1, "42\n": 42} {
		testenv.Write(t, pidFile, text, 0o644)
		if got := NewTeller(config.Config{PIDFile: pidFile}).pid; got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
	tell(sleeperWith(t, f), []byte("to a file\n"))
	if got := testenv.Read(t, out); got != "to a file\n" {
		t.Errorf("the file holds %q", got)
	}
	tell(1<<30, []byte("nobody\n"))
}
