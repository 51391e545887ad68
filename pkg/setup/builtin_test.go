package setup_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/setup"
	"github.com/ZPascal/container-manager/test/testenv"
)

// step runs a built-in step, and returns what it said.
func step(t *testing.T, name string, c config.Config) string {
	t.Helper()
	run := setup.Builtin(name)
	if run == nil {
		t.Fatalf("there is no step %s", name)
	}
	l, said := logger(t)
	if err := run(t.Context(), c, l, nil); err != nil {
		t.Fatal(err)
	}
	return said()
}

// begin is what a start does before the first step; it returns what was said.
func begin(t *testing.T, c config.Config) string {
	t.Helper()
	testenv.Mkdir(t, filepath.Dir(setup.Crontab(c)))
	l, said := logger(t)
	if err := setup.Begin(c, l); err != nil {
		t.Fatal(err)
	}
	return said()
}

// always runs the built-in steps of every start.
func always(t *testing.T, c config.Config) {
	t.Helper()
	begin(t, c)
	l, _ := logger(t)
	if err := (setup.Runner{Config: c, Log: l, Builtins: setup.Builtin}).All(t.Context(), c.RunAlwaysDir); err != nil {
		t.Fatal(err)
	}
}

func TestBuiltins(t *testing.T) {
	tree := testenv.NewTree(t)
	for _, dir := range []string{"run.always", "run.once"} {
		for _, name := range testenv.Names(t, tree.Path("image/setup", dir)) {
			if setup.Builtin(name) == nil {
				t.Errorf("%s lies in %s, but there is no such step", name, dir)
			}
		}
	}
	if setup.Builtin("06-none.py") != nil {
		t.Error("any name is a step")
	}
}

func TestReadOnlyTree(t *testing.T) {
	testenv.Isolated(t, func(t *testing.T, dir string) {
		tree := testenv.NewTreeAt(t, dir)
		old := tree.Path("image/cron/kubernetes")
		testenv.Write(t, old, "* * * * * old\r\n0 1 * * * no end", 0o644)
		testenv.Mount(t, tree.Path("image"), tree.Path("image"), "", syscall.MS_BIND, "")
		testenv.Mount(t, "", tree.Path("image"), "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, "")
		c := load(t, tree)
		for range 2 { // starts
			want := "WARN  " + tree.Path("image/config/env") + " is out of date, and cannot be replaced by a link to " + tree.Path("run/env") + ": the image tree is read-only\n"
			if got := begin(t, c); got != want {
				t.Errorf("said %q, want %q", got, want)
			}
			if got := step(t, "01-configure-backup.py", c); got != "" {
				t.Errorf("said %q", got)
			}
			if err := setup.AdoptCrontab(c); err != nil {
				t.Error(err)
			}
			crontab := testenv.Read(t, tree.Path("run/cron/kubernetes"))
			if !strings.HasPrefix(crontab, "2 1 * * * ") || !strings.HasSuffix(crontab, "\n* * * * * old\n0 1 * * * no end\n") || strings.Count(crontab, "\n") != 4 {
				t.Errorf("the crontab is\n%s", crontab)
			}
		}
	})
}

func TestWhatIsShipped(t *testing.T) {
	for host, want := range map[string]string{"": "", "redis:6380": "INFO  filebeat ships logs to Redis (LOGGING_REDIS_HOST)\n"} {
		c := load(t, testenv.NewTree(t), "LOGGING_REDIS_HOST="+host, "LOGGING_REDIS_PASSWORD=hunter2")
		if got := step(t, "04-configure-filebeat.py", c); got != want {
			t.Errorf("said %q, want %q", got, want)
		}
	}
	tree := testenv.NewTree(t)
	output := tree.Path("image/logging/filebeat-output.yml")
	testenv.Write(t, output, "output.console: {}\n", 0o644)
	c := load(t, tree, "LOGGING_REDIS_HOST=redis")
	if got, want := step(t, "04-configure-filebeat.py", c), "INFO  filebeat ships logs where "+output+" says\n"; got != want {
		t.Errorf("said %q, want %q", got, want)
	}
}

func TestSavedEnvironment(t *testing.T) {
	tree := testenv.NewTree(t)
	start := func(extra ...string) string {
		c := load(t, tree, extra...)
		if said := begin(t, c); said != "" {
			t.Error(said)
		}
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
	testenv.Chmod(t, tree.Path("run/env"), 0o644) // by a step that wanted to read it
	start("A=1", "B=hunter2", "C=3")
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
	if got := begin(t, c); got != "" {
		t.Errorf("said %q", got)
	}
	if got, err := os.Readlink(mine); got != config.SavedPath(c.RunDir) {
		t.Errorf("%v, %s leads to %q: it would go out of date", err, mine, got)
	}
	if testenv.Exists(tree.Path("image/cron")) {
		t.Error("a directory that the child removed is back")
	}
}

func TestUnwritableRunDir(t *testing.T) {
	testenv.Isolated(t, func(t *testing.T, dir string) {
		tree := testenv.NewTreeAt(t, dir)
		c := load(t, tree)
		begin(t, c)
		testenv.Mount(t, "tmpfs", c.RunDir, "tmpfs", syscall.MS_RDONLY, "")
		l, _ := logger(t)
		for name, want := range map[string]string{
			"00-configure-environment.py": "cannot write " + c.RunDir + "/env: read-only file system (mount a volume or a tmpfs there)",
			"03-configure-health.py":      "cannot add to the crontab " + c.RunDir + "/cron/kubernetes: no such file or directory",
		} {
			if err := setup.Builtin(name)(t.Context(), c, l, nil); err == nil || err.Error() != want {
				t.Errorf("%s: error %v, want %s", name, err, want)
			}
		}
	})
}
