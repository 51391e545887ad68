package events

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/test/testenv"
)

func TestMain(m *testing.M) {
	testenv.Main(m, map[string]func([]string) int{"listener": listener})
}

// listener is a program: the event listener.
func listener(args []string) int {
	files := Files{PIDDir: args[1], StateDir: args[2], Log: log.New(os.Stderr, log.Options{})}
	if err := Listen(os.Stdin, os.Stdout, files.Handle); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// newFiles returns files in two directories, and what is logged about them.
func newFiles(dir string) (Files, *bytes.Buffer) {
	var out bytes.Buffer
	return Files{PIDDir: filepath.Join(dir, "pid"), StateDir: filepath.Join(dir, "state"), Log: log.New(&out, log.Options{})}, &out
}

// in makes the directories as well.
func in(t *testing.T, dir string) (Files, *bytes.Buffer) {
	t.Helper()
	testenv.Mkdir(t, filepath.Join(dir, "pid"))
	testenv.Mkdir(t, filepath.Join(dir, "state"))
	return newFiles(dir)
}

func state(process, state, pid string) Event {
	e := Event{"PROCESS_STATE_" + state, map[string]string{"processname": process, "groupname": "any", "from_state": "STOPPED"}}
	if pid != "" {
		e.Payload["pid"] = pid
	}
	return e
}

// holds fails unless the two directories hold these files: "pid/NAME=CONTENT".
func holds(t *testing.T, dir string, want ...string) {
	t.Helper()
	var got []string
	for _, sub := range []string{"pid", "state"} {
		for _, name := range testenv.Names(t, filepath.Join(dir, sub)) {
			path := filepath.Join(dir, sub, name)
			got = append(got, sub+"/"+name+"="+testenv.Read(t, path))
			if mode := testenv.Mode(t, path); mode != 0o644 {
				t.Errorf("%s is %v", path, mode)
			}
		}
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("files %q, want %q", got, want)
	}
}

func TestHandle(t *testing.T) {
	dir := testenv.Dir(t)
	f, logged := in(t, dir)
	for _, test := range []struct{ state, pid, wantPID string }{
		{"STARTING", "", "-1"},
		{"RUNNING", "4711", "4711"},
		{"STOPPING", "4711", "4711"}, // still there
		{"STOPPED", "4711", "-1"},    // the one that it had
		{"BACKOFF", "", "-1"},
		{"RUNNING", "12", "12"},
		{"EXITED", "12", "-1"},
		{"FATAL", "", "-1"},
		{"UNKNOWN", "", "-1"},
		{"RUNNING", "", "-1"},
	} {
		f.Handle(state("app", test.state, test.pid))
		holds(t, dir, "pid/supervisor.app.pid="+test.wantPID, "state/supervisor.app.state="+test.state)
	}
	if logged.Len() > 0 {
		t.Errorf("logged %s", logged)
	}
}

func TestHandlePassesOverOtherEvents(t *testing.T) {
	dir := testenv.Dir(t)
	f, logged := in(t, dir)
	for _, name := range []string{"TICK_5", "PROCESS_LOG_STDOUT", "PROCESS_COMMUNICATION", "PROCESS_GROUP_ADDED", "SUPERVISOR_STATE_CHANGE_STOPPING", ""} {
		f.Handle(Event{name, map[string]string{"processname": "app", "pid": "1"}})
	}
	holds(t, dir)
	if logged.Len() > 0 {
		t.Errorf("logged %s", logged)
	}
}

func TestNames(t *testing.T) {
	dir := testenv.Dir(t)
	f, logged := in(t, dir)
	for _, name := range []string{"", "/", "../x", "a/b", "a\x00b"} {
		f.Handle(state(name, "RUNNING", "1"))
		if want := fmt.Sprintf("event PROCESS_STATE_RUNNING is about a process without a usable name: %q", name); !strings.Contains(logged.String(), want) {
			t.Errorf("logged %s, want %s", logged, want)
		}
		logged.Reset()
		f.AddStopped(name)
	}
	holds(t, dir)
	odd := []string{"*", "..", "a b", "größe"}
	for _, name := range odd {
		f.Handle(state(name, "RUNNING", "1"))
	}
	var want []string
	for _, kind := range []string{"pid/supervisor.%s.pid=1", "state/supervisor.%s.state=RUNNING"} {
		for _, name := range odd {
			want = append(want, fmt.Sprintf(kind, name))
		}
	}
	holds(t, dir, want...)
	if names := testenv.Names(t, dir); len(names) != 2 {
		t.Errorf("beside the directories: %q", names)
	}
}

func TestHandleWithoutADirectory(t *testing.T) {
	dir := testenv.Dir(t)
	f, logged := newFiles(dir)
	f.Handle(state("app", "RUNNING", "1"))
	for _, want := range []string{
		"cannot write " + filepath.Join(dir, "state/supervisor.app.state") + ": no such file or directory",
		"cannot write " + filepath.Join(dir, "pid/supervisor.app.pid") + ": no such file or directory",
	} {
		if !strings.Contains(logged.String(), want) {
			t.Errorf("logged %s, want %s", logged, want)
		}
	}
	testenv.Mkdir(t, f.PIDDir)
	testenv.Mkdir(t, f.StateDir)
	f.Handle(state("app", "STOPPED", "")) // as soon as it can
	holds(t, dir, "pid/supervisor.app.pid=-1", "state/supervisor.app.state=STOPPED")
}

// On a full disk the files that are there are written in place. A program that has
// none yet gets none, rather than one that says what is not true.
func TestFullDisk(t *testing.T) {
	testenv.Isolated(t, func(t *testing.T, dir string) {
		testenv.Mount(t, "tmpfs", dir, "tmpfs", 0, "size=64k")
		f, logged := in(t, dir)
		f.Handle(state("app", "RUNNING", "4711"))
		fill := filepath.Join(dir, "fill")
		if err := os.WriteFile(fill, make([]byte, 1<<20), 0o644); err == nil {
			t.Fatal("the disk is not full")
		}
		f.AddStopped("other")
		f.Handle(state("new", "RUNNING", "4712"))
		for _, step := range []struct{ state, pid, want string }{
			{"STOPPING", "4711", "4711"}, {"STOPPED", "4711", "-1"}, {"STARTING", "", "-1"}, {"RUNNING", "123456", "123456"},
		} {
			f.Handle(state("app", step.state, step.pid))
			holds(t, dir, "pid/supervisor.app.pid="+step.want, "state/supervisor.app.state="+step.state)
		}
		if !strings.Contains(logged.String(), "state: no space left on device (make room on the file system of ") {
			t.Errorf("logged %s", logged)
		}
		if err := os.Remove(fill); err != nil {
			t.Fatal(err)
		}
		f.Handle(state("app", "RUNNING", "4712"))
		holds(t, dir, "pid/supervisor.app.pid=4712", "state/supervisor.app.state=RUNNING")
	})
}

// TestOverwriteFollowsNoLink: somebody else may have put one into a directory for
// everybody.
func TestOverwriteFollowsNoLink(t *testing.T) {
	testenv.Isolated(t, func(t *testing.T, dir string) {
		victim := filepath.Join(dir, "victim")
		testenv.Write(t, victim, "untouched", 0o644)
		full := filepath.Join(dir, "full")
		testenv.Mount(t, "tmpfs", full, "tmpfs", 0, "size=64k")
		f, _ := in(t, full)
		testenv.Symlink(t, victim, filepath.Join(full, "state/supervisor.app.state"))
		_ = os.WriteFile(filepath.Join(full, "fill"), make([]byte, 1<<20), 0o644)
		f.Handle(state("app", "RUNNING", "4711"))
		if got := testenv.Read(t, victim); got != "untouched" {
			t.Errorf("the target of a link holds %q", got)
		}
	})
}

func TestAddStopped(t *testing.T) {
	dir := testenv.Dir(t)
	f, logged := in(t, dir)
	f.Handle(state("running", "RUNNING", "12"))
	testenv.Write(t, filepath.Join(dir, "state/supervisor.half.state"), "FATAL", 0o644)
	for _, name := range []string{"running", "half", "manual", "manual"} {
		f.AddStopped(name)
	}
	holds(t, dir,
		"pid/supervisor.half.pid=-1", "pid/supervisor.manual.pid=-1", "pid/supervisor.running.pid=12",
		"state/supervisor.half.state=FATAL", "state/supervisor.manual.state=STOPPED", "state/supervisor.running.state=RUNNING")
	f.Handle(state("manual", "RUNNING", "13"))
	holds(t, dir,
		"pid/supervisor.half.pid=-1", "pid/supervisor.manual.pid=13", "pid/supervisor.running.pid=12",
		"state/supervisor.half.state=FATAL", "state/supervisor.manual.state=RUNNING", "state/supervisor.running.state=RUNNING")
	if logged.Len() > 0 {
		t.Errorf("logged %s", logged)
	}
	f, logged = newFiles(filepath.Join(dir, "none"))
	if f.AddStopped("app"); !strings.Contains(logged.String(), "no such file or directory") {
		t.Errorf("logged %q, want why there is no file", logged)
	}
}

func TestRemoveAll(t *testing.T) {
	for _, name := range []string{"plain", "a b", "[x]*?", `back\slash`} {
		dir := filepath.Join(testenv.Dir(t), name)
		f, logged := in(t, dir)
		gone := []string{
			"pid/supervisor.app.pid", "pid/supervisor.a.b.pid", "state/supervisor.app.state",
			"pid/.supervisor.app.pid.1234", "state/.supervisor.app.state.new",
		}
		stay := []string{"pid/app.pid", "pid/supervisor.sock", "pid/supervisor.app.state", "pid/supervisord.pid", "state/supervisor.app.pid", "state/.hidden", "state/state"}
		for _, file := range append(gone, stay...) {
			testenv.Write(t, filepath.Join(dir, file), "x", 0o644)
		}
		f.RemoveAll()
		for _, file := range gone {
			if testenv.Exists(filepath.Join(dir, file)) {
				t.Errorf("%s is still there", file)
			}
		}
		for _, file := range stay {
			if !testenv.Exists(filepath.Join(dir, file)) {
				t.Errorf("%s is gone", file)
			}
		}
		f.RemoveAll()
		if logged.Len() > 0 {
			t.Errorf("logged %s", logged)
		}
	}
	f, logged := newFiles(filepath.Join(testenv.Dir(t), "none"))
	if f.RemoveAll(); logged.Len() > 0 {
		t.Errorf("logged %s", logged)
	}
}

func TestRemoveAllSaysWhatItCannot(t *testing.T) {
	testenv.Isolated(t, func(t *testing.T, dir string) {
		f, logged := in(t, dir)
		testenv.Write(t, filepath.Join(dir, "pid/supervisor.app.pid"), "1", 0o644)
		testenv.Become(t, 500)
		f.RemoveAll()
		if want := "cannot remove " + filepath.Join(dir, "pid/supervisor.app.pid") + " of a former life: "; !strings.Contains(logged.String(), want) {
			t.Errorf("logged %s, want %s", logged, want)
		}
	})
}

// Whoever reads while the listener writes, or after it was killed, sees what
// some event said.
func TestFilesAreWholeWhenKilled(t *testing.T) {
	dir := testenv.Dir(t)
	in(t, dir)
	whole := map[string]bool{"RUNNING": true, "STOPPED": true, "-1": true, "1234567890": true}
	read := func() (n int) {
		for _, file := range []string{"pid/supervisor.app.pid", "state/supervisor.app.state"} {
			content, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil {
				continue // before the first event
			}
			if n++; !whole[string(content)] {
				t.Fatalf("%s holds %q", file, content)
			}
		}
		return n
	}
	for range 5 {
		cmd := testenv.Command(t, os.Environ(), "listener", filepath.Join(dir, "pid"), filepath.Join(dir, "state"))
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		fed := make(chan struct{})
		go func() { // until the pipe breaks
			defer close(fed)
			events := event("PROCESS_STATE_RUNNING", "processname:app groupname:app pid:1234567890") + event("PROCESS_STATE_STOPPED", "processname:app groupname:app pid:1234567890")
			for {
				if _, err := io.WriteString(in, events); err != nil {
					return
				}
			}
		}()
		testenv.WaitFor(t, "the files", func() bool { return read() == 2 })
		for range 200 {
			read()
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		<-fed
		read()
	}
	f, _ := newFiles(dir)
	f.RemoveAll() // what the kill kept from its place, too
	holds(t, dir)
}
