package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/scriptdir"
	"github.com/ZPascal/container-manager/test/testenv"
)

func TestMain(m *testing.M) {
	testenv.Main(m, map[string]func([]string) int{"container-manager": Main})
}

// call is how a command line ended.
type call struct {
	code           int
	stdout, stderr string
}

// run runs a command line in a process of its own.
func runCommandLine(t *testing.T, environ []string, args ...string) call {
	t.Helper()
	cmd := testenv.Command(t, environ, "container-manager", args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return call{cmd.ProcessState.ExitCode(), stdout.String(), withoutTimes(stderr.String())}
}

func withoutTimes(text string) string {
	return regexp.MustCompile(`(?m)^\d{4}-\S+ \S+\t`).ReplaceAllString(text, "")
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{nil, {"help"}, {"-h"}, {"-help"}, {"--help"}} {
		got := runCommandLine(t, nil, args...)
		text, empty, code := got.stdout, got.stderr, exitOK
		if args == nil {
			text, empty, code = got.stderr, got.stdout, exitInvalid
		}
		if got.code != code || empty != "" || !strings.HasPrefix(text, "usage: container-manager COMMAND [ARGUMENT ...]\n") {
			t.Errorf("%q: %+v", args, got)
		}
		var listed []string
		for _, match := range regexp.MustCompile(`(?m)^  ([a-z-]+) +[A-Z].*[^.]$`).FindAllStringSubmatch(text, -1) {
			listed = append(listed, match[1])
		}
		var want []string
		for _, e := range entries() {
			if c := e.make(); !c.Hidden {
				want = append(want, c.Name())
			}
		}
		if !slices.Equal(listed, want) {
			t.Errorf("%q lists %q, want %q", args, listed, want)
		}
		for _, code := range []string{"  0 ", "  1 ", "  2 ", "  128+n "} {
			if !strings.Contains(text, "\n"+code) {
				t.Errorf("%q: exit code %s is not listed", args, code)
			}
		}
	}
}

func TestUnknownCommands(t *testing.T) {
	for name, similar := range map[string]string{
		"fly": "", "": "", "--fly": "", "run.py": "", "script.py": "",
		"Run": ": did you mean run or cron?", "satrt": ": did you mean start?",
	} {
		got := runCommandLine(t, nil, name, "-h")
		want := `container-manager: there is no command "` + name + "\"" + similar + " (container-manager help lists them)\n"
		if got.code != exitInvalid || got.stdout != "" || got.stderr != want {
			t.Errorf("%q: %+v, want %s", name, got, want)
		}
	}
}

// Every command shows its usage, and refuses flags that it does not have, before
// it looks at anything else.
func TestCommandsAndTheirUsage(t *testing.T) {
	testenv.NotQuick(t)
	for _, e := range entries() {
		name, c := e.name, e.make()
		if c.Name() != name {
			t.Errorf("%s is called %s in the list", c.Name(), name)
		}
		if c.Hidden {
			continue
		}
		for _, args := range [][]string{{name, "-h"}, {name, "--help"}, {name, "-help"}, {"help", name}} {
			got := runCommandLine(t, []string{"IMAGE_BASE_DIR=nowhere"}, args...)
			want := "usage: container-manager " + c.Use + "\n\n" + c.Short + ".\n"
			if got.code != exitOK || got.stderr != "" || !strings.HasPrefix(got.stdout, want) || !strings.Contains(got.stdout, strings.TrimSpace(c.Long)) {
				t.Errorf("%s: %+v, want %s", args, got, want)
			}
			if strings.Contains(got.stdout, "\n\n\n") || strings.HasSuffix(got.stdout, "\n\n") {
				t.Errorf("%s: too many empty lines:\n%s", name, got.stdout)
			}
		}
		got := runCommandLine(t, []string{"IMAGE_BASE_DIR=nowhere"}, name, "--nope")
		if want := "ERROR\t" + name + " unknown flag: --nope: container-manager " + name + " -h shows the usage\n"; got.code != exitInvalid || got.stdout != "" || got.stderr != want {
			t.Errorf("%s --nope: %+v, want %s", name, got, want)
		}
	}
}

// Help is there at every level, and wherever -h stands.
func TestHelpOfSubcommands(t *testing.T) {
	for want, args := range map[string][]string{
		"usage: container-manager backup list [--json]\n\nDescribe the archives, the newest first.\n\nFlags:\n  -h, --help   help for list\n      --json   print a JSON array\n": {"backup", "list", "-h"},
		"usage: container-manager backup verify [FILE ...]\n":    {"help", "backup", "verify"},
		"usage: container-manager probe tcp [--timeout 3s] HO":   {"probe", "tcp", "host:1", "--help"},
		"usage: container-manager health liveness | readiness\n": {"health", "liveness", "-h"},
		"usage: container-manager restart ":                      {"restart", "app", "--timeout", "5s", "-h"},
	} {
		if got := runCommandLine(t, nil, args...); got.code != exitOK || got.stderr != "" || !strings.HasPrefix(got.stdout, want) {
			t.Errorf("%q: %+v, want %s", args, got, want)
		}
	}
}

func TestLongFlagsWithOneDash(t *testing.T) {
	root := newRoot("")
	for line, want := range map[string]string{
		"run -variable x":             "--variable x",
		"run -variable=x":             "--variable=x",
		"run --variable -variable":    "--variable -variable",
		"run sh -variable x":          "sh -variable x",
		"run -- -variable x":          "-- -variable x",
		"run -unknown -variable x":    "-unknown --variable x",
		"run - -variable":             "- -variable",
		"run -h -variable":            "-h --variable",
		"cron -c -test -crontab=x -C": "-c -test --crontab=x -C",
		"cron -cx -Cl debug":          "-cx -Cl debug",
		"script f -test":              "f -test",
		"status -json":                "--json",
	} {
		c, args, err := root.Find(strings.Fields(line))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(longFlags(c, args), " "); got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
}

func TestUselessArguments(t *testing.T) {
	for _, name := range []string{"version", "variables", "status", "check-liveness", "check-readiness"} {
		got := runCommandLine(t, nil, name, "now")
		if want := "ERROR\t" + name + " takes no arguments: \"now\"\n"; got.code != exitInvalid || got.stdout != "" || got.stderr != want {
			t.Errorf("%s: %+v, want %s", name, got, want)
		}
	}
}

func TestVersionAndVariables(t *testing.T) {
	got := runCommandLine(t, nil, "version")
	if got.code != exitOK || !regexp.MustCompile(`^container-manager \S+, commit \S+, go1\.\S+\n$`).MatchString(got.stdout) {
		t.Errorf("version: %+v", got)
	}
	got = runCommandLine(t, nil, "variables")
	if got.code != exitOK || got.stdout != config.Markdown() {
		t.Errorf("variables: %+v", got)
	}
}

// What is wrong with the environment is said by every command that reads it, in
// the form that the environment asks for.
func TestInvalidEnvironment(t *testing.T) {
	testenv.NotQuick(t)
	environ := []string{"IMAGE_RUN_DIR=" + t.TempDir(), "IMAGE_BACKUP_RETENTION=many", "LOGGING_REDIS_HOST=a b"}
	for _, args := range [][]string{
		{"run"},
		{"check-readiness"},
		{"status"},
		{"health", "liveness"},
		{"restart", "app"},
		{"cron", "--console", "-c", "/none"},
		{"script", "/image/setup/run.always/02-configure-cron.py"},
		{"script", "/run.py"},
	} {
		got := runCommandLine(t, environ, args...)
		for _, want := range []string{
			" the environment is invalid:\n",
			"\n  IMAGE_BACKUP_RETENTION=\"many\": expected a whole number from 0 up, or periods such as daily:7 weekly:4\n",
			"\n  LOGGING_REDIS_HOST=\"a b\": expected host or host:port\n",
		} {
			if got.code != exitInvalid || got.stdout != "" || !strings.HasPrefix(got.stderr, "ERROR\t") || !strings.Contains(got.stderr, want) {
				t.Errorf("%q: %+v, want %s", args, got, want)
			}
		}
	}
	got := runCommandLine(t, append(environ, "IMAGE_LOG_FORMAT=json"), "run")
	var line struct{ Level, Logger, Message string }
	if err := json.Unmarshal([]byte(got.stderr), &line); err != nil || line.Level != "error" || line.Logger != "run" || !strings.HasPrefix(line.Message, "the environment is invalid:") {
		t.Errorf("%v: %+v", err, got)
	}
}

func TestRunFailsAndEnds(t *testing.T) {
	tree := testenv.NewTree(t)
	testenv.Script(t, tree.Path("image/setup/run.once/10-a.sh"), `[ -z "$HANG" ] || { trap 'echo told; exit 5' TERM; echo hanging; while :; do sleep 0.02; done; }; exit 5`)
	got := runCommandLine(t, tree.Environ(), "run", "true")
	if got.code != exitFailed || !strings.HasSuffix(got.stderr, "ERROR\trun step 10-a.sh of run.once failed: "+tree.Path("image/setup/run.once/10-a.sh")+" ended with exit status 5, without output\n") {
		t.Errorf("%+v", got)
	}
	for _, signal := range []unix.Signal{unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGQUIT} {
		cmd := testenv.Command(t, tree.Environ("HANG=1"), "container-manager", "run", "true")
		stderr, err := cmd.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		said := ""
		for buf := make([]byte, 4096); ; {
			n, err := stderr.Read(buf)
			if before := said; !strings.Contains(before, "hanging\n") && strings.Contains(before+string(buf[:n]), "hanging\n") {
				if err := cmd.Process.Signal(signal); err != nil {
					t.Fatal(err)
				}
			}
			if said += string(buf[:n]); err != nil {
				break
			}
		}
		_ = cmd.Wait()
		want := "ERROR\trun ended by " + unix.SignalName(signal) + "\n"
		if got := cmd.ProcessState.ExitCode(); got != 128+int(signal) || !strings.HasSuffix(withoutTimes(said), want) || !strings.Contains(said, " told\n") || strings.Contains(said, "goroutine") {
			t.Errorf("exit code %d; it said\n%s", got, said)
		}
	}
}

// A signal ends a start that waits for another container on the volume.
func TestRunThatWaitsEnds(t *testing.T) {
	tree := testenv.NewTree(t)
	testenv.Mkdir(t, tree.Path("storage"))
	lock, err := fsutil.TryLock(tree.Path("storage/.run-once.lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Unlock()
	cmd := testenv.Command(t, tree.Environ(), "container-manager", "run", "true")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	if !lines.Scan() || !strings.Contains(lines.Text(), "waiting for the first start of another container") {
		t.Fatalf("it said %q", lines.Text())
	}
	if err := cmd.Process.Signal(unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if !lines.Scan() || !strings.HasSuffix(lines.Text(), "ERROR\trun ended by SIGTERM") {
		t.Errorf("it said %q", lines.Text())
	}
	_ = cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != 128+int(unix.SIGTERM) {
		t.Errorf("exit code %d", got)
	}
}

// Nobody reads what a start says: it goes on, and its errors have their exit code.
func TestRunWithoutAReader(t *testing.T) {
	tree := testenv.NewTree(t)
	for _, run := range []struct {
		command string
		code    int
	}{{"true", exitOK}, {"/none", 127}} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Close()
		cmd := testenv.Command(t, tree.Environ("IMAGE_BACKUP_PATH=/data"), "container-manager", "run", run.command)
		cmd.Stdout, cmd.Stderr = w, w
		err = cmd.Run()
		_ = w.Close()
		if got := cmd.ProcessState.ExitCode(); got != run.code {
			t.Errorf("%s: exit code %d, %v", run.command, got, err)
		}
	}
}

func TestScript(t *testing.T) {
	testenv.NotQuick(t)
	tree := testenv.NewTree(t)
	testenv.Mkdir(t, tree.Path("run/cron"))
	for file, name := range map[string]string{
		"run.py": "run", "cron.py": "cron", "eventlistener.py": "eventlistener", "backup.py": "backup", "restore.py": "restore",
		"check-liveness.py": "check-liveness", "check-readiness.py": "check-readiness",
	} {
		for _, path := range []string{file, "./" + file, "/any/where/" + file} {
			if got, want := runCommandLine(t, tree.Environ(), "script", path, "-h"), "usage: container-manager "+name+" "; got.code != exitOK || !strings.HasPrefix(got.stdout, strings.TrimSpace(want)) {
				t.Errorf("%s: %+v, want %s", path, got, want)
			}
		}
	}
	// A step that a person runs takes the environment that the start saved.
	testenv.Write(t, tree.Path("run/env"), "IMAGE_CRON_ENABLED=\"no\"\n", 0o600)
	got := runCommandLine(t, tree.Environ(), "script", tree.Path("image/setup/run.always/02-configure-cron.py"))
	if want := "INFO\t02-configure-cron.py crond stays stopped: "; got.code != exitOK || !strings.HasPrefix(got.stderr, want) {
		t.Errorf("%+v, want %s", got, want)
	}
	got = runCommandLine(t, tree.Environ("IMAGE_CRON_DIR="+tree.Path("none")), "script", "01-configure-backup.py")
	if text := testenv.Read(t, tree.Path("run/cron/kubernetes")); got.code != exitOK || !strings.Contains(text, tree.Path("image/backup/backup.py")+" >>") {
		t.Errorf("%+v, crontab %q", got, text)
	}
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, "wants the name of a file"},
		{[]string{"/image/backup/mine.py"}, "/image/backup/mine.py: there is no built-in of the name mine.py: a script of your own begins with its interpreter, such as #!/bin/sh"},
		{[]string{"run"}, "run: there is no built-in of the name run: a script of your own begins with its interpreter, such as #!/bin/sh"},
	} {
		if got := runCommandLine(t, tree.Environ(), append([]string{"script"}, test.args...)...); got.code != exitInvalid || got.stderr != "ERROR\tscript "+test.want+"\n" {
			t.Errorf("%q: %+v, want %s", test.args, got, test.want)
		}
	}
}

func TestRegisterHoldsTheWholeTree(t *testing.T) {
	count := 0
	err := filepath.WalkDir("../../files", func(path string, d fs.DirEntry, err error) error {
		if f := scriptdir.Inspect(path); err == nil && f.Builtin {
			count++
			if builtin(f.Name) == nil {
				t.Errorf("nothing stands behind %s", path)
			}
		}
		return err
	})
	if err != nil || count < 17 {
		t.Errorf("%v, found %d built-in files", err, count)
	}
}

// The kernel runs a built-in file as `container-manager script FILE ARGUMENTS`.
func TestBuiltinFile(t *testing.T) {
	dir := testenv.Dir(t) // the kernel reads 256 bytes of the line
	if err := os.CopyFS(dir, os.DirFS("../../files/image/cron")); err != nil {
		t.Fatal(err)
	}
	bin := buildBinary(t)

	// Python reads the second line, with the same arguments and exit status.
	python := exec.Command("python3", dir+"/cron.py", "--test", "/none")
	python.Env = []string{"PATH=" + filepath.Dir(bin) + ":" + os.Getenv("PATH"), "IMAGE_RUN_DIR=" + dir}
	byPython, err := python.CombinedOutput()
	if err == nil || python.ProcessState.ExitCode() != exitInvalid && python.ProcessState.ExitCode() != exitFailed || !strings.Contains(string(byPython), "ERROR\tcron ") || !strings.Contains(string(byPython), "/none") {
		t.Errorf("by Python: %v: %s", err, byPython)
	}

	testenv.Write(t, dir+"/cron.py", "#!"+bin+" script\n", 0o755)
	out, err := exec.Command(dir+"/cron.py", "--test", "/none").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "/none") || !strings.Contains(string(out), "\tcron ") && !strings.Contains(string(out), "\tscript ") {
		t.Errorf("%v: %s", err, out)
	}
}

func TestWakeArguments(t *testing.T) {
	for want, args := range map[string][]string{
		"wants supervisord's process id, the time of the start and, if known, where supervisord is going to listen\n": {"1"},
		"strconv.Atoi: parsing \"x\": invalid syntax\n":                                                               {"x", "2024-02-29T01:02:03Z"},
		"parsing time \"now\"": {"1", "now"},
	} {
		if got := runCommandLine(t, nil, append([]string{"wake"}, args...)...); got.code != exitInvalid || !strings.HasPrefix(got.stderr, "ERROR\twake "+want) {
			t.Errorf("%q: %+v, want %s", args, got, want)
		}
	}
}
