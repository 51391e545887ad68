package setup_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ZPascal/container-manager/pkg/setup"
	"github.com/ZPascal/container-manager/test/testenv"
)

func TestCrontab(t *testing.T) {
	for name, test := range map[string]struct {
		environ []string
		want    string // IMAGE, RUN and LOGS stand for directories
	}{
		"by default": {nil, `2 1 * * * . RUN/env; IMAGE/backup/backup.py >>LOGS/backup.log 2>&1
*/5 * * * * IMAGE/health/check-readiness.py >>LOGS/readiness.log 2>&1
32 4 * * * . RUN/env; logrotate -f -s RUN/logging/logrotate.state RUN/logging/logrotate-global.conf
`},
		"all of it": {[]string{"IMAGE_HEALTH_LIVENESS_CHECK_ENABLED=1"}, `2 1 * * * . RUN/env; IMAGE/backup/backup.py >>LOGS/backup.log 2>&1
*/5 * * * * IMAGE/health/check-liveness.py >>LOGS/liveness.log 2>&1
*/5 * * * * IMAGE/health/check-readiness.py >>LOGS/readiness.log 2>&1
32 4 * * * . RUN/env; logrotate -f -s RUN/logging/logrotate.state RUN/logging/logrotate-global.conf
`},
		"no backups, other times": {
			[]string{"IMAGE_BACKUP_ENABLED=0", "IMAGE_BACKUP_CRON=@daily", "IMAGE_HEALTH_CRON=@every 90s", "IMAGE_LOGROTATE_CRON=@hourly"},
			`@every 90s IMAGE/health/check-readiness.py >>LOGS/readiness.log 2>&1
@hourly . RUN/env; logrotate -f -s RUN/logging/logrotate.state RUN/logging/logrotate-global.conf
`,
		},
		"blanks around the times": {[]string{"IMAGE_BACKUP_CRON=  2\t1 * * * \n", "IMAGE_HEALTH_CRON=@hourly\n", "IMAGE_LOGROTATE_CRON=\n@daily"}, `2	1 * * * . RUN/env; IMAGE/backup/backup.py >>LOGS/backup.log 2>&1
@hourly IMAGE/health/check-readiness.py >>LOGS/readiness.log 2>&1
@daily . RUN/env; logrotate -f -s RUN/logging/logrotate.state RUN/logging/logrotate-global.conf
`},
		"other places": {[]string{"IMAGE_BACKUP_LOG=/var/log/b.log", "IMAGE_HEALTH_READINESS_LOG=/var/log/it's $HOME.log"}, `2 1 * * * . RUN/env; IMAGE/backup/backup.py >>/var/log/b.log 2>&1
*/5 * * * * IMAGE/health/check-readiness.py >>'/var/log/it'\''s $HOME.log' 2>&1
32 4 * * * . RUN/env; logrotate -f -s RUN/logging/logrotate.state RUN/logging/logrotate-global.conf
`},
	} {
		t.Run(name, func(t *testing.T) {
			tree := testenv.NewTree(t)
			installBinary(t, tree)
			c := load(t, tree, test.environ...)
			path := filepath.Join(c.RunDir, "cron/kubernetes")
			want := strings.NewReplacer("IMAGE", c.BaseDir, "RUN", c.RunDir, "LOGS", c.LogsDir).Replace(test.want)
			old := syscall.Umask(0o077)
			t.Cleanup(func() { syscall.Umask(old) })
			for range 3 { // starts
				always(t, c)
				if got := testenv.Read(t, path); got != want {
					t.Errorf("got:\n%swant:\n%s", got, want)
				}
			}
			if mode := testenv.Mode(t, path); mode != 0o644 {
				t.Errorf("the crontab is %v", mode)
			}
			if got := testenv.Read(t, filepath.Join(c.CronDir, "kubernetes")); got != want {
				t.Errorf("through the link:\n%s", got)
			}
		})
	}
}

