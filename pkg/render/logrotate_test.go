package render_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/render"
	"github.com/ZPascal/container-manager/test/testenv"
)

// logrotate runs it on the rendered configuration.
func logrotate(t *testing.T, c config.Config, args ...string) string {
	t.Helper()
	testenv.NotQuick(t)
	cmd := exec.CommandContext(t.Context(), "/usr/sbin/logrotate",
		append(args, "-s", filepath.Join(c.RunDir, "logging", "logrotate.state"), render.LogrotateConf(c))...)
	cmd.Env = c.Environ
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("logrotate: %v\n%s", err, out)
	}
	return string(out)
}

func TestShippedLogrotateRotates(t *testing.T) {
	for name, uid := range map[string]int{"as root": 0, "as user 500": 500} {
		t.Run(name, func(t *testing.T) {
			testenv.Isolated(t, func(t *testing.T, dir string) {
				tree := testenv.NewTreeAt(t, dir)
				testenv.Chown(t, dir, uid)
				testenv.Become(t, uid)
				c := rendered(t, tree)
				for range 3 {
					testenv.Write(t, c.BackupLog, "backup\n", 0o644)
					testenv.Write(t, filepath.Join(c.LogsDir, "crond.log"), "cron\n", 0o644)
					if out := logrotate(t, c, "-f"); out != "" {
						t.Errorf("logrotate says %s", out)
					}
				}
				want := "backup.log.1 backup.log.2.gz crond.log.1 crond.log.2.gz supervisor" // rotate 2, the newest uncompressed
				if got := strings.Join(testenv.Names(t, c.LogsDir), " "); got != want {
					t.Errorf("logs are %s, want %s", got, want)
				}
				if text := snapshot(t, filepath.Join(c.RunDir, "logging")); strings.Contains(text, "\nsu ") || strings.Contains(text, " su ") {
					t.Errorf("logrotate changes users:\n%s", text)
				}
			})
		})
	}
}

// A shell body is run by a shell with the environment: what it says there is
// what a person reading the template expects.
func TestShellBodies(t *testing.T) {
	tree := testenv.NewTree(t)
	testenv.Write(t, tree.Path("image/logging/logrotate.d/app"), `"${STORAGE_LOGS_DIR}/app.log" {
	missingok
	sharedscripts
	prerotate
		exec >>"${OUT}"
		echo "${#} ${NAME} ${SPACES} $(echo sub) ${UNSET:-default} ${UNSET}."
		for f in a.log b.log; do echo "${f%.log} $f $((1 + 1)) \$HOME"; done
		echo '${QUOTE}' "${QUOTE}" `+"`echo back`"+`
	endscript
	postrotate
		echo "after ${NAME}" >>${OUT}
	endscript
}
`, 0o644)
	out := tree.Path("out")
	c := rendered(t, tree, "OUT="+out, "NAME=shop", "SPACES=a  b", `QUOTE='"$(touch canary)`+"`touch canary`", "RUN_IN="+tree.Root)
	log := filepath.Join(c.LogsDir, "app.log")
	testenv.Write(t, log, "x\n", 0o644)
	t.Chdir(tree.Root)
	logrotate(t, c, "-f")
	want := `1 shop a  b sub default .
a a.log 2 $HOME
b b.log 2 $HOME
${QUOTE} '"$(touch canary)` + "`touch canary` back\nafter shop\n"
	if got := testenv.Read(t, out); got != want {
		t.Errorf("the scripts said\n%s\nwant\n%s", got, want)
	}
	if testenv.Exists("canary") {
		t.Error("a value was executed")
	}
}

