package setup_test

import (
	"bufio"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/ZPascal/container-manager/internal/testenv"
	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/setup"
)

// step runs a built-in step, and returns what it said.
func step(t *testing.T, name string, c config.Config) string {
	t.Helper()
	run, ok := setup.Builtin(name)
	if !ok {
		t.Fatalf("there is no step %s", name)
	}
	l, said := logger(t)
	if err := run(c, l); err != nil {
		t.Fatal(err)
	}
	return said()
}

// always runs the built-in steps of every start.
func always(t *testing.T, c config.Config) {
	t.Helper()
	l, _ := logger(t)
	if err := (setup.Runner{Config: c, Log: l}).All(t.Context(), c.RunAlwaysDir); err != nil {
		t.Fatal(err)
	}
}

func TestBuiltins(t *testing.T) {
	tree := testenv.NewTree(t)
	for _, dir := range []string{"run.always", "run.once"} {
		for _, name := range testenv.Names(t, tree.Path("image/setup", dir)) {
			if _, ok := setup.Builtin(name); !ok {
				t.Errorf("%s lies in %s, but there is no such step", name, dir)
			}
		}
	}
	if _, ok := setup.Builtin("06-none.py"); ok {
		t.Error("any name is a step")
	}
}

func TestCrontab(t *testing.T) {
	for name, test := range map[string]struct {
		environ []string
		want    string // RUN and LOGS stand for directories
	}{
		"by default": {nil, `2 1 * * * . RUN/env; container-manager backup >>LOGS/backup.log 2>&1
*/5 * * * * container-manager check-readiness >>LOGS/readiness.log 2>&1
32 4 * * * . RUN/env; logrotate -f -s RUN/logging/logrotate.state RUN/logging/logrotate-global.conf
`},
		"all of it": {[]string{"IMAGE_HEALTH_LIVENESS_CHECK_ENABLED=1"}, `2 1 * * * . RUN/env; container-manager backup >>LOGS/backup.log 2>&1
*/5 * * * * container-manager check-liveness >>LOGS/liveness.log 2>&1
*/5 * * * * container-manager check-readiness >>LOGS/readiness.log 2>&1
32 4 * * * . RUN/env; logrotate -f -s RUN/logging/logrotate.state RUN/logging/logrotate-global.conf
`},
		"no backups, other times": {
			[]string{"IMAGE_BACKUP_ENABLED=0", "IMAGE_BACKUP_CRON=@daily", "IMAGE_HEALTH_CRON=@every 90s", "IMAGE_LOGROTATE_CRON=@hourly"},
			`@every 90s container-manager check-readiness >>LOGS/readiness.log 2>&1
@hourly . RUN/env; logrotate -f -s RUN/logging/logrotate.state RUN/logging/logrotate-global.conf
`,
		},
		"blanks around the times": {[]string{"IMAGE_BACKUP_CRON=  2\t1 * * * \n", "IMAGE_HEALTH_CRON=@hourly\n", "IMAGE_LOGROTATE_CRON=\n@daily"}, `2	1 * * * . RUN/env; container-manager backup >>LOGS/backup.log 2>&1
@hourly container-manager check-readiness >>LOGS/readiness.log 2>&1
@daily . RUN/env; logrotate -f -s RUN/logging/logrotate.state RUN/logging/logrotate-global.conf
`},
		"other places": {[]string{"IMAGE_BACKUP_LOG=/var/log/b.log", "IMAGE_HEALTH_READINESS_LOG=/var/log/it's $HOME.log"}, `2 1 * * * . RUN/env; container-manager backup >>/var/log/b.log 2>&1
*/5 * * * * container-manager check-readiness >>'/var/log/it'\''s $HOME.log' 2>&1
32 4 * * * . RUN/env; logrotate -f -s RUN/logging/logrotate.state RUN/logging/logrotate-global.conf
`},
	} {
		t.Run(name, func(t *testing.T) {
			c := load(t, testenv.NewTree(t), test.environ...)
			path := filepath.Join(c.RunDir, "cron/kubernetes")
			want := strings.NewReplacer("RUN", c.RunDir, "LOGS", c.LogsDir).Replace(test.want)
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

// Whatever the paths are, sh makes of the lines what was meant.
func TestCrontabForAShell(t *testing.T) {
	tree := testenv.NewTreeAt(t, filepath.Join(testenv.Dir(t), `a b'c"d$HOME&;`))
	t.Setenv("PATH", tree.Path("bin")+":/usr/bin:/bin")
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
		c.BackupLog:    self + "\nbackup\nbad\n",
		c.LivenessLog:  self + "\ncheck-liveness\nbad\n",
		c.ReadinessLog: self + "\ncheck-readiness\nbad\n",
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

func TestReadOnlyTree(t *testing.T) {
	testenv.Isolated(t, func(t *testing.T, dir string) {
		tree := testenv.NewTreeAt(t, dir)
		old := tree.Path("image/cron/kubernetes")
		if err := os.Remove(old); err != nil {
			t.Fatal(err)
		}
		testenv.Write(t, old, "* * * * * old\n", 0o644)
		testenv.Mount(t, tree.Path("image"), tree.Path("image"), "", syscall.MS_BIND, "")
		testenv.Mount(t, "", tree.Path("image"), "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, "")
		c := load(t, tree)
		want := "WARN  " + tree.Path("image/config/env") + " cannot be pointed at " + tree.Path("run/env") + ": the image tree is read-only\n"
		if got := step(t, "00-configure-environment.py", c); got != want {
			t.Errorf("said %q, want %q", got, want)
		}
		want = "WARN  " + old + " is a file that cannot be replaced: crond reads it as well\n"
		if got := step(t, "01-configure-backup.py", c); got != want {
			t.Errorf("said %q, want %q", got, want)
		}
		if got := strings.Count(testenv.Read(t, tree.Path("run/cron/kubernetes")), "\n"); got != 1 {
			t.Errorf("the crontab has %d lines, want 1", got)
		}
	})
}

func TestSavedEnvironment(t *testing.T) {
	tree := testenv.NewTree(t)
	start := func(extra ...string) string {
		c := load(t, tree, extra...)
		said := step(t, "00-configure-environment.py", c)
		saved := config.SavedPath(c.RunDir)
		if mode := testenv.Mode(t, saved); mode != 0o600 {
			t.Errorf("the saved environment is %v", mode)
		}
		if got, want := testenv.Read(t, saved), string(config.FormatEnviron(c.Environ)); got != want {
			t.Errorf("saved %s, want %s", got, want)
		}
		if got, err := os.Readlink(filepath.Join(c.ConfigDir, "env")); got != saved {
			t.Errorf("%v, the link leads to %q", err, got)
		}
		return said
	}
	if got := start("A=1", "B=hunter2", "C=3", "HOSTNAME=one"); got != "" {
		t.Errorf("the first start says %q", got)
	}
	inode := testenv.Inode(t, tree.Path("run/env"))
	if got := start("A=1", "B=hunter2", "C=3", "HOSTNAME=two"); got != "" || testenv.Inode(t, tree.Path("run/env")) != inode {
		t.Errorf("the same start again says %q, or writes the file again", got)
	}
	lines := strings.Split(strings.TrimSpace(start("A=1", "B=hunter3", "Z=4", "D=5", "IMAGE_BACKUP_CRON=@daily")), "\n")
	slices.Sort(lines)
	want := []string{
		"INFO  environment variables added since the last start: D, Z",
		"INFO  environment variables changed since the last start: B, IMAGE_BACKUP_CRON",
		"INFO  environment variables removed since the last start: C",
	}
	if !slices.Equal(lines, want) {
		t.Errorf("said %q, want %q", lines, want)
	}
}

func TestSavedEnvironmentWithoutItsLink(t *testing.T) {
	tree := testenv.NewTree(t)
	mine := tree.Path("image/config/env")
	if err := os.Remove(mine); err != nil {
		t.Fatal(err)
	}
	testenv.Write(t, mine, "mine", 0o644)
	if err := os.RemoveAll(tree.Path("image/cron")); err != nil {
		t.Fatal(err)
	}
	c := load(t, tree)
	if got := step(t, "00-configure-environment.py", c); got != "" {
		t.Errorf("said %q", got)
	}
	if got := testenv.Read(t, mine); got != "mine" {
		t.Errorf("a child's own file holds %q", got)
	}
	if testenv.Exists(tree.Path("image/cron")) {
		t.Error("a directory that the child removed is back")
	}
}

func TestUnwritableRunDir(t *testing.T) {
	testenv.Isolated(t, func(t *testing.T, dir string) {
		tree := testenv.NewTreeAt(t, dir)
		c := load(t, tree)
		testenv.Mount(t, "tmpfs", c.RunDir, "tmpfs", syscall.MS_RDONLY, "")
		l, _ := logger(t)
		for name, want := range map[string]string{
			"00-configure-environment.py": "cannot write " + c.RunDir + "/env: read-only file system (mount a volume or a tmpfs there)",
			"03-configure-health.py":      "cannot add to the crontab: open " + c.RunDir + "/cron/kubernetes: no such file or directory",
		} {
			run, _ := setup.Builtin(name)
			if err := run(c, l); err == nil || err.Error() != want {
				t.Errorf("%s: error %v, want %s", name, err, want)
			}
		}
	})
}

func TestCreateStorageDirs(t *testing.T) {
	tree := testenv.NewTree(t)
	c := load(t, tree, "IMAGE_BACKUP_LOG="+tree.Path("logs/of/backup.log"), "PROCESS_PID_DIR="+tree.Path("pids"))
	old := syscall.Umask(0o077)
	t.Cleanup(func() { syscall.Umask(old) })
	testenv.Mkdir(t, tree.Path("storage"))
	testenv.Chmod(t, tree.Path("storage"), 0o700)
	for range 2 {
		step(t, "00-create-storage-dirs.py", c)
	}
	for _, name := range []string{"storage/backup", "storage/conf", "storage/data", "storage/filebeat", "storage/filebeat_reg", "storage/logs", "storage/logs/supervisor", "logs", "logs/of", "pids"} {
		if mode := testenv.Mode(t, tree.Path(name)); mode.Perm()&0o770 != 0o770 || !mode.IsDir() {
			t.Errorf("%s is %v, want the group to have what the owner has", name, mode)
		}
	}
	if mode := testenv.Mode(t, tree.Path("storage")); mode != 0o700|fs.ModeDir {
		t.Errorf("a directory that was there is %v now", mode)
	}
}

func TestCreateStorageDirErrors(t *testing.T) {
	testenv.Isolated(t, func(t *testing.T, dir string) {
		path := func(elem ...string) string { return filepath.Join(append([]string{dir}, elem...)...) }
		testenv.Write(t, path("file"), "", 0o644)
		testenv.Symlink(t, "nowhere", path("dangling"))
		testenv.Symlink(t, ".", path("link"))
		testenv.Mount(t, "tmpfs", path("readonly"), "tmpfs", syscall.MS_RDONLY, "")
		testenv.Mount(t, "tmpfs", path("full"), "tmpfs", 0, "nr_inodes=1,mode=777")
		testenv.Become(t, 500)
		const other = ": something else is there: remove it, or name another directory"
		for dir, want := range map[string]string{
			path("file"):          other,
			path("dangling"):      other,
			path("file", "below"): ": not a directory (" + path("file") + " is no directory)",
			path("new", "below"): ": permission denied (" + dir + " belongs to uid 0, gid 0, mode 0755, and this process runs as uid 500, gid 500: " +
				"give it to that user, or run as one who may write there)",
			path("readonly", "new"): ": read-only file system (mount a volume or a tmpfs there)",
			path("full", "new"):     ": no space left on device (make room on the file system of " + path("full") + ")",
		} {
			named := dir
			if dir == path("new", "below") {
				named = path("new") // the one that is missing first
			}
			err := setup.CreateStorageDir(dir)
			if want := "cannot create the directory " + named + want; err == nil || err.Error() != want {
				t.Errorf("error %v\nwant  %s", err, want)
			}
		}
		for _, dir := range []string{dir, path("link"), "/"} {
			if err := setup.CreateStorageDir(dir); err != nil {
				t.Errorf("%s is there: %v", dir, err)
			}
		}
	})
}