// installBinary puts a binary where the first lines of the tree's entry points say.
func installBinary(t *testing.T, tree testenv.Tree) {
	t.Helper()
	testenv.Script(t, tree.Path("bin/container-manager"), "true")
	for _, name := range []string{"backup/backup.py", "health/check-liveness.py", "health/check-readiness.py"} {
		testenv.Write(t, tree.Path("image", name), "#!"+tree.Path("bin/container-manager")+" script\n", 0o755)
	}
}

// The kernel cannot run a built-in file by itself, but the binary can.
func TestCrontabWhereTheBinaryLiesElsewhere(t *testing.T) {
	for name, spoil := range map[string]func(tree testenv.Tree, path string){
		"no interpreter": func(_ testenv.Tree, path string) { testenv.Write(t, path, "#!/none/container-manager script\n", 0o755) },
		"not executable": func(_ testenv.Tree, path string) { testenv.Chmod(t, path, 0o644) },
	} {
		t.Run(name, func(t *testing.T) {
			tree := testenv.NewTree(t)
			installBinary(t, tree)
			spoil(tree, tree.Path("image/backup/backup.py"))
			c := load(t, tree)
			always(t, c)
			got := testenv.Read(t, setup.Crontab(c))
			if want := "; container-manager script " + tree.Path("image/backup/backup.py") + " >>"; !strings.Contains(got, want) {
				t.Errorf("the crontab lacks %q:\n%s", want, got)
			}
			if want := "* " + tree.Path("image/health/check-readiness.py") + " >>"; !strings.Contains(got, want) {
				t.Errorf("the crontab lacks %q:\n%s", want, got)
			}
		})
	}
}

func TestCrontabAfterALineWithoutItsEnd(t *testing.T) {
	c := load(t, testenv.NewTree(t))
	begin(t, c)
	testenv.Write(t, setup.Crontab(c), "@hourly mine", 0o644)
	step(t, "03-configure-health.py", c)
	step(t, "05-configure-logrotate.py", c)
	lines := strings.Split(testenv.Read(t, setup.Crontab(c)), "\n")
	if len(lines) != 4 || lines[0] != "@hourly mine" || !strings.HasPrefix(lines[1], "*/5 ") || !strings.HasPrefix(lines[2], "32 4 ") || lines[3] != "" {
		t.Errorf("lines %q", lines)
	}
}

// Whatever the paths are, sh makes of the lines what was meant.
func TestCrontabForAShell(t *testing.T) {
	tree := testenv.NewTreeAt(t, filepath.Join(testenv.Dir(t), `a b'c$d&(e)`))
	t.Setenv("PATH", tree.Path("bin")+":/usr/bin:/bin")
	for _, name := range []string{"backup/backup.py", "health/check-liveness.py", "health/check-readiness.py"} {
		testenv.Write(t, tree.Path("image", name), "#!/none/container-manager script\n", 0o755)
	}
	c := load(t, tree, "IMAGE_HEALTH_LIVENESS_CHECK_ENABLED=1")
	always(t, c)
	if err := setup.CreateStorageDirs(c); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"container-manager", "logrotate"} {
		testenv.Script(t, tree.Path("bin", name), `echo "$0"; for a; do echo "$a"; done; echo "bad" >&2`)
	}
	crontab, err := os.Open(filepath.Join(c.RunDir, "cron/kubernetes"))
	if err != nil {
		t.Fatal(err)
	}
	defer crontab.Close()
	var printed strings.Builder
	for lines := bufio.NewScanner(crontab); lines.Scan(); {
		words := strings.SplitN(lines.Text(), " ", 6)
		cmd := exec.Command("/bin/sh", "-c", words[5])
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v", words[5], err)
		}
		printed.Write(out)
	}
	self := tree.Path("bin/container-manager")
	for log, want := range map[string]string{
		c.BackupLog:    self + "\nscript\n" + setup.BackupPath(c) + "\nbad\n",
		c.LivenessLog:  self + "\nscript\n" + setup.LivenessPath(c) + "\nbad\n",
		c.ReadinessLog: self + "\nscript\n" + setup.ReadinessPath(c) + "\nbad\n",
	} {
		if got := testenv.Read(t, log); got != want {
			t.Errorf("%s holds %q, want %q", log, got, want)
		}
	}
	want := tree.Path("bin/logrotate") + "\n-f\n-s\n" + tree.Path("run/logging/logrotate.state") + "\n" + tree.Path("run/logging/logrotate-global.conf") + "\nbad\n"
	if got := printed.String(); got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
}

