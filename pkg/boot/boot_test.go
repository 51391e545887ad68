package boot

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/render"
	"github.com/ZPascal/container-manager/test/testenv"
)

func TestExec(t *testing.T) {
	tree := testenv.NewTree(t)
	testenv.Script(t, tree.Path("bin/supervisord"), "exit 1")
	testenv.Script(t, tree.Path("bin/tool"), "exit 1")
	c := newContainer(t, tree, "PATH="+tree.Path("bin")+":"+os.Getenv("PATH"))
	for _, test := range []struct {
		command Command
		path    string
		argv    []string
	}{
		{Command{Shell: "echo $A; b"}, "/bin/sh", []string{"/bin/sh", "-c", "echo $A; b"}},
		{Command{Argv: []string{"tool", "-l", "a b", ""}}, tree.Path("bin/tool"), []string{"tool", "-l", "a b", ""}},
		{Command{Argv: []string{"/bin/sh"}}, "/bin/sh", []string{"/bin/sh"}},
		{Command{}, tree.Path("bin/supervisord"), []string{"supervisord", "-n", "-c", tree.Path("run/supervisord/global.conf")}},
	} {
		var path string
		var argv, environ []string
		c.Exec = func(p string, a, e []string) error { path, argv, environ = p, a, e; return nil }
		if err := c.Run(t.Context(), test.command); err != nil || path != test.path || !slices.Equal(argv, test.argv) {
			t.Errorf("%+v: %v, ran %s as %q, want %s as %q", test.command, err, path, argv, test.path, test.argv)
		}
		for _, want := range []string{
			"STORAGE_LOGS_DIR=" + tree.Path("storage/logs"), "SUPERVISOR_LOGS_DIR=" + tree.Path("storage/logs/supervisor"),
			"IMAGE_BACKUP_CRON=2 1 * * *", "STEPS=" + tree.Path("tmp/steps"),
		} {
			if !slices.Contains(environ, want) {
				t.Errorf("%+v: its environment lacks %s", test.command, want)
			}
		}
		if got, want := testenv.Exists(tree.Path("run/supervisord/global.conf")), true; got != want {
			t.Errorf("%+v: nothing is rendered", test.command)
		}
		c.wantLog(", now running " + test.path + "\n")
		woken := tree.Path("tmp/woken")
		if len(test.command.Argv) > 0 || test.command.Shell != "" {
			if testenv.Exists(woken) {
				t.Errorf("%+v: there is no supervisord to be kept awake", test.command)
			}
			continue
		}
		testenv.WaitFor(t, "the child that keeps supervisord awake", func() bool { return testenv.Exists(woken) })
		if got, want := testenv.Read(t, woken), fmt.Sprintf("wake %d %s unix %s", os.Getpid(), c.Since.Format(time.RFC3339Nano), tree.Path("tmp/supervisord.sock")); got != want {
			t.Errorf("its command line: %q, want %q", got, want)
		}
	}
}

func TestCannotExec(t *testing.T) {
	tree := testenv.NewTree(t)
	testenv.Write(t, tree.Path("data"), "", 0o644)
	c := newContainer(t, tree, "PATH="+t.TempDir())
	for want, command := range map[string]Command{
		`supervisord is not installed: install the package supervisor (apk add supervisor, apt-get install supervisor), or give the container a command: exec: "supervisord": executable file not found in $PATH`: {},
		`cannot run "nosuch": executable file not found in $PATH`:      {Argv: []string{"nosuch", "-l"}},
		`cannot run "` + tree.Path("data") + `": permission denied`:    {Argv: []string{tree.Path("data")}},
		`cannot run "supervisord": executable file not found in $PATH`: {Argv: []string{"supervisord"}},
	} {
		wantError(t, c.Run(t.Context(), command), want)
	}
	if len(c.execs) > 0 || testenv.Exists(tree.Path("tmp/woken")) {
		t.Errorf("ran %q", c.execs)
	}
	c.onExec = func(_, _ []string) error { return unix.ENOEXEC }
	wantError(t, c.Run(t.Context(), plainCommand), `cannot run "/bin/true": exec format error`)
}

func TestFailedStepEndsTheStart(t *testing.T) {
	c := newContainer(t, testenv.NewTree(t))
	c.step("run.always", "20-b.sh", "echo cannot >&2; exit 7")
	c.step("run.once", "10-a.sh", "")
	c.fail("step 20-b.sh of run.always failed: " + c.Path("image/setup/run.always/20-b.sh") + " ended with exit status 7, last output: cannot")
	c.wantSteps("20-b.sh")
	if mode := testenv.Mode(t, c.Path("image")); mode.Perm() != 0o755 || testenv.Exists(c.marker()) {
		t.Error("the start went on")
	}
}

func TestBadTemplateEndsTheStart(t *testing.T) {
	c := newContainer(t, testenv.NewTree(t))
	testenv.Write(t, c.Path("image/supervisord/conf.d/50-app.conf"), "[program:app]\ncommand = %(ENV_NOT_SET)s\n", 0o644)
	err := c.Run(t.Context(), plainCommand)
	var bad *render.Error
	if !errors.As(err, &bad) || !strings.Contains(err.Error(), c.Path("image/supervisord/conf.d/50-app.conf")+":2: ") || len(c.execs) > 0 {
		t.Errorf("%v, ran %q", err, c.execs)
	}
}

