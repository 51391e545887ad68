package stdoutlog

import (
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// process starts a process with this standard output.
func process(t *testing.T, stdout *os.File) (pid int) {
	t.Helper()
	cmd := exec.Command("sleep", "1000")
	cmd.Stdout = stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd.Process.Pid
}

// Where the descriptor cannot be copied, a pipe is opened again.
func TestOutputOfAProcess(t *testing.T) {
	for name, open := range map[string]func(pid int) (int, error){"copied": copied, "opened": reopened} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		fd, err := open(process(t, w))
		if err != nil {
			t.Fatal(err)
		}
		out, err := newOutput(fd)
		if err != nil || !out.atomic || out.IsTerminal() {
			t.Fatalf("%s: %+v, %v", name, out, err)
		}
		text := strings.Repeat("short\n", 1000) + strings.Repeat("long", 2000) + "\nend\n"
		if err := out.write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(text))
		if _, err := io.ReadFull(r, got); err != nil || string(got) != text {
			t.Errorf("%s: %v, read %s", name, err, brief(string(got)))
		}
		_ = unix.Close(fd)
		_ = w.Close()
		_ = r.Close()
	}
}

// Others write to the same file: what they have written must stay.
func TestOutputToAFile(t *testing.T) {
	path := t.TempDir() + "/out"
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out, err := OfProcess(process(t, f))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"one\n", "three\n"} {
		if err := out.write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString("two\n"); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(path)
	if err != nil || string(data) != "one\ntwo\nthree\ntwo\n" {
		t.Errorf("%q, %v", data, err)
	}
}

func TestOutputErrors(t *testing.T) {
	const nobody = 1<<22 - 1 // the highest process id there can be
	_, err := OfProcess(nobody)
	want := "cannot write to the container's standard output: open /proc/4194303/fd/1: no such file or directory; nor can the descriptor be copied: pidfd_open: no such process"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := OfProcess(process(t, w))
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Close()
	if err := out.write([]byte("x\n")); err == nil || err.Error() != "cannot write to the container's standard output: broken pipe" {
		t.Errorf("got %v", err)
	}
}
