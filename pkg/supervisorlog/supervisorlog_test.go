package supervisorlog

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

const stamp = "2026-03-01 12:00:00,123 "

func TestLastEnd(t *testing.T) {
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
		end, known := LastEnd([]byte(log), "app")
		got := end.ExitStatus()
		if !known {
			got = -1
		}
		if got != want {
			t.Errorf("%s: %d, want %d", line, got, want)
		}
	}
	twice := stamp + "WARN exited: app (exit status 3; not expected)\n" + stamp + "WARN stopped: app (terminated by SIGTERM)\n"
	if got, _ := LastEnd([]byte(twice), "app"); got.ExitStatus() != 143 {
		t.Errorf("the last of two ends is %v, want 143", got)
	}
	if got, _ := LastEnd([]byte(stamp+"WARN exited: a.b (exit status 3; not expected)\n"), "a+b"); got != (End{}) {
		t.Errorf("the name is taken for a pattern: %v", got)
	}
}

func TestMark(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	read := func(want string, l Mark) {
		t.Helper()
		if got := string(l.Read()); got != want {
			t.Errorf("it reads %q, want %q", got, want)
		}
	}
	read("", MarkEnd(path))
	none := MarkEnd(path)
	testenv.Write(t, path, "a former life\n", 0o644)
	read("a former life\n", none)
	l := MarkEnd(path)
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
	if got := string((Mark{path: path}).Read()); len(got) != maxTail || !strings.HasSuffix(got, "xthe end\n") {
		t.Errorf("it reads %d bytes", len(got))
	}
	read("", MarkEnd("/dev/stdout"))
	read("", MarkEnd("/dev/null"))
}

func TestEndForPeople(t *testing.T) {
	for want, end := range map[string]End{
		"exited 3": {Status: 3}, "exited 0": {}, "was ended by SIGKILL": {Signal: 9}, "was ended by signal 40": {Signal: 40},
	} {
		if end.String() != want {
			t.Errorf("%v, want %s", end, want)
		}
	}
}

func TestLastOf(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	exited := func(status int) string {
		return fmt.Sprintf("%sWARN exited: app (exit status %d; not expected)\n", stamp, status)
	}
	started := stamp + "INFO supervisord started with pid 1\n"
	for log, want := range map[string]string{
		"":                              "",
		exited(3):                       "exited 3",
		exited(3) + started:             "",
		exited(3) + started + exited(4): "exited 4",
		started + strings.Repeat("x", recent) + "\n" + exited(5): "exited 5",
		started + exited(5) + strings.Repeat("x", recent):        "",
	} {
		testenv.Write(t, path, log, 0o644)
		got := ""
		if end, known := LastOf(path, "app"); known {
			got = end.String()
		}
		if got != want {
			t.Errorf("%.300q: %q, want %q", log, got, want)
		}
	}
	if end, known := LastOf(filepath.Dir(path), "app"); known {
		t.Errorf("a directory tells of %v", end)
	}
}

func FuzzLastEnd(f *testing.F) {
	for _, line := range []string{
		stamp + "INFO exited: app (exit status 0; expected)\n", stamp + "WARN exited: app (terminated by SIGKILL; not expected)\n",
		stamp + "WARN exited: app (terminated by signal 40; not expected)", stamp + "WARN stopped: app (terminated by SIGSEGV (core dumped))\n",
		"exited: app (", stamp + "WARN exited: app (exit status 99999999999999999999)", "\x00\xff\n\n",
	} {
		f.Add([]byte(line), "app")
	}
	f.Add([]byte(stamp+"INFO exited: \xff( (exit status 3; expected)\n"), "\xff(")
	f.Fuzz(func(t *testing.T, log []byte, process string) {
		if end, known := LastEnd(log, process); !known && end != (End{}) {
			t.Errorf("an end %v, which is not known", end)
		}
	})
}
