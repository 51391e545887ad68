package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// fakeBinary records its arguments, environment and what it could find.
func fakeBinary(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "container-manager")
	script := "#!/bin/sh\necho \"argument=$*\"\necho \"first=$(command -v container-manager)\"\nenv\n"
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// runExample returns what the binary said: name=value lines.
func runExample(t *testing.T, binary, dir string) map[string]string {
	cmd := exec.Command("./run-example.sh", binary, dir)
	cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("run-example.sh: %v\n%s", err, out)
	}
	said := map[string]string{}
	for line := range strings.Lines(string(out)) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		said[name] = value
	}
	return said
}

func TestRunExample(t *testing.T) {
	binary, dir := fakeBinary(t), filepath.Join(t.TempDir(), "run")
	for range 2 { // the second finds the tree of the first, locked down
		said := runExample(t, binary, dir)
		if said["argument"] != "run" || said["first"] != binary {
			t.Errorf("it ran %q with %q first in the path, want run and %s", said["argument"], said["first"], binary)
		}
		for _, name := range []string{
			"IMAGE_BASE_DIR", "IMAGE_RUN_DIR", "IMAGE_SUPERVISOR_PIDFILE", "IMAGE_SUPERVISOR_SOCKET",
			"PROCESS_PID_DIR", "PROCESS_STATE_DIR", "STORAGE_BASE_DIR",
		} {
			if !strings.HasPrefix(said[name], dir+"/") {
				t.Errorf("%s=%q, want it below %s", name, said[name], dir)
			}
		}
		for _, file := range []string{"utils.py", "supervisord/global.conf", "supervisord/conf.d/app.conf", "app/app.py"} {
			if _, err := os.Stat(filepath.Join(dir, "image", file)); err != nil {
				t.Error(err)
			}
		}
		lockDown(t, filepath.Join(dir, "image"))
	}
}

func lockDown(t *testing.T, dir string) {
	chmod := func(mode string) {
		if out, err := exec.Command("chmod", "-R", mode, dir).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	}
	chmod("a-w")
	t.Cleanup(func() { chmod("u+w") }) // for the removal of the test's directory
}

func TestRunExampleBelowADeepDirectory(t *testing.T) {
	deep := filepath.Join(t.TempDir(), strings.Repeat("d", 100))
	said := runExample(t, fakeBinary(t), deep)
	if socket := said["IMAGE_SUPERVISOR_SOCKET"]; strings.HasPrefix(socket, deep) || socket == "" {
		t.Errorf("IMAGE_SUPERVISOR_SOCKET=%q, want it elsewhere than below the deep directory", socket)
	}
}

func TestRunExampleTwiceAtATime(t *testing.T) {
	dir := t.TempDir()
	pid := strconv.Itoa(os.Getpid())
	if err := os.WriteFile(filepath.Join(dir, "supervisord.pid"), []byte(pid+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("./run-example.sh", fakeBinary(t), dir).CombinedOutput()
	if want := "it runs already, as process " + pid; err == nil || !strings.Contains(string(out), want) {
		t.Errorf("run-example.sh beside a process that runs: %v, %q; want an error and %q", err, out, want)
	}
}
