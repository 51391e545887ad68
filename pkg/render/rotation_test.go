package render_test

import (
	"os"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/pkg/render"
	"github.com/ZPascal/container-manager/pkg/supervisorconf"
	"github.com/ZPascal/container-manager/test/testenv"
)

// rotation is a tree with these templates: of supervisord where the name ends in
// .conf, else of logrotate.
func rotation(t *testing.T, files map[string]string) testenv.Tree {
	t.Helper()
	tree := testenv.NewTree(t)
	for name, text := range files {
		dir := "image/logging/logrotate.d"
		switch {
		case name == "logrotate-global.conf":
			dir = "image/logging"
		case strings.HasSuffix(name, ".conf") && !strings.HasPrefix(name, "logrotate-"):
			dir = "image/supervisord/conf.d"
		}
		testenv.Write(t, tree.Path(dir, name), strings.ReplaceAll(text, "LOGS/", tree.Path("storage/logs/supervisor")+"/"), 0o644)
	}
	return tree
}

// warnings renders, and returns the warnings without the tree's root and what
// logrotate says about the result.
func warnings(t *testing.T, tree testenv.Tree, extra ...string) string {
	t.Helper()
	c := load(t, tree, extra...)
	first, err := render.All(c)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(logrotate(t, c, "-d")) {
		if strings.HasPrefix(line, "error:") {
			t.Errorf("logrotate says %s", line)
		}
	}
	got := first.Warnings
	if again, err := render.All(c); err != nil || strings.Join(again.Warnings, "\n") != strings.Join(got, "\n") {
		t.Errorf("%v, the second start warns %q, the first %q", err, again.Warnings, got)
	}
	return strings.ReplaceAll(strings.Join(got, "\n"), tree.Root+"/", "")
}