// The image's own lines are part of the crontab on every start, however they came
// where they are, and whatever the built-in steps are.
func TestOwnLines(t *testing.T) {
	const (
		mine   = "30 3 * * * /image/app/report.py\n"
		backup = "2 1 * * * . RUN/env; container-manager script IMAGE/backup/backup.py >>LOGS/backup.log 2>&1\n"
		others = "*/5 * * * * container-manager script IMAGE/health/check-readiness.py >>LOGS/readiness.log 2>&1\n" +
			"32 4 * * * . RUN/env; logrotate -f -s RUN/logging/logrotate.state RUN/logging/logrotate-global.conf\n"
		mark = "# The image's own lines:\n"
	)
	const link, own = "kubernetes", "kubernetes.own"
	for name, test := range map[string]struct {
		files   map[string]string // below IMAGE_CRON_DIR
		environ []string
		step    string // a script in place of 01-configure-backup.py
		want    string
	}{
		"nothing but a comment": {map[string]string{link: "# nothing\n\n"}, nil, "", backup + others},
		"a file":                {map[string]string{link: mine}, nil, "", backup + others + mark + mine},
		"through the links":     {map[string]string{own: mine}, nil, "", backup + others + mark + mine},
		"both":                  {map[string]string{own: "@daily first\n", link: mine}, nil, "", backup + others + mark + "@daily first\n" + mine},
		"no backups":            {map[string]string{link: mine}, []string{"IMAGE_BACKUP_ENABLED=0"}, "", others + mark + mine},
		"CRLF, no last newline": {map[string]string{link: "# mine\r\n30 3 * * * /image/app/report.py"}, nil, "", backup + others + mark + "# mine\n" + mine},
		"variables":             {map[string]string{link: "TZ=UTC\n" + mine}, nil, "", backup + others + mark + "TZ=UTC\n" + mine},
		"built-in ones pasted in": {
			map[string]string{link: "32  4 * * * /image/config/env; logrotate /image/logging/logrotate-global.conf\n" + mine + "0 5 * * * logrotate /image/logging/logrotate-global.conf\n"},
			nil, "",
			backup + others + mark + mine + "0 5 * * * logrotate /image/logging/logrotate-global.conf\n",
		},
		"an old step that begins afresh":  {map[string]string{link: mine}, nil, `rm -f "$1"; echo "@daily old" >"$1"`, "@daily old\n" + others + mark + mine},
		"an old step that writes through": {map[string]string{link: mine}, nil, `echo "@daily old" >"$1"`, "@daily old\n" + others + mark + mine},
		"a step that edits them":          {map[string]string{link: mine}, nil, `sed -i 's/^30 3/45 3/' "$1"`, others + mark + "45" + mine[2:]},
	} {
		t.Run(name, func(t *testing.T) {
			tree := testenv.NewTree(t)
			for file, text := range test.files {
				testenv.Write(t, tree.Path("image/cron", file), text, 0o644)
			}
			if test.step != "" {
				testenv.Script(t, tree.Path("image/setup/run.always/01-configure-backup.py"), "set -- "+tree.Path("image/cron/kubernetes")+"\n"+test.step)
			}
			c := load(t, tree, test.environ...)
			want := strings.NewReplacer("IMAGE/", c.BaseDir+"/", "RUN", c.RunDir, "LOGS", c.LogsDir).Replace(test.want)
			for range 3 { // starts
				always(t, c)
				if err := setup.AdoptCrontab(c); err != nil {
					t.Fatal(err)
				}
				if got := testenv.Read(t, setup.CrontabLink(c)); got != want {
					t.Errorf("got:\n%swant:\n%s", got, want)
				}
				if target, err := os.Readlink(setup.CrontabLink(c)); target != setup.Crontab(c) {
					t.Errorf("%v, the link leads to %q", err, target)
				}
			}
		})
	}
}

