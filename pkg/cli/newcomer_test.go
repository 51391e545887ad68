package cli

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

// newcomer is somebody with the skeleton of a child image, whose base image lies in tree.
type newcomer struct {
	t    *testing.T
	tree testenv.Tree
	dir  string
}

func newNewcomer(t *testing.T) newcomer {
	t.Helper()
	n := newcomer{t, testenv.NewTree(t), filepath.Join(t.TempDir(), "hello")}
	made := runCommandLine(t, n.tree.Environ(), "init", n.dir)
	if made.code != exitOK || !strings.Contains(made.stdout, "wrote "+n.dir+": ") {
		t.Fatalf("init: %+v", made)
	}
	return n
}

// validate checks the image, and returns what it says with paths from the image's directory on.
func (n newcomer) validate(environ ...string) call {
	n.t.Helper()
	c := runCommandLine(n.t, n.tree.Environ(environ...), "validate", "--root", n.dir)
	c.stdout = strings.ReplaceAll(c.stdout, n.dir+"/", "")
	return c
}

// TestSkeletonIsValid means that nobody begins with a warning.
func TestSkeletonIsValid(t *testing.T) {
	t.Parallel()
	if c := newNewcomer(t).validate(); c != (call{}) {
		t.Errorf("%+v", c)
	}
}

// TestNewcomersHour makes the mistakes of a first hour, one at a time. Each message names
// file, line and value, and what to do.
func TestNewcomersHour(t *testing.T) {
	testenv.NotQuick(t)
	t.Parallel()
	const program, app = "image/supervisord/conf.d/hello.conf", "[program:hello]\ncommand = hello\n"
	for name, mistake := range map[string]struct {
		file, text, environ string
		code                int
		want                string
	}{
		"an option":              {program, app + "auto_restart = true\n", "A=", 0, "warning: " + program + ":3: supervisord passes over auto_restart of [program:hello], an option that it does not know: did you mean autorestart?"},
		"another option":         {program, "[program:hello]\ncomand = hello\n", "A=", 1, "error: " + program + ":1: [program:hello] has no command: add what to run (command = ...)"},
		"no section":             {program, "command = hello\n", "A=", 1, "error: " + program + `:1: "command = hello" stands before any section: begin with one, such as [program:app]`},
		"a section":              {program, "[progam:hello]\ncommand = hello\n", "A=", 0, "warning: " + program + ":1: "},
		"a tab":                  {program, app + "\tautorestart = true\n", "A=", 0, "warning: " + program + `:3: supervisord takes "autorestart = true" for a part of command of [program:hello], because a blank or tab stands in front of it: begin the line with autorestart`},
		"a variable":             {program, "[program:hello]\ncommand = hello %(ENV_PROT)s\n", "A=", 0, "open: " + program + `:2: command: the environment variable PROT is not set: set it, empty if need be (ENV PROT="" in the Dockerfile)`},
		"a shell's variable":     {program, "[program:hello]\ncommand = hello $HELLO_PORT\n", "A=", 0, "warning: " + program + ":2: command of [program:hello] gets $HELLO_PORT as it stands, because supervisord is no shell: write %(ENV_HELLO_PORT)s"},
		"a percent sign":         {program, "[program:hello]\ncommand = date +%F\n", "A=", 1, "error: " + program + ":2: command: a single % must be written %%"},
		"a daemon":               {program, "[program:hello]\ncommand = redis-server --daemonize yes\n", "A=", 0, "warning: " + program + ":2: command of [program:hello]: redis-server goes into the background, where supervisord takes it for dead: run it in the foreground (--daemonize no)"},
		"neither true nor false": {program, app + "autostart = ture\n", "A=", 1, "error: " + program + `:3: autostart is "ture": expected one of true, yes, on, 1, false, no, off, 0`},
		"a log's directory":      {program, app + "stdout_logfile = /var/log/helo/x.log\n", "A=", 0, "open: " + program + ":3: stdout_logfile: the directory /var/log/helo does not exist: create it in a run.always step"},
		"an extension":           {"image/supervisord/conf.d/hello.cfg", app, "A=", 0, "warning: nothing reads image/supervisord/conf.d/hello.cfg: the names of the files of this directory end in .conf"},
		"a directory":            {"image/supervisor/conf.d/hello.conf", app, "A=", 0, "warning: nothing reads image/supervisor: did you mean supervisord?"},
		"a directory of steps":   {"image/setup/run.alway/10-x.sh", "#!/bin/sh\n", "A=", 0, "warning: nothing reads image/setup/run.alway: did you mean run.always?"},
		"a step's first line":    {"image/setup/run.always/10-x.sh", "echo\n", "A=", 1, "error: image/setup/run.always/10-x.sh:1: has no #! line: begin it with #!/bin/sh"},
		"Windows line ends":      {"image/setup/run.always/10-x.sh", "#!/bin/sh\r\n", "A=", 1, "error: image/setup/run.always/10-x.sh:1: the #! line ends in a carriage return: save the file with Unix line ends"},
		"an interpreter":         {"image/setup/run.once/10-x.py", "#!/usr/bin/python4\n", "A=", 0, "open: image/setup/run.once/10-x.py:1: the interpreter /usr/bin/python4 is missing or not executable: install it, or name another one"},
		"a probe's name":         {"image/health/readiness.probes.d/check-helo.sh", "#!/bin/sh\n", "A=", 0, "warning: image/health/readiness.probes.d/check-helo.sh is named after no program, so a failure restarts nothing: did you mean check-hello?"},
		"a schedule":             {"image/cron/kubernetes", "61 * * * * hello\n", "A=", 1, "error: image/cron/kubernetes:1: minute 61 is above 59"},
		"a crontab's user":       {"image/cron/kubernetes", "* * * * * root hello now\n", "A=", 0, `warning: image/cron/kubernetes:1: "root" is a user and no program, and a line of this crontab names no user: write * * * * * hello now`},
		"a template":             {"image/templates/x.conf", "\nport ${PROT};\n", "A=", 0, "open: image/templates/x.conf:2: the environment variable PROT is not set: "},
		"no restore":             {"image/backup/scripts/backup-db.sh", "#!/bin/sh\n", "A=", 0, "warning: image/backup/scripts/backup-db.sh stages what no script restores: add image/restore/scripts/restore-db.sh"},
		"a variable's name":      {"README.md", "", "IMAGE_BACKUP_PATH=/data", 0, "warning: nothing reads the variable IMAGE_BACKUP_PATH: did you mean IMAGE_BACKUP_PATHS?"},
		"another name":           {"README.md", "", "IMAGE_HEALTH_GRAEC=9s", 0, "warning: nothing reads the variable IMAGE_HEALTH_GRAEC: did you mean IMAGE_HEALTH_GRACE?"},
		"a retention":            {"README.md", "", "IMAGE_BACKUP_RETENTION=7d", 1, `error: IMAGE_BACKUP_RETENTION="7d": `},
		"a time":                 {"README.md", "", "IMAGE_BACKUP_CRON=61 * * * *", 1, `error: IMAGE_BACKUP_CRON="61 * * * *": minute 61 is above 59`},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNewcomer(t)
			testenv.Write(t, filepath.Join(n.dir, mistake.file), mistake.text, 0o755)
			c := n.validate(mistake.environ)
			if c.code != mistake.code || !strings.Contains("\n"+c.stdout, "\n"+mistake.want) {
				t.Errorf("exit code %d, want %d; it says\n%s%s\nwant\n%s", c.code, mistake.code, c.stdout, c.stderr, mistake.want)
			}
		})
	}
}