// maxBytes returns what the rendered configuration says about the size at which
// supervisord rotates a log.
func maxBytes(t *testing.T, tree testenv.Tree, section, key string) string {
	t.Helper()
	conf, err := supervisorconf.Load(tree.Path("run/supervisord/global.conf"), os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	return conf.Section(section).Value(key+"_maxbytes", "none")
}

const appWithLog = "[program:app]\ncommand=app\nredirect_stderr=true\nstdout_logfile=%(ENV_SUPERVISOR_LOGS_DIR)s/app.log\nstdout_logfile_maxbytes = 400MB\n"

func TestWhoRotates(t *testing.T) {
	const block = "\"${SUPERVISOR_LOGS_DIR}/app.log\" {\n}\n"
	for name, test := range map[string]struct {
		files    map[string]string
		maxBytes string // of app's output
		warnings string
	}{
		"supervisord":    {map[string]string{"app.conf": appWithLog}, "400MB", ""},
		"logrotate":      {map[string]string{"app.conf": appWithLog, "app": block}, "0", ""},
		"a pattern":      {map[string]string{"app.conf": appWithLog, "app": "${SUPERVISOR_LOGS_DIR}/a*.log {\n}\n"}, "0", ""},
		"one of several": {map[string]string{"app.conf": appWithLog, "app": "/x/y.log \"LOGS/../supervisor//app.log\"\n{\n}\n"}, "0", ""},
		"in the global file": {map[string]string{
			"app.conf": appWithLog, "logrotate-global.conf": "missingok\ninclude ${IMAGE_LOGGING_DIR}/logrotate.d\n" + block,
		}, "0", ""},
		"by default": {map[string]string{
			"app.conf": "[program:app]\ncommand=app\nstdout_logfile=LOGS/app.log\n", "app": block,
		}, "0", ""},
		"by itself already": {map[string]string{
			"app.conf": strings.ReplaceAll(appWithLog, "400MB", "0"), "app": block,
		}, "0", ""},
		"in another file": {map[string]string{
			"app.conf": appWithLog, "more.conf": "[program:app]\nstdout_logfile_maxbytes = 500MB\n", "app": block,
		}, "0", "image/supervisord/conf.d/more.conf:2: stdout_logfile_maxbytes of [program:app] stands in the section at ROOT/image/supervisord/conf.d/app.conf:1 too: this one counts"},
		"of several processes": {map[string]string{
			"app.conf": "[program:app]\ncommand=app\nnumprocs=3\nprocess_name=%(program_name)s_%(process_num)02d\nredirect_stderr=true\nstdout_logfile=LOGS/%(program_name)s-%(process_num)d.log\nstdout_logfile_maxbytes=1MB\n",
			"app":      "LOGS/app-*.log {\n}\n",
		}, "0", ""},
		"of some processes": {map[string]string{
			"app.conf": "[program:app]\ncommand=app\nnumprocs=3\nprocess_name=%(process_num)d\nredirect_stderr=true\nstdout_logfile=LOGS/app-%(process_num)d.log\n",
			"app":      "# all of them\nLOGS/app-[02].log {\n}\n",
		}, "0", "image/logging/logrotate.d/app:2: the block is for some logs of [program:app], but not for storage/logs/supervisor/app-1.log, which nobody rotates then: name all of them"},
		"a name of supervisord's": {map[string]string{
			"app.conf": "[program:app]\ncommand=app\nredirect_stderr=true\n", "app": "LOGS/app-stdout*.log {\n}\n",
		}, "0", ""},
		"a log that is none": {map[string]string{
			"app.conf": "[program:app]\ncommand=app\nredirect_stderr=true\nstdout_logfile=NONE\nstdout_logfile_maxbytes=1MB\n", "app": "LOGS/*.log {\n}\n",
		}, "1MB", ""},
		"copytruncate": {map[string]string{
			"app.conf": appWithLog, "app": "LOGS/app.log {\n copytruncate\n}\n",
		}, "0", "image/logging/logrotate.d/app:1: copytruncate would lose lines of storage/logs/supervisor/app.log, which supervisord writes to: it is renamed, and supervisord opens it anew"},
		"two blocks": {map[string]string{
			"app.conf": appWithLog, "a": block, "b": "# again\nLOGS/app.log LOGS/other.log {\n rotate 9\n}\n",
		}, "0", "image/logging/logrotate.d/b:2: storage/logs/supervisor/app.log has a block in ROOT/image/logging/logrotate.d/a:1 too, and that one counts"},
		"twice in one": {
			map[string]string{"app.conf": appWithLog, "a": "LOGS/app.log LOGS/app.log LOGS/app.log {\n}\n"},
			"0",
			"image/logging/logrotate.d/a:1: storage/logs/supervisor/app.log has a block in ROOT/image/logging/logrotate.d/a:1 too, and that one counts",
		},
		"a name and two patterns": {
			map[string]string{"app.conf": appWithLog, "a": "LOGS/app.log LOGS/a*.log /x/y {\n}\n"},
			"0",
			"image/logging/logrotate.d/a:1: storage/logs/supervisor/app.log has a block in image/logging/logrotate.d/a:1 too, and that one counts",
		},
		"two patterns in one": {
			map[string]string{"app.conf": appWithLog, "a": "LOGS/a*.log LOGS/*.log {\n}\n"},
			"0",
			"image/logging/logrotate.d/a:1: storage/logs/supervisor/app.log has a block in image/logging/logrotate.d/a:1 too, and that one counts",
		},
		"copytruncate for all": {map[string]string{
			"app.conf": appWithLog, "logrotate-global.conf": "copytruncate\ninclude ${IMAGE_LOGGING_DIR}/logrotate.d\n", "app": block,
		}, "0", ""},
		"copytruncate for ours": {
			map[string]string{"app.conf": appWithLog, "a": "LOGS/../crond.log {\n copytruncate\n}\n"},
			"400MB",
			"image/logging/logrotate.d/a:1: copytruncate would lose lines of storage/logs/supervisor/../crond.log, which is opened anew when it was renamed\n" +
				"image/logging/logrotate.d/logrotate-crond.conf:2: storage/logs/crond.log has a block in ROOT/image/logging/logrotate.d/a:1 too, and that one counts",
		},
		"not this one": {map[string]string{"app.conf": appWithLog, "a": "LOGS/[!a]*.log {\n}\n"}, "400MB", ""},
		"a pattern behind a name": {map[string]string{
			"app.conf": appWithLog, "a": block, "b": "LOGS/a*.log {\n rotate 9\n}\n",
		}, "0", "image/logging/logrotate.d/b:1: storage/logs/supervisor/app.log has a block in ROOT/image/logging/logrotate.d/a:1 too, and that one counts"},
		"a name behind a pattern": {map[string]string{
			"app.conf": appWithLog, "a": "LOGS/a*.log {\n}\n", "b": block,
		}, "0", "image/logging/logrotate.d/b:1: storage/logs/supervisor/app.log has a block in ROOT/image/logging/logrotate.d/a:1 too, and that one counts"},
		"a shipped one behind it": {
			map[string]string{"app.conf": appWithLog, "a": "LOGS/../crond.log {\n rotate 9\n}\n"},
			"400MB",
			"image/logging/logrotate.d/logrotate-crond.conf:2: storage/logs/crond.log has a block in ROOT/image/logging/logrotate.d/a:1 too, and that one counts",
		},
		"a shipped one before it": {
			map[string]string{"app.conf": appWithLog, "z": "LOGS/../backup.log {\n rotate 9\n}\n"},
			"400MB",
			"image/logging/logrotate.d/logrotate-backup.conf:2: storage/logs/backup.log has a block in ROOT/image/logging/logrotate.d/z:1 too, and that one counts",
		},
	} {
		t.Run(name, func(t *testing.T) {
			tree := rotation(t, test.files)
			testenv.Write(t, tree.Path("storage/logs/supervisor/app.log"), "a line\n", 0o644)
			if got, want := warnings(t, tree), strings.ReplaceAll(test.warnings, "ROOT/", ""); got != want {
				t.Errorf("warnings\n%s\nwant\n%s", got, want)
			}
			if got := maxBytes(t, tree, "program:app", "stdout_logfile"); got != test.maxBytes {
				t.Errorf("supervisord rotates at %s, want %s", got, test.maxBytes)
			}
		})
	}
}

func TestSupervisordsOwnLogByLogrotate(t *testing.T) {
	tree := rotation(t, map[string]string{"all": "LOGS/*.log {\n}\n"})
	if got := warnings(t, tree); got != "" {
		t.Error(got)
	}
	for section, key := range map[string]string{"supervisord": "logfile", "program:crond": "stdout_logfile", "eventlistener:health": "stderr_logfile"} {
		if got := maxBytes(t, tree, section, key); got != "0" {
			t.Errorf("%s of %s is rotated at %s", key, section, got)
		}
	}
}

// The rendered block holds once what supervisord needs, whatever it held before.
func TestRenderedBlocks(t *testing.T) {
	signal := "kill -USR2 \"$(cat 'ROOT/tmp/supervisord.pid')\"\n"
	note := "\n    # supervisord writes to this log, and opens it anew on SIGUSR2.\n"
	for name, test := range map[string]struct{ text, want string }{
		"empty":       {"LOGS/app.log {}\n", "LOGS/app.log {" + note + "    delaycompress\n    nocopytruncate\n    sharedscripts\n    postrotate\n        " + signal + "    endscript\n}\n"},
		"other ideas": {"LOGS/app.log {\n    nodelaycompress\n    ifempty\n}\n", "LOGS/app.log {\n    nodelaycompress\n    ifempty\n" + note + "    delaycompress\n    notifempty\n    nocopytruncate\n    sharedscripts\n    postrotate\n        " + signal + "    endscript\n}\n"},
		"complete":    {"LOGS/app.log {\n    delaycompress\n    nocopytruncate\n    postrotate\n        supervisorctl signal USR2\n    endscript\n}\n", "LOGS/app.log {\n    delaycompress\n    nocopytruncate\n    postrotate\n        supervisorctl signal USR2\n    endscript\n}\n"},
		"a script":    {"LOGS/app.log {\n    postrotate\n        echo $1\n    endscript\n}\n", "LOGS/app.log {\n    postrotate\n        " + signal + "        echo $1\n    endscript\n" + note + "    delaycompress\n    nocopytruncate\n}\n"},
		"prerotate":   {"LOGS/app.log {\n    prerotate\n        echo $1\n    endscript\n}\n", "LOGS/app.log {\n    prerotate\n        echo $1\n    endscript\n" + note + "    delaycompress\n    nocopytruncate\n    postrotate\n        " + signal + "    endscript\n}\n"},
		"beside others": {
			"# a\nLOGS/app.log LOGS/other.log {\n    size 1\n}\n",
			"# a\n\"LOGS/app.log\" {\n    size 1\n" + note + "    delaycompress\n    nocopytruncate\n    sharedscripts\n    postrotate\n        " + signal + "    endscript\n}\n\n" +
				"LOGS/app.log LOGS/other.log {\n    size 1\n}\n",
		},
		"not held": {"LOGS/other.log {\n}\n", "LOGS/other.log {\n}\n"},
	} {
		t.Run(name, func(t *testing.T) {
			tree := rotation(t, map[string]string{"app.conf": appWithLog, "app": test.text})
			warnings(t, tree)
			want := strings.NewReplacer("ROOT", tree.Root, "LOGS/", tree.Path("storage/logs/supervisor")+"/").Replace(test.want)
			if got := testenv.Read(t, tree.Path("run/logging/logrotate.d/app")); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestPIDFileOfAChild(t *testing.T) {
	tree := rotation(t, map[string]string{"app.conf": appWithLog, "app": "LOGS/app.log {\n}\n"})
	global := tree.Path("image/supervisord/global.conf")
	testenv.Write(t, global, strings.Replace(testenv.Read(t, global), "%(ENV_IMAGE_SUPERVISOR_PIDFILE)s", "%(ENV_PROCESS_PID_DIR)s/it's.pid", 1), 0o644)
	warnings(t, tree)
	if got, want := testenv.Read(t, tree.Path("run/logging/logrotate.d/app")), `"$(cat '`+tree.Path("tmp/it")+`'\''s.pid')"`; !strings.Contains(got, want) {
		t.Errorf("%s is not in\n%s", want, got)
	}
}

func TestBadRotation(t *testing.T) {
	for name, test := range map[string]struct {
		files map[string]string
		want  string
	}{
		"an unknown word":  {map[string]string{"app": "LOGS/app.log {\n rotat 5\n}\n"}, "logrotate.d/app:2: logrotate: unknown option 'rotat' -- ignoring line"},
		"behind additions": {map[string]string{"app.conf": appWithLog, "app": "LOGS/app.log {\n postrotate\n  x\n endscript\n size x\n}\n# z\n/y {\n rotate x\n}\n"}, "logrotate.d/app:5: logrotate: unknown unit 'x'\nROOT/logrotate.d/app:9: logrotate: bad rotation count 'x'"},
		"no end":           {map[string]string{"app": "LOGS/app.log {\n postrotate\n  x\n}\n"}, "logrotate.d/app: logrotate: prerotate, postrotate or preremove without endscript"},
		"no beginning":     {map[string]string{"app": "LOGS/app.log\n daily\n}\n"}, "logrotate.d/app:1: logrotate: unexpected } (missing previous '{')"},
		"in the global file": {map[string]string{
			"logrotate-global.conf": "daily\nrotate many\ninclude ${IMAGE_LOGGING_DIR}/logrotate.d\n",
		}, "logrotate-global.conf:2: logrotate: bad rotation count 'many'"},
	} {
		t.Run(name, func(t *testing.T) {
			tree := rotation(t, test.files)
			want := "image/logging/" + strings.ReplaceAll(test.want, "ROOT/", "image/logging/")
			if got := strings.Join(problems(t, tree), "\n"); got != want {
				t.Errorf("problems\n%s\nwant\n%s", got, want)
			}
			if testenv.Exists(tree.Path("run/logging/.check")) {
				t.Error("the copy is still there")
			}
		})
	}
}

// For what is shipped, and what was checked before, no process is started.
func TestLogrotateIsAskedOnce(t *testing.T) {
	tree := rotation(t, nil)
	testenv.Script(t, tree.Path("bin/logrotate"), "echo asked >>"+tree.Path("asked"))
	t.Setenv("PATH", tree.Path("bin")+":"+os.Getenv("PATH"))
	asked := func() int {
		data, _ := os.ReadFile(tree.Path("asked"))
		return strings.Count(string(data), "asked")
	}
	rendered(t, tree)
	if n := asked(); n != 0 {
		t.Errorf("asked %d times about what is shipped", n)
	}
	for n, text := range []string{"/a {\n}\n", "/a {\n}\n", "/${NAME} {\n}\n"} {
		testenv.Write(t, tree.Path("image/logging/logrotate.d/app"), text, 0o644)
		rendered(t, tree, "NAME=x")
		if want := []int{1, 1, 2}[n]; asked() != want {
			t.Errorf("asked %d times after %q, want %d", asked(), text, want)
		}
	}
	rendered(t, tree, "NAME=y")
	if n := asked(); n != 3 {
		t.Errorf("asked %d times with another value, want 3", n)
	}
}

func TestSectionsThatAreNone(t *testing.T) {
	tree := rotation(t, map[string]string{
		"a.conf": "[progam:x]\ncommand=x\n[program:app]\ncommand=x\nuser=root\n[supervisord]\nminfds=4096\n",
		"b.conf": "\n[program:app]\nuser=root\ncommand=y\n",
	})
	want := "image/supervisord/conf.d/a.conf:1: supervisord passes over [progam:x], a kind of section that it does not know: programs are written [program:NAME]\n" +
		"image/supervisord/conf.d/b.conf:4: command of [program:app] stands in the section at image/supervisord/conf.d/a.conf:3 too: this one counts"
	if got := warnings(t, tree); got != want {
		t.Errorf("warnings\n%s\nwant\n%s", got, want)
	}
}

func TestShippedFilesNeedNoWarning(t *testing.T) {
	if got := warnings(t, rotation(t, nil)); got != "" {
		t.Error(got)
	}
}