func TestBaseDirBelowAFile(t *testing.T) {
	dir := testenv.Dir(t)
	testenv.Write(t, dir+"/file", "", 0o644)
	c := newContainer(t, testenv.NewTree(t), "IMAGE_BASE_DIR="+dir+"/file/image", "IMAGE_SETUP_RUNALWAYS_DIR="+dir+"/none")
	c.fail("cannot take write permission below " + dir + "/file/image away: not a directory")
}

func TestCancelled(t *testing.T) {
	testenv.NotQuick(t)
	cause := errors.New("SIGTERM")
	run := func(c *container, ctx context.Context) {
		t.Helper()
		if err := c.Run(ctx, plainCommand); !errors.Is(err, cause) || err.Error() != "SIGTERM" || len(c.execs) > 0 {
			t.Errorf("%v, ran %q, want the context's cause", err, c.execs)
		}
	}
	c := newContainer(t, testenv.NewTree(t), "FIFO="+t.TempDir()+"/fifo")
	fifo, _ := c.Config.Lookup("FIFO")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	c.step("run.once", "10-a.sh", `read x <"$FIFO"`)

	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	run(c, ctx) // before the first step
	c.wantSteps()

	ctx, cancel = context.WithCancelCause(t.Context())
	go func() {
		w, err := os.OpenFile(fifo, os.O_WRONLY, 0) // waits until the step reads
		cancel(cause)
		if err == nil {
			<-t.Context().Done()
			_ = w.Close()
		}
	}()
	run(c, ctx) // during a step
	c.wantSteps("10-a.sh")
	if testenv.Exists(c.marker()) || testenv.Exists(c.records()) || c.restored > 0 {
		t.Error("a cancelled step counts as done")
	}

	c.step("run.once", "10-a.sh", "")
	ctx, cancel = context.WithCancelCause(t.Context())
	c.onRestore = func(context.Context) { cancel(cause) }
	run(c, ctx) // behind the last step
	if c.restored != 1 {
		t.Errorf("restored %d times", c.restored)
	}
}

func TestUnusableStorage(t *testing.T) {
	testenv.Isolated(t, func(t *testing.T, dir string) {
		tree := testenv.NewTreeAt(t, dir)
		mount := func(name string, flags uintptr, options string) {
			testenv.Mount(t, "tmpfs", filepath.Join(dir, name), "tmpfs", flags, options)
		}
		mount("full", 0, "size=4k,mode=1777")
		testenv.Write(t, dir+"/full/ballast", strings.Repeat("x", 4096), 0o644)
		mount("crowded", 0, "nr_inodes=1,mode=1777")
		mount("readonly", unix.MS_RDONLY, "mode=1777")
		testenv.Mkdir(t, dir+"/theirs")
		testenv.Write(t, dir+"/file", "", 0o644)
		testenv.Mkdir(t, dir+"/other")
		testenv.Chown(t, dir+"/other", 7)
		testenv.Write(t, dir+"/started/.run-once.completed", "", 0o644)
		testenv.Chown(t, dir+"/tmp", 500)
		testenv.Become(t, 500)
		const (
			create = "cannot create the directory "
			lock   = "/.run-once.lock: "
		)
		for name, want := range map[string]string{
			"theirs":        "cannot lock " + dir + "/theirs" + lock + "permission denied" + asUser(dir+"/theirs", 0, 500),
			"other":         "cannot lock " + dir + "/other" + lock + "permission denied" + asUser(dir+"/other", 7, 500),
			"none/storage":  create + dir + "/none: permission denied" + asUser(dir, 0, 500),
			"other/storage": create + dir + "/other/storage: permission denied" + asUser(dir+"/other", 7, 500),
			"started":       create + dir + "/started/backup: permission denied" + asUser(dir+"/started", 0, 500),
			"file":          create + dir + "/file: something else is there: remove it, or name another directory",
			"file/storage":  create + dir + "/file/storage: not a directory (" + dir + "/file is no directory)",
			"readonly":      "cannot lock " + dir + "/readonly" + lock + "read-only file system (mount a volume or a tmpfs there)",
			"readonly/sub":  create + dir + "/readonly/sub: read-only file system (mount a volume or a tmpfs there)",
			"crowded":       "cannot lock " + dir + "/crowded" + lock + "no space left on device (make room on the file system of " + dir + "/crowded)",
			"full":          "cannot write " + dir + "/full/.run-once.completed: no space left on device (make room on the file system of " + dir + "/full)",
		} {
			t.Run(name, func(t *testing.T) {
				newContainer(t, tree, "STORAGE_BASE_DIR="+dir+"/"+name, "IMAGE_RUN_DIR="+dir+"/tmp/run").fail(want)
			})
		}
		if names := testenv.Names(t, dir+"/full"); slices.Contains(names, ".run-once.completed") {
			t.Errorf("a full storage holds %q", names)
		}
	})
}
