package script

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

// command returns a command that runs a shell script, and where its output goes.
func command(t *testing.T, body string) (Command, *[]string) {
	t.Helper()
	path := filepath.Join(testenv.Dir(t), "x.sh")
	testenv.Script(t, path, body)
	lines := &[]string{}
	return Command{Path: path, Output: func(line string) { *lines = append(*lines, line) }}, lines
}

func TestRunGivesACommandItsEnvironment(t *testing.T) {
	dir := testenv.Dir(t)
	c, lines := command(t, `echo "$0"; echo "$# $1 $2"; echo "$A,$HOME"; pwd; cat; read -r line || echo "no input"; [ -t 0 ] || echo "no terminal"`)
	c.Args, c.Env, c.Dir = []string{"-i", "a b"}, []string{"A=1", "PATH=/usr/bin:/bin"}, dir
	if err := c.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{c.Path, "2 -i a b", "1,", dir, "no input", "no terminal"}
	if fmt.Sprint(*lines) != fmt.Sprint(want) {
		t.Errorf("output %q, want %q", *lines, want)
	}
}

func TestRunInheritsWhatIsNotSet(t *testing.T) {
	t.Setenv("A", "inherited")
	c, lines := command(t, `echo "$A"; pwd`)
	if err := c.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"inherited", dir}; fmt.Sprint(*lines) != fmt.Sprint(want) {
		t.Errorf("output %q, want %q", *lines, want)
	}
}

