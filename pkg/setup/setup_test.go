package setup_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/setup"
	"github.com/ZPascal/container-manager/test/testenv"
)

const oneLine = "#!/usr/bin/container-manager script\n"

// load loads a tree's environment, and makes what the start makes before its
// first step.
func load(t *testing.T, tree testenv.Tree, extra ...string) config.Config {
	t.Helper()
	testenv.SetEnviron(t, tree.Environ(extra...)...)
	c, err := config.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"cron", "logging"} {
		testenv.Mkdir(t, filepath.Join(c.RunDir, dir))
	}
	return c
}

// logger returns a logger, and what it says: `LEVEL NAME MESSAGE` lines.
func logger(t *testing.T) (log.Logger, func() string) {
	var out bytes.Buffer
	stamp := regexp.MustCompile(`(?m)^\d{4}-\S+ \S+\t([A-Z]+)\t`)
	return log.New(&out, log.Options{Level: "debug"}), func() string {
		t.Helper()
		text := stamp.ReplaceAllString(out.String(), "$1 ")
		out.Reset()
		return text
	}
}

// steps is a directory of steps.
func steps(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(testenv.Dir(t), "run.always")
	testenv.Mkdir(t, dir)
	for name, content := range files {
		testenv.Write(t, filepath.Join(dir, name), content, 0o755)
	}
	return dir
}

