package validate_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/scriptdir"
	"github.com/ZPascal/container-manager/pkg/setup"
	"github.com/ZPascal/container-manager/pkg/validate"
	"github.com/ZPascal/container-manager/test/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m, nil) }

// all validates a tree, and returns a line for each finding, information included.
func all(t *testing.T, tree testenv.Tree, environ ...string) []string {
	t.Helper()
	return allWithin(t, 0, tree, environ...)
}

func allWithin(t *testing.T, limit time.Duration, tree testenv.Tree, environ ...string) []string {
	t.Helper()
	testenv.SetEnviron(t, tree.Environ(environ...)...)
	c, err := config.Load()
	if err != nil {
		t.Fatal(err)
	}
	found, err := validate.Image(c, validate.Options{Builtin: builtin, Now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), ToolLimit: limit})
	if err != nil {
		t.Fatal(err)
	}
	lines := []string{}
	for _, f := range found {
		lines = append(lines, fmt.Sprintf("%s: %s", f.Level, strings.ReplaceAll(f.Text, tree.Root+"/", "")))
	}
	return lines
}

func builtin(name string) scriptdir.Builtin {
	if name == "check-readiness.py" || name == "cron.py" {
		return func(context.Context, config.Config, log.Logger, []string) error { return nil }
	}
	return setup.Builtin(name)
}

// found is what there is to mend, without the programs that take a while to say it.
func found(t *testing.T, tree testenv.Tree, environ ...string) []string {
	t.Helper()
	lines := all(t, tree, append([]string{"PATH=/nowhere"}, environ...)...)
	return slices.DeleteFunc(lines, func(line string) bool { return strings.HasPrefix(line, "info: ") })
}

func TestShippedTree(t *testing.T) {
	if lines := found(t, testenv.NewTree(t)); len(lines) > 0 {
		t.Errorf("found\n%s", strings.Join(lines, "\n"))
	}
}

