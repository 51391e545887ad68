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

func TestLinkOfTheCrontab(t *testing.T) {
	for name, prepare := range map[string]func(link string) error{
		"shipped":             func(string) error { return nil },
		"an old script's":     func(link string) error { return os.WriteFile(link+".new", []byte("* * * * * old\n"), 0o644) },
		"missing":             func(string) error { return nil },
		"a link to elsewhere": func(link string) error { return os.Symlink("/etc/crontab", link+".new") },
	} {
		t.Run(name, func(t *testing.T) {
			c := load(t, testenv.NewTree(t))
			link := filepath.Join(c.CronDir, "kubernetes")
			if err := prepare(link); err != nil {
				t.Fatal(err)
			}
			if name == "missing" {
				if err := os.Remove(link); err != nil {
					t.Fatal(err)
				}
			}
			if testenv.Exists(link + ".new") {
				if err := os.Rename(link+".new", link); err != nil {
					t.Fatal(err)
				}
			}
			always(t, c)
			if target, err := os.Readlink(link); err != nil || target != filepath.Join(c.RunDir, "cron/kubernetes") {
				t.Errorf("%v, it leads to %q", err, target)
			}
			if strings.Contains(testenv.Read(t, link), "* old\n") {
				t.Error("the crontab was not begun afresh")
			}
		})
	}
}