func TestLogrotateNames(t *testing.T) {
	for name, test := range map[string]struct{ text, want, problem string }{
		"plain":             {"${A}/x ${A}${EMPTY}${A} {}\n", "/v/x /v/v {}\n", ""},
		"no last newline":   {"olddir ${A}", "olddir /v", ""},
		"values stay whole": {"mail ${DOLLAR}\n", "mail ${A}$A\n", ""},
		"no names":          {"mail $A${}${1}${A-B}${A\n", "mail $A${}${1}${A-B}${A\n", ""},
		"comments":          {"# ${NONE}\n  # ${NONE} ${A}\n", "# ${NONE}\n  # ${NONE} ${A}\n", ""},
		"scripts":           {"postrotate\n${NONE} ${A} ${SPACES}\n# endscript\n${NONE}\nendscript\n", "postrotate\n${NONE} /v ${SPACES}\n# endscript\n${NONE}\nendscript\n", ""},
		"siblings": {
			"prerotate\n${N}\nendscript\nfirstaction\n${N}\nendscript\nlastaction\n${N}\nendscript\npreremove\n${N}\nendscript\n",
			"prerotate\n${N}\nendscript\nfirstaction\n${N}\nendscript\nlastaction\n${N}\nendscript\npreremove\n${N}\nendscript\n", "",
		},
		"unset":                {"\n\n${A} ${NONE}\n", "", "3: the environment variable NONE"},
		"unset behind scripts": {"postrotate\n${NONE}\nendscript\n${NONE}\n", "", "4: the environment variable NONE"},
		"unset in lower case":  {"${none}\n", "", "1: the environment variable none"},
	} {
		t.Run(name, func(t *testing.T) {
			tree := testenv.NewTree(t)
			testenv.Write(t, tree.Path("image/logging/logrotate.d/x"), test.text, 0o644)
			environ := []string{"A=/v", "EMPTY=", "DOLLAR=${A}$A", "SPACES=a b"}
			if test.problem != "" {
				got := problems(t, tree, environ...)
				if len(got) != 1 || !strings.HasPrefix(got[0], "image/logging/logrotate.d/x:"+test.problem+" is not set: set it, empty if need be (ENV ") {
					t.Errorf("problems %q, want %q", got, test.problem)
				}
				return
			}
			c := rendered(t, tree, environ...)
			if got := testenv.Read(t, filepath.Join(c.RunDir, "logging/logrotate.d/x")); got != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

func TestLogrotateInclude(t *testing.T) {
	for name, test := range map[string]struct {
		global string
		want   []string // its include lines
	}{
		"as shipped":      {"daily\ninclude ${IMAGE_LOGGING_DIR}/logrotate.d\n", []string{"RUN"}},
		"in quotes":       {`include "${IMAGE_LOGGING_DIR}/logrotate.d/"` + "\n", []string{"RUN"}},
		"written out":     {"  include   ROOT/image/logging/logrotate.d\n", []string{"RUN"}},
		"none":            {"daily", []string{"RUN"}},
		"another as well": {"include ROOT/more\n", []string{"ROOT/more", "RUN"}},
	} {
		t.Run(name, func(t *testing.T) {
			tree := testenv.NewTree(t)
			testenv.Mkdir(t, tree.Path("more"))
			testenv.Write(t, tree.Path("image/logging/logrotate-global.conf"), "missingok\n"+strings.ReplaceAll(test.global, "ROOT", tree.Root), 0o644)
			c := rendered(t, tree)
			var got []string
			for line := range strings.Lines(testenv.Read(t, render.LogrotateConf(c))) {
				if words := strings.Fields(line); len(words) == 2 && words[0] == "include" {
					got = append(got, words[1])
				}
			}
			paths := strings.NewReplacer("ROOT", tree.Root, "RUN", filepath.Join(c.RunDir, "logging/logrotate.d"))
			if want := paths.Replace(strings.Join(test.want, " ")); strings.Join(got, " ") != want {
				t.Errorf("includes %q, want %q", got, want)
			}
			logrotate(t, c, "-d")
		})
	}
}

func TestLogrotateRemovedByAChild(t *testing.T) {
	tree := testenv.NewTree(t)
	rendered(t, tree) // by a former life, with other templates
	if err := os.Remove(tree.Path("image/logging/logrotate-global.conf")); err != nil {
		t.Fatal(err)
	}
	c := rendered(t, tree)
	if testenv.Exists(render.LogrotateConf(c)) {
		t.Error("the former configuration is still there")
	}
	if names := testenv.Names(t, filepath.Join(c.RunDir, "logging/logrotate.d")); len(names) > 0 {
		t.Errorf("the former %q are still there", names)
	}
}

// What logrotate passes over cannot end a start.
func TestLogrotateTaboo(t *testing.T) {
	tree := testenv.NewTree(t)
	dir := tree.Path("image/logging/logrotate.d")
	names := []string{
		"a,v", "a~", "a.bak", "a.cfsaved", "a.disabled", "a.dpkg-bak", "a.dpkg-del", "a.dpkg-dist", "a.dpkg-new", "a.dpkg-old", "a.dpkg-tmp",
		"a.rhn-cfg-tmp-1", "a.rpmnew", "a.rpmorig", "a.rpmsave", "a.swp", "a.ucf-dist", "a.ucf-new", "a.ucf-old",
	}
	for _, name := range names {
		testenv.Write(t, filepath.Join(dir, name), "${NONE} {\n}\n", 0o644)
	}
	testenv.Write(t, filepath.Join(dir, "a.bak.conf"), "${STORAGE_LOGS_DIR}/*.x {\n}\n", 0o644)
	c := rendered(t, tree)
	want := "a.bak.conf logrotate-backup.conf logrotate-crond.conf logrotate-supervisor.conf"
	if got := strings.Join(testenv.Names(t, filepath.Join(c.RunDir, "logging/logrotate.d")), " "); got != want {
		t.Errorf("rendered %s, want %s", got, want)
	}
	// It passes over them by itself, too.
	for _, name := range names {
		testenv.Write(t, filepath.Join(c.RunDir, "logging/logrotate.d", name), "no configuration\n", 0o600)
	}
	logrotate(t, c, "-d")
}
