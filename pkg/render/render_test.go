package render_test

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/render"
	"github.com/ZPascal/container-manager/pkg/setup"
	"github.com/ZPascal/container-manager/test/testenv"
)

var update = flag.Bool("update", false, "write golden files instead of comparing with them")

// load is what a start has done by the time when it renders.
func load(t *testing.T, tree testenv.Tree, extra ...string) config.Config {
	t.Helper()
	testenv.SetEnviron(t, tree.Environ(extra...)...)
	c, err := config.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"logging", "supervisord"} {
		testenv.Mkdir(t, filepath.Join(c.RunDir, dir))
	}
	if err := setup.CreateStorageDirs(c); err != nil {
		t.Fatal(err)
	}
	return c
}

// rendered renders what must be valid.
func rendered(t *testing.T, tree testenv.Tree, extra ...string) config.Config {
	t.Helper()
	c := load(t, tree, extra...)
	if _, err := render.All(c); err != nil {
		t.Fatal(err)
	}
	return c
}

// allOf renders, and returns what is wrong.
func allOf(t *testing.T, tree testenv.Tree, extra ...string) error {
	t.Helper()
	_, err := render.All(load(t, tree, extra...))
	return err
}

// problems renders what must not be, and returns the problems without the
// tree's root.
func problems(t *testing.T, tree testenv.Tree, extra ...string) []string {
	t.Helper()
	_, err := render.All(load(t, tree, extra...))
	invalid, ok := errors.AsType[*render.Error](err)
	if !ok {
		t.Fatalf("All: %v, want an *Error", err)
	}
	var relative []string
	for _, p := range invalid.Problems {
		relative = append(relative, strings.ReplaceAll(p, tree.Root+"/", ""))
	}
	return relative
}

// withPrograms puts programs that do nothing first in PATH.
func withPrograms(t *testing.T, tree testenv.Tree, names ...string) {
	t.Helper()
	for _, name := range names {
		testenv.Script(t, tree.Path("bin", name), "exit 0")
	}
	t.Setenv("PATH", tree.Path("bin")+":"+os.Getenv("PATH"))
}

// child is a tree with nothing but a child image's templates.
func child(t *testing.T) testenv.Tree {
	t.Helper()
	tree := testenv.Tree{Root: testenv.Dir(t)}
	if err := os.CopyFS(tree.Root, os.DirFS("testdata/child")); err != nil {
		t.Fatal(err)
	}
	testenv.Mkdir(t, tree.Path("tmp"))
	return tree
}

var childEnviron = []string{
	"APP_NAME=shop", "APP_VERSION=2", "APP_COLOUR=#ff0000", "APP_EMPTY=", "APP_ROTATE=5", "APP_SPACES=a b",
	"APP_QUOTES=it's", "LOGGING_REDIS_HOST=redis:6380", `LOGGING_REDIS_PASSWORD=p'w"$$${HOME}{,`,
}

// snapshot describes the files below a directory: names, modes, contents.
func snapshot(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		fmt.Fprintf(&b, "== %s %v ==\n%s", name, testenv.Mode(t, path), testenv.Read(t, path))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		testenv.Write(t, path, got, 0o644)
	}
	if want := testenv.Read(t, path); got != want {
		t.Errorf("%s differs: go test ./pkg/render -update writes it\n%s", path, got)
	}
}

func TestChildGolden(t *testing.T) {
	testenv.NotQuick(t)
	tree := child(t)
	withPrograms(t, tree, "filebeat")
	c := rendered(t, tree, childEnviron...)
	golden(t, "child.golden", strings.ReplaceAll(snapshot(t, c.RunDir), tree.Root, "/ROOT"))
}

func TestChildGoldenWithoutRedis(t *testing.T) {
	testenv.NotQuick(t)
	tree := child(t)
	c := rendered(t, tree, append(childEnviron, "LOGGING_REDIS_HOST=", "IMAGE_CRON_ENABLED=0")...)
	golden(t, "child-without-redis.golden", strings.ReplaceAll(snapshot(t, c.RunDir), tree.Root, "/ROOT"))
}

func TestTemplatesAreNotEdited(t *testing.T) {
	tree := child(t)
	withPrograms(t, tree, "filebeat")
	before := snapshot(t, tree.Path("image"))
	rendered(t, tree, childEnviron...)
	if after := snapshot(t, tree.Path("image")); after != before {
		t.Errorf("the templates were\n%s\nand are\n%s", before, after)
	}
}

