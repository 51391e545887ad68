package pid1

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/test/testenv"
)

const stamp = "2026-03-01 12:00:00,123 "

func TestLastStatus(t *testing.T) {
	for line, want := range map[string]int{
		"INFO exited: app (exit status 0; expected)":                           0,
		"WARN exited: app (exit status 3; not expected)":                       3,
		"WARN exited: app (terminated by SIGKILL; not expected)":               137,
		"WARN exited: app (terminated by SIGSEGV (core dumped); not expected)": 139,
		"WARN exited: app (terminated by SIGIOT (core dumped); not expected)":  134,
		"WARN exited: app (terminated by signal 40; not expected)":             168,
		"WARN exited: app (terminated by SIGRTMIN; not expected)":              162,
		"WARN exited: app (terminated by SIGRTMAX; not expected)":              192,
		"WARN exited: app (terminated by SIGPOLL; not expected)":               157,
		"INFO stopped: app (exit status 0)":                                    0,
		"WARN stopped: app (terminated by SIGTERM)":                            143,
		// Not about it, or not about its end.
		"WARN exited: app2 (exit status 3; not expected)":      -1,
		"WARN exited: my-app (exit status 3; not expected)":    -1,
		"INFO spawned: 'app' with pid 3":                       -1,
		"INFO spawnerr: exited: app (exit status 3; expected)": -1,
		"WARN exited: app (terminated by SIGNONE)":             -1,
		"WARN exited: app (unknown termination cause 0x0000)":  -1,
	} {
		log := stamp + "INFO success: app entered RUNNING state\n" + stamp + line + "\n" + stamp + "INFO gave up: app entered FATAL state\n"
		got, known := lastStatus([]byte(log), "app")
		if !known {
			got = -1
		}
		if got != want {
			t.Errorf("%s: %d, want %d", line, got, want)
		}
	}
	twice := stamp + "WARN exited: app (exit status 3; not expected)\n" + stamp + "WARN stopped: app (terminated by SIGTERM)\n"
	if got, _ := lastStatus([]byte(twice), "app"); got != 143 {
		t.Errorf("the last of two ends is %d, want 143", got)
	}
	if got, _ := lastStatus([]byte(stamp+"WARN exited: a.b (exit status 3; not expected)\n"), "a+b"); got != 0 {
		t.Errorf("the name is taken for a pattern: %d", got)
	}
}

func TestLogTail(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	read := func(want string, l logTail) {
		t.Helper()
		if got := string(l.read()); got != want {
			t.Errorf("it reads %q, want %q", got, want)
		}
	}
	read("", openLog(path))
	none := openLog(path)
	testenv.Write(t, path, "a former life\n", 0o644)
	read("a former life\n", none)
	l := openLog(path)
	read("", l)
	testenv.Write(t, path, "a former life\nthis one\n", 0o644)
	read("this one\n", l)
	// Rotated in between, with less in the new file than there was in the old one.
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	testenv.Write(t, path, "new\n", 0o644)
	read("this one\nnew\n", l)
	testenv.Write(t, path, strings.Repeat("x", maxTail)+"the end\n", 0o644)
	if got := string((logTail{path: path}).read()); len(got) != maxTail || !strings.HasSuffix(got, "xthe end\n") {
		t.Errorf("it reads %d bytes", len(got))
	}
	read("", openLog("/dev/stdout"))
	read("", openLog("/dev/null"))
}

func TestStatusWithoutALog(t *testing.T) {
	const byTerm = unix.WaitStatus(unix.SIGTERM)
	p := Init{Program: "app", LogFile: "/dev/null", Log: log.New(&strings.Builder{}, log.Options{})}
	for name, test := range map[string]struct {
		main        end
		supervisord unix.WaitStatus
		want        int
	}{
		"exited":                   {end{how: "has ended", status: 3}, 0, 3},
		"exited with 0":            {end{how: "has ended"}, 0, 0},
		"by some signal":           {end{how: "has ended", status: -1}, 0, 1},
		"fatal":                    {end{how: "is FATAL", failed: true}, 0, 1},
		"stopped with supervisord": {end{}, 0, 0},
		"supervisord ended early":  {end{}, byTerm, 143},
		"supervisord failed":       {end{}, 2 << 8, 2},
	} {
		if got := p.status(openLog(p.LogFile), test.main, test.supervisord); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}

func TestForwarded(t *testing.T) {
	signals := map[os.Signal]bool{}
	for _, s := range forwarded() {
		signals[s] = true
	}
	for _, s := range []unix.Signal{unix.SIGTERM, unix.SIGINT, unix.SIGQUIT, unix.SIGHUP, unix.SIGUSR1, unix.SIGUSR2, unix.SIGWINCH, unix.SIGCONT, 34, 64} {
		if !signals[s] {
			t.Errorf("%v is not handed on", s)
		}
	}
	for _, s := range []unix.Signal{unix.SIGCHLD, unix.SIGKILL, unix.SIGSTOP, unix.SIGURG} {
		if signals[s] {
			t.Errorf("%v is handed on", s)
		}
	}
}