func TestStepsInOrder(t *testing.T) {
	c := load(t, testenv.NewTree(t))
	c.Environ = append(c.Environ, "GREETING=hello", "APP_EMPTY=") // the configuration's, not this process's
	dir := steps(t, map[string]string{
		"10-ten.sh": "#!/bin/sh\necho ten", "2-two.py": "#!/bin/sh\necho two", "01-first": "#!/bin/sh\necho \"$GREETING $STORAGE_DATA_DIR ${APP_EMPTY-unset}\"; cat",
		"B.py": "#!/bin/sh\necho b >&2", "a.py": "#!/bin/sh\ntrue",
		"create-user.sh": "#!/bin/sh\nexit 1", "tool": "#!/bin/sh\nexit 1", "gone.sh": "echo", "README.sh": "", // helpers
		"02-configure-cron.py": oneLine, "03-off.py": "", "schema.sql": "CREATE", ".hidden.sh": "#!/bin/sh\nexit 1", "data": "x",
	})
	l, said := logger(t)
	if err := (setup.Runner{Config: c, Log: l, Builtins: setup.Builtin}).All(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	want := strings.ReplaceAll(`INFO  not run as steps of run.always: README.sh, create-user.sh, gone.sh, tool (the name of a step begins with a digit, or ends in .py)
INFO  running DIR/01-first
INFO 01-first hello `+c.DataDir+`
DEBUG 03-off.py is empty, nothing to do
INFO  running DIR/10-ten.sh
INFO 10-ten.sh ten
INFO  running DIR/2-two.py
INFO 2-two.py two
INFO  running DIR/B.py
INFO B.py b
INFO  running DIR/a.py
`, "DIR", dir)
	if got := said(); got != want {
		t.Errorf("log:\n%swant:\n%s", got, want)
	}
}

func TestStepsOfNoDirectory(t *testing.T) {
	l, said := logger(t)
	if err := (setup.Runner{Log: l}).All(t.Context(), filepath.Join(testenv.Dir(t), "none")); err != nil || said() != "" {
		t.Errorf("error %v", err)
	}
}

// A child image replaces a built-in step, switches it off, or removes it.
func TestBuiltinStepsAndTheirReplacements(t *testing.T) {
	tree := testenv.NewTree(t)
	c := load(t, tree, "IMAGE_CRON_ENABLED=0", "LOGGING_REDIS_HOST=redis")
	testenv.Script(t, tree.Path("image/setup/run.always/03-configure-health.py"), "echo mine")
	testenv.Write(t, tree.Path("image/setup/run.always/04-configure-filebeat.py"), "", 0o755)
	if err := os.Remove(tree.Path("image/setup/run.always/05-configure-logrotate.py")); err != nil {
		t.Fatal(err)
	}
	l, said := logger(t)
	if err := (setup.Runner{Config: c, Log: l, Builtins: setup.Builtin}).All(t.Context(), c.RunAlwaysDir); err != nil {
		t.Fatal(err)
	}
	want := `INFO 02-configure-cron.py crond stays stopped: no backups, health checks or log rotation run by themselves (IMAGE_CRON_ENABLED)
INFO  running ` + tree.Path("image/setup/run.always/03-configure-health.py") + `
INFO 03-configure-health.py mine
DEBUG 04-configure-filebeat.py is empty, nothing to do
`
	if got := said(); got != want {
		t.Errorf("log:\n%swant:\n%s", got, want)
	}
	if got := strings.Count(testenv.Read(t, filepath.Join(c.RunDir, "cron/kubernetes")), "\n"); got != 1 {
		t.Errorf("the crontab has %d lines, want that of the backup only", got)
	}
}

func TestMessages(t *testing.T) {
	dir := steps(t, map[string]string{"1-x.sh": `#!/bin/sh
echo 'one; two;three;;  four  ;'
echo ';'
echo
printf 'no end'`})
	l, said := logger(t)
	if err := (setup.Runner{Log: l}).All(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	want := "INFO 1-x.sh one\nINFO 1-x.sh two\nINFO 1-x.sh three\nINFO 1-x.sh four\nINFO 1-x.sh no end\n"
	if _, got, _ := strings.Cut(said(), "\n"); got != want {
		t.Errorf("log:\n%swant:\n%s", got, want)
	}
}

func TestStepsThatFail(t *testing.T) {
	for name, test := range map[string]struct {
		content string
		perm    os.FileMode
		want    string // of `step 01-x.sh of run.always failed: DIR/01-x.sh...`
	}{
		"with output":         {"#!/bin/sh\necho 'no such user: app' >&2\nexit 3", 0o755, " ended with exit status 3, last output: no such user: app"},
		"without output":      {"#!/bin/sh\nexit 1", 0o755, " ended with exit status 1, without output"},
		"with ;":              {"#!/bin/sh\necho 'creating; failed;'\nexit 1", 0o755, " ended with exit status 1, last output: creating; failed;"},
		"by a signal":         {"#!/bin/sh\nkill -SEGV $$", 0o755, " was ended by SIGSEGV, without output"},
		"no execute bit":      {"#!/bin/sh\n", 0o644, fmt.Sprintf(" is not executable for uid %d: chmod 755 it in the image", os.Geteuid())},
		"no #! line":          {"echo x\n", 0o755, ":1: has no #! line: begin it with #!/bin/sh"},
		"missing interpreter": {"#!/opt/none/sh\n", 0o755, ":1: the interpreter /opt/none/sh is missing or not executable: install it, or name another one"},
		"carriage returns":    {"#!/bin/sh\r\ntrue\r\n", 0o755, ":1: the #! line ends in a carriage return: save the file with Unix line ends"},
		"no built-in step":    {oneLine, 0o755, ": there is no built-in of this name: a script of your own begins with its interpreter, such as #!/bin/sh"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := steps(t, map[string]string{"02-after.sh": "#!/bin/sh\necho after"})
			path := filepath.Join(dir, "01-x.sh")
			testenv.Write(t, path, test.content, test.perm)
			fails(t, dir, path, test.want)
		})
	}
}

// fails runs the steps: the first must fail, and the second not be run.
func fails(t *testing.T, dir, path, want string) {
	t.Helper()
	l, said := logger(t)
	err := setup.Runner{Log: l, Builtins: setup.Builtin}.All(t.Context(), dir)
	want = "step " + filepath.Base(path) + " of run.always failed: " + path + want
	if err == nil || err.Error() != want {
		t.Errorf("error %v\nwant  %s", err, want)
	}
	if strings.Contains(said(), "after") {
		t.Error("the next step ran")
	}
}

func TestStepsThatAreNoFiles(t *testing.T) {
	for want, create := range map[string]func(path string) error{
		" is no file but a directory":              func(path string) error { return os.Mkdir(path, 0o755) },
		" is a link to a file that does not exist": func(path string) error { return os.Symlink("gone", path) },
	} {
		for _, name := range []string{"01-x.sh", "01-x.py"} {
			dir := steps(t, map[string]string{"02-after.sh": "#!/bin/sh\necho after"})
			path := filepath.Join(dir, name)
			if err := create(path); err != nil {
				t.Fatal(err)
			}
			fails(t, dir, path, want)
		}
	}
}

func TestUnreadableSteps(t *testing.T) {
	testenv.Isolated(t, func(t *testing.T, root string) {
		dir := filepath.Join(root, "run.always")
		testenv.Mkdir(t, dir)
		testenv.Chmod(t, dir, 0o700)
		testenv.Become(t, 500)
		err := setup.Runner{}.All(t.Context(), dir)
		if err == nil || !strings.HasPrefix(err.Error(), "cannot list "+dir+": ") {
			t.Errorf("error %v, want that the directory cannot be listed", err)
		}
	})
}

func TestCancel(t *testing.T) {
	cause := errors.New("ended by SIGTERM")
	for name, content := range map[string]string{
		"a script that hangs":      "#!/bin/sh\necho now\nsleep 1000 &\nwait",
		"a script that still ends": "#!/bin/sh\ntrap 'exit 0' TERM\necho now\nwhile :; do sleep 0.01; done",
		"a script that fails":      "#!/bin/sh\ntrap 'exit 1' TERM\necho now\nwhile :; do sleep 0.01; done",
	} {
		t.Run(name, func(t *testing.T) {
			dir := steps(t, map[string]string{"01-x.sh": content, "02-after.sh": "#!/bin/sh\necho after"})
			ctx, cancel := context.WithCancelCause(t.Context())
			var seen bytes.Buffer
			l := log.New(writer(func(line []byte) {
				seen.Write(line)
				if bytes.Contains(line, []byte("now")) {
					cancel(cause)
				}
			}), log.Options{})
			if err := (setup.Runner{Log: l}).All(ctx, dir); !errors.Is(err, cause) || err.Error() != cause.Error() {
				t.Errorf("error %v, want the context's cause", err)
			}
			if strings.Contains(seen.String(), "after") {
				t.Error("the next step ran")
			}
		})
	}
}

func TestCancelledBefore(t *testing.T) {
	cause := errors.New("ended by SIGTERM")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	l, said := logger(t)
	if err := (setup.Runner{Log: l}).All(ctx, steps(t, map[string]string{"1-x.sh": "#!/bin/sh\n"})); !errors.Is(err, cause) || said() != "" {
		t.Errorf("error %v, want the context's cause, and nothing run", err)
	}
}

type writer func([]byte)

func (w writer) Write(b []byte) (int, error) { w(b); return len(b), nil }
