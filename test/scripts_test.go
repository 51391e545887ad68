package test

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
)

// binary is container-manager as a release builds it, for every test here.
func binary(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "container-manager")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, "../cmd/container-manager")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// treeEnviron points every path of the environment below root.
func treeEnviron(root string) []string {
	at := func(name string) string { return filepath.Join(root, name) }
	return []string{
		"IMAGE_BASE_DIR=" + at("image"),
		"IMAGE_RUN_DIR=" + at("run"),
		"STORAGE_BASE_DIR=" + at("storage"),
		"PROCESS_PID_DIR=" + at("process"),
		"PROCESS_STATE_DIR=" + at("process"),
		"IMAGE_SUPERVISOR_PIDFILE=" + at("supervisord.pid"),
		"IMAGE_SUPERVISOR_SOCKET=" + at("supervisord.sock"),
	}
}

// TestScripts runs the command lines of scripts/*.txtar on a copy of files/. The
// supervisord in their path is a script that says how it was called.
func TestScripts(t *testing.T) {
	bin := filepath.Dir(binary(t))
	testscript.Run(t, testscript.Params{
		Dir:                 "scripts",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			fakes := filepath.Join(env.WorkDir, "bin")
			if err := os.Mkdir(fakes, 0o755); err != nil {
				return err
			}
			fake := "#!/bin/sh\necho supervisord \"$@\"\n"
			if err := os.WriteFile(filepath.Join(fakes, "supervisord"), []byte(fake), 0o755); err != nil {
				return err
			}
			env.Vars = append(env.Vars, treeEnviron(env.WorkDir)...)
			env.Setenv("CM", filepath.Join(bin, "container-manager"))
			env.Setenv("NOWHERE", filepath.Join(env.WorkDir, "nowhere"))
			env.Setenv("PATH", strings.Join([]string{fakes, bin, "/usr/bin", "/bin"}, ":"))
			return errors.Join(os.CopyFS(env.WorkDir, os.DirFS("../files")), makeExecutable(env.WorkDir))
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

// gone waits until none of the processes whose ids are in a file runs any more:
// gone FILE.
func gone(ts *testscript.TestScript, _ bool, args []string) {
	deadline := time.Now().Add(20 * time.Second)
	for _, pid := range strings.Fields(ts.ReadFile(args[0])) {
		for isAlive(pid) {
			if time.Now().After(deadline) {
				ts.Fatalf("process %s is still there", pid)
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
}

// isAlive is false for a zombie, which waits for its new parent.
func isAlive(pid string) bool {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	_, state, _ := strings.Cut(string(stat), ") ")
	return err == nil && !strings.HasPrefix(state, "Z")
}

// waitForText waits until a file contains a text: waitfor FILE TEXT.
func waitForText(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: waitfor FILE TEXT")
	}
	deadline := time.Now().Add(20 * time.Second)
	for {
		data, _ := os.ReadFile(ts.MkAbs(args[0]))
		if strings.Contains(string(data), args[1]) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s never contained %q:\n%s", args[0], args[1], data)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// status runs a command that must end with an exit status: status N COMMAND...
func status(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
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