func TestMistakes(t *testing.T) {
	const app = "[program:hello]\ncommand = /bin/sleep 1000\n"
	for name, test := range map[string]struct{ file, text, want string }{
		"an option":               {"supervisord/conf.d/hello.conf", app + "auto_restart = true\n", "warning: image/supervisord/conf.d/hello.conf:3: supervisord passes over auto_restart of [program:hello], an option that it does not know: did you mean autorestart?"},
		"a shell's variable":      {"supervisord/conf.d/hello.conf", "[program:hello]\ncommand = hello --port $HELLO_PORT\n", "warning: image/supervisord/conf.d/hello.conf:2: command of [program:hello] gets $HELLO_PORT as it stands, because supervisord is no shell: write %(ENV_HELLO_PORT)s"},
		"no command":              {"supervisord/conf.d/hello.conf", "[program:hello]\nautostart = true\n", "error: image/supervisord/conf.d/hello.conf:1: [program:hello] has no command: add what to run (command = ...)"},
		"an extension":            {"supervisord/conf.d/hello.cfg", app, "warning: nothing reads image/supervisord/conf.d/hello.cfg: the names of the files of this directory end in .conf"},
		"a directory":             {"supervisor/conf.d/hello.conf", app, "warning: nothing reads image/supervisor: did you mean supervisord?"},
		"a template":              {"templates/app.conf", "port ${APP_PORT}\n", "open: image/templates/app.conf:1: the environment variable APP_PORT is not set: "},
		"a directory of steps":    {"setup/run.alway/10-x.sh", "#!/bin/sh\n", "warning: nothing reads image/setup/run.alway: did you mean run.always?"},
		"a variable to come":      {"supervisord/conf.d/hello.conf", "[program:hello]\ncommand = hello %(ENV_HELLO_PORT)s\n", `open: image/supervisord/conf.d/hello.conf:2: command: the environment variable HELLO_PORT is not set: set it, empty if need be (ENV HELLO_PORT="" in the Dockerfile)`},
		"a directory to come":     {"supervisord/conf.d/hello.conf", app + "stdout_logfile = /nowhere/hello.log\n", "open: image/supervisord/conf.d/hello.conf:3: stdout_logfile: the directory /nowhere does not exist: create it in a run.always step"},
		"a directory of scripts":  {"notify/10-x.sh", "#!/bin/sh\n", "warning: nothing reads image/notify: did you mean notify.d?"},
		"a script that notifies":  {"notify.d/10-x.sh", "echo hello\n", "error: image/notify.d/10-x.sh:1: has no #! line: begin it with #!/bin/sh"},
		"a step at the end":       {"setup/run.finish/10-x.sh", "echo hello\n", "error: image/setup/run.finish/10-x.sh:1: has no #! line: begin it with #!/bin/sh"},
		"no first line":           {"setup/run.once/10-x.sh", "echo hello\n", "error: image/setup/run.once/10-x.sh:1: has no #! line: begin it with #!/bin/sh"},
		"a carriage return":       {"setup/run.always/10-x.sh", "#!/bin/sh\r\n", "error: image/setup/run.always/10-x.sh:1: the #! line ends in a carriage return: save the file with Unix line ends"},
		"an interpreter":          {"health/readiness.probes.d/check-crond.py", "#!/usr/bin/python4\n", "error: image/health/readiness.probes.d/check-crond.py:1: the interpreter /usr/bin/python4 is missing or not executable: install it, or name another one"},
		"a probe":                 {"health/readiness.probes.d/check-cornd.sh", "#!/bin/sh\n", "warning: image/health/readiness.probes.d/check-cornd.sh is named after no program, so a failure restarts nothing: did you mean check-crond?"},
		"a backup alone":          {"backup/scripts/backup-hello.sh", "#!/bin/sh\n", "warning: image/backup/scripts/backup-hello.sh stages what no script restores: add image/restore/scripts/restore-hello.sh"},
		"an entry point":          {"backup/backup.py", "print()\n", "error: image/backup/backup.py:1: has no #! line: begin it with #!/usr/bin/python3"},
		"a line of the crontab":   {"cron/kubernetes", "61 * * * * hello\n", "error: image/cron/kubernetes:1: minute 61 is above 59"},
		"a block for logrotate":   {"logging/logrotate.d/hello.conf", "/storage/logs/hello.log {\n    rotat 3\n}\n", "error: image/logging/logrotate.d/hello.conf:2: "},
		"an input of filebeat":    {"logging/filebeat.d/hello.yml", "- type: filestream\n  paths: [/x]\n", ""}, // not read where nothing is shipped
		"a circle":                {"supervisord/conf.d/hello.conf", app + "depends_on = bye\n[program:bye]\ncommand = bye\ndepends_on = hello\n", `error: image/supervisord/conf.d/hello.conf:3: depends_on: a circle, of which nothing could start: hello waits for bye waits for hello`},
		"nobody to wait for":      {"supervisord/conf.d/hello.conf", app + "depends_on = helo\n", `error: image/supervisord/conf.d/hello.conf:3: depends_on: "helo" names no program: expected NAME, GROUP:NAME or GROUP`},
		"no probe to wait for":    {"supervisord/conf.d/hello.conf", app + "depends_on = crond:healthy\n", `error: image/supervisord/conf.d/hello.conf:3: depends_on: "crond:healthy" wants a readiness probe of crond, and there is none: add check-crond.sh to IMAGE_HEALTH_READINESS_DIR, or say :running`},
		"a condition":             {"supervisord/conf.d/hello.conf", app + "depends_on = crond:ready\n", `error: image/supervisord/conf.d/hello.conf:3: depends_on: "crond:ready" names no program: `},
		"an empty file":           {"setup/run.always/10-x.sh", "", ""},
		"a probe switched off":    {"health/readiness.probes.d/check-nothing.sh", "", ""},
		"a helper beside a probe": {"health/readiness.probes.d/tool.sh", "#!/bin/sh\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			tree := testenv.NewTree(t)
			path := tree.Path("image", test.file)
			_ = os.Remove(path) // a link leads elsewhere
			testenv.Write(t, path, test.text, 0o755)
			got := strings.Join(found(t, tree), "\n")
			if (test.want == "") != (got == "") || !strings.HasPrefix(got, test.want) || strings.Contains(got, "\n") {
				t.Errorf("found\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func TestVariables(t *testing.T) {
	got := strings.Join(found(t, testenv.NewTree(t), "IMAGE_BACKUP_PATH=/data", "IMAGE_MAIN_PROGRAM=hello", "IMAGE_HEALTH_MAX_RESTARTS=5/10m"), "\n")
	for _, want := range []string{
		"warning: nothing reads the variable IMAGE_BACKUP_PATH: did you mean IMAGE_BACKUP_PATHS?",
		"warning: IMAGE_HEALTH_MAX_RESTARTS=5/10m0s never ends the container: checks run every 5m0s at most (IMAGE_HEALTH_CRON), so 5 restarts and the check after them take 25m0s",
		`error: IMAGE_MAIN_PROGRAM="hello": there is no [program:hello] among supervisord's files in image/supervisord`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("found\n%s\nwant %q", got, want)
		}
	}
}

func TestBitsOfSteps(t *testing.T) {
	testenv.Isolated(t, func(t *testing.T, dir string) {
		tree := testenv.NewTreeAt(t, dir)
		for _, step := range []string{"run.always", "run.once"} {
			testenv.Write(t, tree.Path("image/setup", step, "10-x.sh"), "#!/bin/sh\n", 0o644)
		}
		testenv.Chown(t, tree.Root, 500)
		testenv.Become(t, 500)
		want := "error: image/setup/run.always/10-x.sh is not executable for uid 500: chmod 755 it in the image"
		if got := strings.Join(found(t, tree), "\n"); got != want {
			t.Errorf("found\n%s\nwant\n%s", got, want)
		}
	})
}
