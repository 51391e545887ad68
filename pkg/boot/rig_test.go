package boot

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/setup"
	"github.com/ZPascal/container-manager/test/testenv"
)

// TestMain stands in for the child that keeps supervisord awake: the binary that
// it is started from is this one. It writes its command line down.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "wake" {
		path := filepath.Join(os.Getenv("PROCESS_PID_DIR"), "woken")
		if os.WriteFile(path+".new", []byte(strings.Join(os.Args[1:], " ")), 0o600) != nil || os.Rename(path+".new", path) != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	testenv.Main(m, map[string]func([]string) int{"start": start})
}

// container is a start whose last act, the exec, is written down instead.
type container struct {
	t testing.TB
	testenv.Tree
	*Boot
	log testenv.Buffer

	archive    string // what Restore has put back
	restoreErr error
	restored   int                                // calls of Restore
	onRestore  func(ctx context.Context)          // comes first in them
	onExec     func(argv, environ []string) error // what Exec does
	execs      []string                           // command lines, the program's path first
	environ    []string                           // that the last of them got
}

// newContainer returns a container of the tree. From here on the environment is
// the container's, as it is in a real one.
func newContainer(t testing.TB, tree testenv.Tree, environ ...string) *container {
	t.Helper()
	c := &container{t: t, Tree: tree}
	testenv.SetEnviron(t, tree.Environ(append([]string{"STEPS=" + tree.Path("tmp/steps")}, environ...)...)...)
	loaded, err := config.Load()
	if err != nil {
		t.Fatal(err)
	}
	c.Boot = &Boot{
		Config: loaded, Log: log.Named(log.New(&c.log, log.Options{Level: "debug"}), "run"), Since: time.Now(), Builtins: setup.Builtin,
		Restore: func(ctx context.Context, recorded bool, record func(string) error) error {
			if recorded {
				return nil
			}
			c.restored++
			if c.onRestore != nil {
				c.onRestore(ctx)
			}
			if c.archive == "" || c.restoreErr != nil {
				return c.restoreErr
			}
			return record(c.archive)
		},
		Listen: func() {}, Release: func() error { return nil },
		Exec: func(path string, argv, env []string) error {
			c.execs = append(c.execs, path+" "+strings.Join(argv[1:], " "))
			c.environ = env
			if c.onExec != nil {
				return c.onExec(argv, env)
			}
			return nil
		},
	}
	return c
}

// plainCommand is one that needs no supervisord.
var plainCommand = Command{Argv: []string{"/bin/true"}}

// start starts the container, which must come as far as the exec.
func (c *container) start() {
	c.t.Helper()
	before := len(c.execs)
	if err := c.Run(c.t.Context(), plainCommand); err != nil || len(c.execs) != before+1 {
		c.t.Fatalf("start: %v, ran %q; the log:\n%s", err, c.execs, c.log.String())
	}
}

// fail starts the container, which must end before the exec with this error.
func (c *container) fail(want string) {
	c.t.Helper()
	before := len(c.execs)
	if err := c.Run(c.t.Context(), plainCommand); err == nil || err.Error() != want {
		c.t.Errorf("start: %v\nwant   %s", err, want)
	}
	if len(c.execs) != before {
		c.t.Errorf("ran %q all the same", c.execs)
	}
}

// step writes a step of run.once or run.always, which notes its name and then
// does what the body says.
func (c *container) step(dir, name, body string) {
	c.t.Helper()
	testenv.Script(c.t, c.Path("image/setup", dir, name), `echo "${0##*/}" >>"$STEPS"`+"\n"+body)
}

// wantSteps compares the notes of all steps since the last time.
func (c *container) wantSteps(want ...string) {
	c.t.Helper()
	data, err := os.ReadFile(c.Path("tmp/steps"))
	if err != nil && !os.IsNotExist(err) {
		c.t.Fatal(err)
	}
	if got := strings.Fields(string(data)); !slices.Equal(got, want) {
		c.t.Errorf("ran the steps %q, want %q", got, want)
	}
	_ = os.Remove(c.Path("tmp/steps"))
}

// wantLog looks for something in the log, which it empties.
func (c *container) wantLog(want string) {
	c.t.Helper()
	if got := c.log.Take(); !strings.Contains(got, want) {
		c.t.Errorf("the log lacks %q:\n%s", want, got)
	}
}

// marker is where the first start leaves its mark.
func (c *container) marker() string {
	return filepath.Join(c.Config.StorageBaseDir, ".run-once.completed")
}

// records is where it notes what is done.
func (c *container) records() string {
	return filepath.Join(c.Config.StorageBaseDir, ".run-once.steps")
}