// TestStartOfTheSkeleton runs its program, its probe and its backup and restore scripts.
func TestStartOfTheSkeleton(t *testing.T) {
	made := newNewcomer(t)
	c := newContainer(t, "HELLO_PORT="+freePort(t), "HELLO_GREETING=Good day", "APP_VERSION=2")
	if err := overlay(c.Path("image"), filepath.Join(made.dir, "image")); err != nil {
		t.Fatal(err)
	}
	c.start()
	c.waitState("hello", "RUNNING")
	url := "http://127.0.0.1:" + c.Getenv("HELLO_PORT") + "/"
	testenv.WaitFor(t, "the page has the values of variables", func() bool {
		code, _ := c.exec("probe", "http", "--body", "Good day, version 2", url)
		return code == exitOK
	})
	c.want(exitOK, "", "check-readiness")
	testenv.Write(t, c.Path("storage/data/hello/order"), "42", 0o644)
	c.want(exitOK, "", "backup")
	if err := os.RemoveAll(c.Path("storage/data/hello")); err != nil {
		t.Fatal(err)
	}
	c.want(exitOK, "", "restore", "latest")
	if got := testenv.Read(t, c.Path("storage/data/hello/order")); got != "42" {
		t.Errorf("the restore brought back %q", got)
	}
}

// freePort returns a port that nobody listened on a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
}

func TestInitRefuses(t *testing.T) {
	t.Parallel()
	n := newNewcomer(t)
	for _, test := range []struct {
		code int
		want string
		args []string
	}{
		{exitFailed, n.dir + " is there already, and not empty: name another image, or remove it", []string{"init", n.dir}},
		{exitInvalid, `"Hello" cannot be the name of an image here: take lower-case letters, digits and -`, []string{"init", "Hello"}},
		{exitInvalid, "init wants one name: init hello", []string{"init"}},
		{exitInvalid, "there is no directory /nowhere/image: name the directory that image/ lies in", []string{"validate", "--root", "/nowhere"}},
	} {
		if c := runCommandLine(t, n.tree.Environ(), test.args...); c.code != test.code || !strings.Contains(c.stderr, test.want) {
			t.Errorf("%q: %+v, want %d, %s", test.args, c, test.code, test.want)
		}
	}
	empty := []string{"PATH=" + os.Getenv("PATH"), "IMAGE_BASE_DIR=" + t.TempDir()}
	if c := runCommandLine(t, empty, "validate", "--root", n.dir); c.code != exitInvalid || !strings.Contains(c.stderr, "has only what a child image adds, and the base image is not here") {
		t.Errorf("%+v", c)
	}
}
