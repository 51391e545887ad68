package life

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ZPascal/container-manager/test/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m, nil) }

// TestScripts runs the command lines of scripts/*.txtar on a copy of files/. The
// supervisord in their path is a script that says how it was called.
func TestScripts(t *testing.T) {
	bin := testenv.Programs(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "scripts",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			fakes := filepath.Join(env.WorkDir, "bin")
			if err := errors.Join(os.Mkdir(fakes, 0o755), os.MkdirAll(filepath.Join(env.WorkDir, "tmp"), 0o755)); err != nil {
				return err
			}
			fake := "#!/bin/sh\necho supervisord \"$@\"\n"
			if err := os.WriteFile(filepath.Join(fakes, "supervisord"), []byte(fake), 0o755); err != nil {
				return err
			}
			env.Vars = append(env.Vars, testenv.Tree{Root: env.WorkDir}.Environ()...)
			env.Setenv("CM", filepath.Join(bin, "container-manager"))
			env.Setenv("NOWHERE", filepath.Join(env.WorkDir, "nowhere"))
			env.Setenv("PATH", strings.Join([]string{fakes, bin, "/usr/bin", "/bin"}, ":"))
			return errors.Join(os.CopyFS(env.WorkDir, os.DirFS("../../files")), makeExecutable(env.WorkDir))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"waitfor": waitForText,
			"modes":   modes,
			"gone":    gone,
			"status":  status,
		},
	})
}

// makeExecutable gives the scripts of an archive, which knows no modes, theirs.
func makeExecutable(root string) error {
	return filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err == nil && (filepath.Ext(path) == ".sh" || filepath.Ext(path) == ".py") {
			err = os.Chmod(path, 0o755)
		}
		return err
	})
}

// deadline is far above what anything takes that is waited for.
const deadline = 2 * time.Minute

// waitUntil waits for a condition.
func waitUntil(ts *testscript.TestScript, what string, holds func() bool) {
	for end := time.Now().Add(deadline); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			ts.Fatalf("waited %s in vain for: %s", deadline, what)
		}
	}
}

// gone waits until none of the processes whose ids are in a file runs any more:
// gone FILE.
func gone(ts *testscript.TestScript, _ bool, args []string) {
	for _, id := range strings.Fields(ts.ReadFile(args[0])) {
		pid, err := strconv.Atoi(id)
		ts.Check(err)
		waitUntil(ts, "the end of process "+id, func() bool { return !testenv.Alive(pid) })
	}
}

// waitForText waits until a file contains a text: waitfor FILE TEXT.
func waitForText(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: waitfor FILE TEXT")
	}
	waitUntil(ts, args[1]+" in "+args[0], func() bool {
		data, _ := os.ReadFile(ts.MkAbs(args[0]))
		return strings.Contains(string(data), args[1])
	})
}

// status runs a command that must end with an exit status: status N COMMAND...
func status(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("exit status %d, want %s", got, args[0])
	}
}

// modes checks the modes of files: modes 0555 FILE...
func modes(ts *testscript.TestScript, neg bool, args []string) {
	for _, file := range args[1:] {
		info, err := os.Lstat(ts.MkAbs(file))
		ts.Check(err)
		if got := "0" + modeString(info); (got == args[0]) == neg {
			ts.Fatalf("%s has mode %s", file, got)
		}
	}
}

func modeString(info os.FileInfo) string {
	const digits = "01234567"
	p := info.Mode().Perm()
	return string([]byte{digits[p>>6], digits[p>>3&7], digits[p&7]})
}
