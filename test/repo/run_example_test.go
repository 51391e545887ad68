package repo

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

// fakeBinary records its arguments, environment and what it could find. Nothing answers
// when it probes.
func fakeBinary(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "container-manager")
	script := "#!/bin/sh\n[ \"$1\" != probe ] || exit 1\necho \"argument=$*\"\necho \"first=$(command -v container-manager)\"\nenv\n"
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// runExample returns what the binary said: name=value lines.
func runExample(t *testing.T, binary, dir string) map[string]string {
	out, err := exec.Command("../run-example.sh", binary, dir).CombinedOutput()
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
	t.Setenv("TMPDIR", t.TempDir())
	deep := filepath.Join(t.TempDir(), strings.Repeat("d", 100))
	first := runExample(t, fakeBinary(t), deep)
	second := runExample(t, fakeBinary(t), deep)
	for _, name := range []string{"IMAGE_SUPERVISOR_SOCKET", "IMAGE_SUPERVISOR_PIDFILE"} {
		if !strings.HasPrefix(first[name], os.Getenv("TMPDIR")+"/") || first[name] != second[name] {
			t.Errorf("%s is %q, then %q: want the same both times, below TMPDIR", name, first[name], second[name])
		}
	}
	if storage := first["STORAGE_BASE_DIR"]; !strings.HasPrefix(storage, deep+"/") {
		t.Errorf("STORAGE_BASE_DIR=%q, want it below the deep directory", storage)
	}
}

func TestRunExampleIsForThisMachineOnly(t *testing.T) {
	dir := t.TempDir()
	if address := runExample(t, fakeBinary(t), dir)["APP_ADDRESS"]; address != "127.0.0.1" {
		t.Errorf("APP_ADDRESS=%q, want the loopback address", address)
	}
	t.Setenv("APP_ADDRESS", "0.0.0.0")
	if address := runExample(t, fakeBinary(t), dir)["APP_ADDRESS"]; address != "0.0.0.0" {
		t.Errorf("APP_ADDRESS=%q, want what was asked for", address)
	}
}

// refuse runs the example where it cannot be run, and returns what it said.
func refuse(t *testing.T, dir string) string {
	t.Helper()
	out, err := exec.Command("../run-example.sh", fakeBinary(t), dir).CombinedOutput()
	if err == nil {
		t.Errorf("run-example.sh ran, and said %q", out)
	}
	if _, err := os.Stat(filepath.Join(dir, "image", "utils.py")); err == nil {
		t.Error("it had laid the tree out already")
	}
	return string(out)
}

func TestRunExampleTwiceAtATime(t *testing.T) {
	dir := t.TempDir()
	running := exec.Command("/bin/sh", "-c", "read line", "supervisord", "-n", "-c", filepath.Join(dir, "run/supervisord/global.conf"))
	stdin, err := running.StdinPipe() // it runs until this is closed
	if err != nil {
		t.Fatal(err)
	}
	if err := running.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stdin.Close(); _ = running.Wait() })
	writePid(t, dir, running.Process.Pid)
	if got, want := refuse(t, dir), "run: it runs already, as process "+strconv.Itoa(running.Process.Pid)+"\n"; got != want {
		t.Errorf("run-example.sh beside a process that runs: %q, want %q", got, want)
	}
}

func TestRunExampleWithTheNumberOfAnotherProcess(t *testing.T) {
	for _, pid := range []int{os.Getpid(), 1 << 30} {
		dir := t.TempDir()
		writePid(t, dir, pid)
		if said := runExample(t, fakeBinary(t), dir); said["argument"] != "run" {
			t.Errorf("with the pid file of process %d it said %q", pid, said)
		}
	}
}

func writePid(t *testing.T, dir string, pid int) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "supervisord.pid"), []byte(strconv.Itoa(pid)+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestRunExampleInAnothersDirectory(t *testing.T) {
	testenv.Isolated(t, func(t *testing.T, dir string) {
		for _, name := range []string{"", "storage"} {
			run := filepath.Join(dir, "run-"+name)
			testenv.Mkdir(t, filepath.Join(run, name))
			testenv.Chown(t, filepath.Join(run, name), 7)
			want := "run: " + filepath.Join(run, name) + " belongs to "
			if got := refuse(t, run); !strings.HasPrefix(got, want) || !strings.Contains(got, "make run BUILD=DIR") || strings.Count(got, "\n") != 1 {
				t.Errorf("run-example.sh in a directory of another: %q, want one line: %q...", got, want)
			}
		}
	})
}

func TestRunExampleWithALinkForItsSocket(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	deep := filepath.Join(t.TempDir(), strings.Repeat("d", 100))
	link := filepath.Join(os.Getenv("TMPDIR"), "container-manager-run-"+strconv.Itoa(os.Getuid()))
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Fatal(err)
	}
	if got, want := refuse(t, deep), "run: "+link+", where supervisord's socket is to lie, is no directory of this user's"; !strings.HasPrefix(got, want) {
		t.Errorf("run-example.sh with a link in its way: %q, want %q...", got, want)
	}
}

func TestRunExampleSaysWhatToDo(t *testing.T) {
	binary, dir := fakeBinary(t), filepath.Join(t.TempDir(), "run")
	out, err := exec.Command("../run-example.sh", binary, dir).CombinedOutput()
	if want := "run: in another terminal: export IMAGE_RUN_DIR=" + dir + "/run; " + binary + " status (or logs -f, restart app, help)\n"; err != nil || !strings.Contains(string(out), want) {
		t.Errorf("%v: it said\n%s\nwant %s", err, out, want)
	}
	taken := filepath.Join(t.TempDir(), "container-manager")
	testenv.Write(t, taken, "#!/bin/sh\n[ \"$*\" = \"probe tcp 127.0.0.1:8099\" ]\n", 0o755)
	cmd := exec.Command("../run-example.sh", taken, dir)
	cmd.Env = append(os.Environ(), "APP_PORT=8099")
	out, err = cmd.CombinedOutput()
	if want := "run: port 8099 of 127.0.0.1 is taken: end what listens there, or take another port (make run APP_PORT=8081)\n"; err == nil || string(out) != want {
		t.Errorf("%v: it said\n%s\nwant %s", err, out, want)
	}
}

// The image is built by the engine that answers, or by the one that is named.
func TestMakeImageTakesTheEngineThatAnswers(t *testing.T) {
	bin := t.TempDir()
	engine := func(name string, answers bool) {
		testenv.Write(t, filepath.Join(bin, name), "#!/bin/sh\n[ $1 = build ] && echo "+name+" builds && exit; "+strconv.FormatBool(answers)+"\n", 0o755)
	}
	makeImage := func(args ...string) string {
		cmd := exec.Command("make", append([]string{"-C", "../..", "image", "VERSION=1", "REVISION=1"}, args...)...)
		cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
		out, _ := cmd.CombinedOutput()
		return string(out)
	}
	for _, test := range []struct {
		docker, podman bool
		args           []string
		want           string
	}{
		{true, true, nil, "\ndocker builds\n"},
		{false, true, nil, "\npodman builds\n"},
		{true, true, []string{"ENGINE=podman"}, "\npodman builds\n"},
		{false, false, nil, "make: neither docker nor podman answers: start or install one, or name it: make image ENGINE=podman\n"},
	} {
		engine("docker", test.docker)
		engine("podman", test.podman)
		if out := makeImage(test.args...); !strings.Contains(out, test.want) {
			t.Errorf("docker answers: %v, podman: %v, %q: it said\n%s\nwant %q", test.docker, test.podman, test.args, out, test.want)
		}
	}
}