func TestModes(t *testing.T) {
	for _, mask := range []int{0, 0o077} {
		tree := testenv.NewTree(t)
		withPrograms(t, tree, "filebeat")
		c := load(t, tree, "LOGGING_REDIS_HOST=redis")
		old := syscall.Umask(mask)
		_, err := render.All(c)
		syscall.Umask(old)
		if err != nil {
			t.Fatal(err)
		}
		for pattern, want := range map[string]fs.FileMode{
			"supervisord/global.conf":          0o644,
			"supervisord/conf.d/*.conf":        0o644,
			"logging/logrotate-global.conf":    0o600, // these hold values
			"logging/logrotate.d/*":            0o600,
			"logging/filebeat-global.yml":      0o600,
			"logging/filebeat.d/filebeat*.yml": 0o600,
		} {
			files, err := filepath.Glob(filepath.Join(c.RunDir, pattern))
			if err != nil || len(files) == 0 {
				t.Errorf("%v, %d files %s", err, len(files), pattern)
			}
			for _, file := range files {
				if got := testenv.Mode(t, file); got != want {
					t.Errorf("umask %03o: %s is %v, want %v", mask, file, got, want)
				}
			}
		}
	}
}

func TestSecondRender(t *testing.T) {
	tree := child(t)
	withPrograms(t, tree, "filebeat")
	c := rendered(t, tree, childEnviron...)
	conf := filepath.Join(c.RunDir, "supervisord/conf.d/app.conf")
	before := testenv.Inode(t, conf)
	for _, file := range []string{"supervisord/conf.d/same.conf", "logging/logrotate.d/app", "logging/filebeat.d/app.yml"} {
		if err := os.Remove(tree.Path("image", file)); err != nil {
			t.Fatal(err)
		}
	}
	testenv.Write(t, filepath.Join(c.RunDir, "supervisord/conf.d/.leftover"), "", 0o600)
	c = rendered(t, tree, append(childEnviron, "APP_ROTATE=7", "LOGGING_REDIS_HOST=other")...)
	after := snapshot(t, c.RunDir)
	for _, gone := range []string{"same.conf", "logrotate.d/app ", "app.yml", ".leftover", "redis:6380", "rotate 5"} {
		if strings.Contains(strings.ReplaceAll(after, "extra.d-same.conf", ""), gone) {
			t.Errorf("%s is still there:\n%s", gone, after)
		}
	}
	for _, there := range []string{"rotate 7", `hosts: ['other'`, "conf.d/app.conf"} {
		if !strings.Contains(after, there) {
			t.Errorf("%s is not there:\n%s", there, after)
		}
	}
	if testenv.Inode(t, conf) != before {
		t.Error("a file that did not change was written again")
	}
}

func TestNothingIsWrittenWhenATemplateIsBad(t *testing.T) {
	tree := child(t)
	withPrograms(t, tree, "filebeat")
	c := rendered(t, tree, childEnviron...)
	before := snapshot(t, c.RunDir)
	testenv.Write(t, tree.Path("image/supervisord/conf.d/zz.conf"), "[program:x]\ncommand=%(ENV_UNKNOWN)s\n", 0o644)
	testenv.Write(t, tree.Path("image/supervisord/conf.d/app.conf"), "[program:app]\ncommand=other\n", 0o644)
	got := problems(t, tree, append(childEnviron, "APP_ROTATE=7")...)
	if len(got) != 1 || !strings.HasPrefix(got[0], "image/supervisord/conf.d/zz.conf:2: ") {
		t.Errorf("problems %q", got)
	}
	if after := snapshot(t, c.RunDir); after != before {
		t.Errorf("the rendered files were\n%s\nand are\n%s", before, after)
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	tree := child(t)
	withPrograms(t, tree, "filebeat")
	testenv.Write(t, tree.Path("image/supervisord/conf.d/b.conf"), "[program:b]\nuser=%(ENV_B2)s\ncommand=%(ENV_B1)s\n", 0o644)
	testenv.Write(t, tree.Path("image/supervisord/conf.d/a.conf"), "[program:a]\n\n\n\n\n\n\n\n\n\n\ncommand=%(ENV_A)s\n", 0o644)
	testenv.Write(t, tree.Path("image/logging/logrotate.d/x"), "${L} {\n}\n", 0o644)
	testenv.Write(t, tree.Path("image/logging/filebeat.d/x.yml"), "- {type: stdin, id: \"${F}\"}\n", 0o644)
	want := []string{
		"image/logging/filebeat.d/x.yml:1: the environment variable F is not set: set it, or give it a default (${F:})",
		`image/logging/logrotate.d/x:1: the environment variable L is not set: set it, empty if need be (ENV L="" in the Dockerfile)`,
		`image/supervisord/conf.d/a.conf:12: command: the environment variable A is not set: set it, empty if need be (ENV A="" in the Dockerfile)`,
		`image/supervisord/conf.d/b.conf:2: user: the environment variable B2 is not set: set it, empty if need be (ENV B2="" in the Dockerfile)`,
		`image/supervisord/conf.d/b.conf:3: command: the environment variable B1 is not set: set it, empty if need be (ENV B1="" in the Dockerfile)`,
	}
	if got := problems(t, tree, childEnviron...); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("problems\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestErrorIsOneText(t *testing.T) {
	err := &render.Error{Problems: []string{"a:1: x", "b:2: y"}}
	if got := err.Error(); got != "the configuration templates are invalid:\n  a:1: x\n  b:2: y" {
		t.Errorf("got %q", got)
	}
}