// As our base images have it, the links lead through a directory of their own, which
// is enough where the tree cannot be written.
func TestLinksOfOurImages(t *testing.T) {
	for name, uid := range map[string]int{"root": 0, "the image's": 500, "another": 12345} {
		t.Run(name, func(t *testing.T) {
			testenv.Isolated(t, func(t *testing.T, dir string) {
				tree := testenv.NewTreeAt(t, dir)
				hops := tree.Path("tmp/container-manager.links")
				env, cron := tree.Path("image/config/env"), tree.Path("image/cron/kubernetes")
				testenv.Write(t, hops+"/env", "", 0o644)
				testenv.Chmod(t, hops, 0o777)
				testenv.Chown(t, hops, 500)
				for _, err := range []error{
					os.Remove(env), os.Symlink(hops+"/env", env),
					os.Rename(cron, cron+".own"), os.Symlink(hops+"/kubernetes", cron), os.Symlink(cron+".own", hops+"/kubernetes"),
					os.Lchown(env, 500, 500), os.Lchown(cron, 500, 500),
				} {
					if err != nil {
						t.Fatal(err)
					}
				}
				testenv.Write(t, cron, "@daily mine\n", 0o644) // as a Dockerfile does, through both links
				testenv.Mount(t, tree.Path("image"), tree.Path("image"), "", syscall.MS_BIND, "")
				testenv.Mount(t, "", tree.Path("image"), "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, "")
				testenv.Mkdir(t, tree.Path("run/cron"))
				testenv.Chown(t, tree.Path("run"), uid)
				testenv.Become(t, uid)
				c := load(t, tree)
				for range 2 { // starts
					if said := begin(t, c); said != "" {
						t.Errorf("said %q", said)
					}
					step(t, "00-configure-environment.py", c)
					step(t, "01-configure-backup.py", c)
					testenv.Write(t, cron, testenv.Read(t, cron)+"@hourly step\n", 0o644)
					if err := setup.AdoptCrontab(c); err != nil {
						t.Error(err)
					}
					if got := testenv.Read(t, setup.Crontab(c)); !strings.HasPrefix(got, "2 1 ") || !strings.HasSuffix(got, "\n@daily mine\n@hourly step\n") || strings.Count(got, "\n") != 4 {
						t.Errorf("the crontab is\n%s", got)
					}
					if !strings.Contains(testenv.Read(t, env), "IMAGE_BASE_DIR=") {
						t.Error("the link does not lead to the saved environment")
					}
				}
				if mode := testenv.Mode(t, hops).Perm(); (mode == 0o755) != (uid != 12345) {
					t.Errorf("the directory of the links is %v", mode)
				}
			})
		})
	}
}

// What somebody else has put there is not used.
func TestLinksThroughAForeignDirectory(t *testing.T) {
	testenv.Isolated(t, func(t *testing.T, dir string) {
		tree := testenv.NewTreeAt(t, dir)
		hops, env := tree.Path("tmp/container-manager.links"), tree.Path("image/config/env")
		testenv.Mkdir(t, hops)
		testenv.Chown(t, hops, 500)
		testenv.Chmod(t, hops, 0o777)
		if err := os.Remove(env); err != nil {
			t.Fatal(err)
		}
		testenv.Symlink(t, hops+"/env", env)
		begin(t, load(t, tree))
		if target, err := os.Readlink(env); target != tree.Path("run/env") {
			t.Errorf("%v, the link leads to %s, want the saved environment", err, target)
		}
		if testenv.Exists(hops + "/env") {
			t.Error("something was put into another user's directory")
		}
	})
}