func TestRunWithoutOutput(t *testing.T) {
	c, _ := command(t, "echo out; echo err >&2")
	c.Output = nil
	if err := c.Run(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestLines(t *testing.T) {
	long := strings.Repeat("0123456789", 20_000)
	for name, test := range map[string]struct {
		body string
		want []string
	}{
		"both streams in order":      {"echo 1; echo 2 >&2; echo 3; echo 4 >&2", []string{"1", "2", "3", "4"}},
		"empty lines":                {`printf '\n1\n\n'`, []string{"", "1", ""}},
		"a partial last line":        {`printf '1\n2'`, []string{"1", "2"}},
		"carriage returns":           {`printf '1\r\n\r\n2\r3\n4\r'`, []string{"1", "", "2\r3", "4\r"}},
		"; is an ordinary character": {"echo '1; 2;'", []string{"1; 2;"}},
		"no UTF-8":                   {`printf '\377\000\033[1m\n'`, []string{"\xff\x00\x1b[1m"}},
		"nothing":                    {"exit 0", nil},
		"a long line": {
			"i=0; while [ $i -lt 20000 ]; do printf 0123456789; i=$((i+1)); done; echo; echo end",
			[]string{long[:65536], long[65536:131072], long[131072:196608], long[196608:], "end"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, lines := command(t, test.body)
			if err := c.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			if strings.Join(*lines, "\n") != strings.Join(test.want, "\n") || len(*lines) != len(test.want) {
				t.Errorf("output %.200q, want %.200q", *lines, test.want)
			}
		})
	}
}

// The script waits for what happens when its first line is handed on.
func TestLinesComeAtOnce(t *testing.T) {
	c, lines := command(t, `echo first; until [ -e "$1" ]; do sleep 0.01; done; echo second`)
	seen := filepath.Join(testenv.Dir(t), "seen")
	c.Args = []string{seen}
	c.Output = func(line string) {
		*lines = append(*lines, line)
		testenv.Write(t, seen, "", 0o644)
	}
	if err := c.Run(t.Context()); err != nil || fmt.Sprint(*lines) != "[first second]" {
		t.Errorf("%v, output %q", err, *lines)
	}
}

func TestFailures(t *testing.T) {
	for name, test := range map[string]struct {
		body, want string // behind the path
		status     int
		signal     syscall.Signal
	}{
		"without output":   {"exit 3", " ended with exit status 3, without output", 3, 0},
		"with output":      {"echo 'cannot reach db' >&2; exit 1", " ended with exit status 1, last output: cannot reach db", 1, 0},
		"blank output":     {"echo; echo ' '; exit 255", " ended with exit status 255, without output", 255, 0},
		"with ;":           {"echo 'a; b;'; exit 1", " ended with exit status 1, last output: a; b;", 1, 0},
		"the last lines":   {"for i in 1 2 3 4 5 6 7; do echo $i; echo; done; exit 1", " ended with exit status 1, last output: 3 | 4 | 5 | 6 | 7", 1, 0},
		"long lines":       {fmt.Sprintf("echo %s; exit 1", strings.Repeat("ä", 1000)), " ended with exit status 1, last output: " + strings.Repeat("ä", 150) + "...", 1, 0},
		"cut characters":   {fmt.Sprintf("echo a%s; exit 1", strings.Repeat("ä", 1000)), " ended with exit status 1, last output: a" + strings.Repeat("ä", 149) + "...", 1, 0},
		"no last newline":  {"printf 'out of luck'; exit 2", " ended with exit status 2, last output: out of luck", 2, 0},
		"SIGKILL":          {"echo hi; kill -KILL $$", " was ended by SIGKILL, last output: hi", 0, syscall.SIGKILL},
		"SIGSEGV":          {"kill -SEGV $$", " was ended by SIGSEGV, without output", 0, syscall.SIGSEGV},
		"missing program":  {"exec /none/program", "", 127, 0},
		"not a thing more": {"exit 1; exit 2", " ended with exit status 1, without output", 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := command(t, test.body)
			err := c.Run(t.Context())
			var failed *Error
			if !errors.As(err, &failed) || failed.Status != test.status || failed.Signal != test.signal || failed.Timeout != 0 || failed.Err != nil {
				t.Fatalf("error %#v, want status %d, signal %d", err, test.status, test.signal)
			}
			if want := c.Path + test.want; test.want != "" && err.Error() != want {
				t.Errorf("error %q\nwant  %q", err, want)
			}
		})
	}
}

func TestWhatCannotBeStarted(t *testing.T) {
	dir := testenv.Dir(t)
	for name, test := range map[string]struct {
		content string
		perm    os.FileMode
		want    syscall.Errno
	}{
		"plain":       {"#!/bin/sh\nexit 0\n", 0o644, syscall.EACCES},
		"interpreter": {"#!/none/sh\n", 0o755, syscall.ENOENT},
		"format":      {"\x00\x01\x02", 0o755, syscall.ENOEXEC},
		"missing":     {"", 0, syscall.ENOENT},
	} {
		path := filepath.Join(dir, name)
		if test.content != "" {
			testenv.Write(t, path, test.content, test.perm)
		}
		err := Command{Path: path, Output: func(string) { t.Error("output") }}.Run(t.Context())
		if want := fmt.Sprintf("cannot start %s: %v", path, test.want); !errors.Is(err, test.want) || err.Error() != want {
			t.Errorf("%s: error %v, want %s", name, err, want)
		}
	}
}

// The kernel says of such a program that it does not exist.
func TestProgramForAnotherCLibrary(t *testing.T) {
	program, err := os.ReadFile("/bin/cat")
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(program), "/ld-", "/no-", 1)
	if changed == string(program) {
		t.Fatal("/bin/cat names no loader")
	}
	path := filepath.Join(testenv.Dir(t), "cat")
	testenv.Write(t, path, changed, 0o755)
	err = Command{Path: path}.Run(t.Context())
	want := "cannot start " + path + ": its loader is missing: was it built for another C library (glibc or musl)? (no such file or directory)"
	if !errors.Is(err, syscall.ENOENT) || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestRunLeavesNoDescriptors(t *testing.T) {
	c, _ := command(t, "echo x")
	bad := Command{Path: c.Path + ".none"}
	count := func() int { return len(testenv.Names(t, "/proc/self/fd")) }
	run := func() {
		if err := c.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := bad.Run(t.Context()); err == nil {
			t.Fatal("a missing file ran")
		}
	}
	run() // what the runtime opens once
	before := count()
	for range 20 {
		run()
	}
	if after := count(); after > before {
		t.Errorf("%d descriptors are open, %d were", after, before)
	}
}
