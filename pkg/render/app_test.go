package render_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/pkg/render"
	"github.com/ZPascal/container-manager/test/testenv"
)

// withTemplates is the shipped tree with the application's templates in it.
func withTemplates(t *testing.T, texts map[string]string) testenv.Tree {
	t.Helper()
	tree := testenv.NewTree(t)
	for name, text := range texts {
		testenv.Write(t, tree.Path("image/templates", name), text, 0o644)
	}
	return tree
}

func TestVariablesOfTheApplication(t *testing.T) {
	for text, want := range map[string]string{
		"listen ${APP_PORT};":          "listen 8080;",
		"${APP_PORT}${APP_PORT}":       "80808080",
		"[${EMPTY}]":                   "[]",
		"[${EMPTY:-a b}]":              "[a b]",
		"[${NOT_SET:-}]":               "[]",
		"[${NOT_SET:-a\\:-$b}]":        "[a\\:-$b]",
		"[${APP_PORT:-1}]":             "[8080]",
		"$APP_PORT $1 $$ $":            "$APP_PORT $1 $$ $",
		"$uri ${DOLLAR:-$}{scheme}x":   "$uri ${scheme}x",
		"${} ${1} ${a b} ${A-b} ${#A}": "${} ${1} ${a b} ${A-b} ${#A}",
		"${APP_PORT":                   "${APP_PORT",
		"${APP_PORT\n}":                "${APP_PORT\n}",
		"${ ${APP_PORT}":               "${ 8080",
		"$${APP_PORT}":                 "$8080",
		"${QUOTED}":                    "a\n${APP_PORT} 'b\"",
		"ä${APP_PORT}\r\n":             "ä8080\r\n",
		"a\x00${NOT_SET}":              "a\x00${NOT_SET}", // no text
		"":                             "",
	} {
		tree := withTemplates(t, map[string]string{"x.conf": text})
		c := rendered(t, tree, "APP_PORT=8080", "EMPTY=", "QUOTED=a\n${APP_PORT} 'b\"")
		if got := testenv.Read(t, c.TemplatesTarget+"/x.conf"); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

func TestValuesOfTheApplicationsTemplates(t *testing.T) {
	tree := withTemplates(t, map[string]string{"x": "${STORAGE_DATA_DIR} ${PASSWORD}"})
	testenv.Write(t, tree.Path("secret"), "s3cret\n", 0o600)
	c := rendered(t, tree, "FILE__PASSWORD="+tree.Path("secret"))
	if got, want := testenv.Read(t, c.TemplatesTarget+"/x"), tree.Path("storage/data")+" s3cret"; got != want {
		t.Errorf("rendered %q, want %q", got, want)
	}
}

func TestMistakesInTheApplicationsTemplates(t *testing.T) {
	tree := withTemplates(t, map[string]string{
		"a.conf":     "one\n${A} ${B:-}\n${C}\n",
		"sub/b.conf": "${D:-${A}}\n",
	})
	testenv.Symlink(t, "nowhere", tree.Path("image/templates/dangling"))
	testenv.Symlink(t, "sub", tree.Path("image/templates/link"))
	unset := func(name string) string {
		return strings.ReplaceAll(`the environment variable NAME is not set: set it, empty if need be (ENV NAME="" in the Dockerfile), or give it a default (${NAME:-}); for a ${NAME} that is not ours, write ${DOLLAR:-$}{NAME}`, "NAME", name)
	}
	want := []string{
		"image/templates/a.conf:2: " + unset("A") + "; if the files in image/templates are no templates, ENV IMAGE_TEMPLATES_DIR=image/none leaves them alone",
		"image/templates/a.conf:3: " + unset("C"),
		"image/templates/dangling: is a link that leads nowhere: remove it, or make it lead to a file",
		"image/templates/link: is neither a file, nor a directory, nor a link to a file: copy what it stands for in its place",
		"image/templates/sub/b.conf:1: the default of D holds another ${...}, and a default is taken as it stands: set D in a run.always step or the Dockerfile",
	}
	got := problems(t, tree)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("problems\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if testenv.Exists(tree.Path("run/templates")) {
		t.Error("something was rendered all the same")
	}
}

func TestModesOfTheApplicationsFiles(t *testing.T) {
	tree := withTemplates(t, map[string]string{"a": "", "private/b": "", "script": "", "linked": ""})
	for name, mode := range map[string]os.FileMode{"a": 0o444, "private": 0o500, "private/b": 0o440, "script": 0o555, "linked": 0o600} {
		testenv.Chmod(t, tree.Path("image/templates", name), mode)
	}
	testenv.Symlink(t, "linked", tree.Path("image/templates/link"))
	c := rendered(t, tree)
	for name, want := range map[string]os.FileMode{"a": 0o644, "private": os.ModeDir | 0o700, "private/b": 0o640, "script": 0o755, "link": 0o600} {
		if got := testenv.Mode(t, filepath.Join(c.TemplatesTarget, name)); got != want {
			t.Errorf("%s has the mode %s, want %s", name, got, want)
		}
	}
}

// TestMountedTemplates has the files of a ConfigMap, as kubelet lays them out.
func TestMountedTemplates(t *testing.T) {
	tree := withTemplates(t, map[string]string{"..2026_01_01/app.conf": "${TZ}", ".hidden": "x"})
	testenv.Symlink(t, "..2026_01_01", tree.Path("image/templates/..data"))
	testenv.Symlink(t, "..data/app.conf", tree.Path("image/templates/app.conf"))
	c := rendered(t, tree)
	if got, want := testenv.Names(t, c.TemplatesTarget), []string{".hidden", "app.conf"}; !slices.Equal(got, want) {
		t.Errorf("rendered %q, want %q", got, want)
	}
	if got := testenv.Read(t, c.TemplatesTarget+"/app.conf"); got != "UTC" {
		t.Errorf("rendered %q", got)
	}
}

func TestTemplatesThatAreGone(t *testing.T) {
	tree := withTemplates(t, map[string]string{"a": "", "sub/b": "", "sub/c": "", "file/x": "", "dir": ""})
	rendered(t, tree)
	for _, name := range []string{"a", "sub/b", "file/x", "dir"} {
		if err := os.Remove(tree.Path("image/templates", name)); err != nil {
			t.Fatal(err)
		}
	}
	_ = os.Remove(tree.Path("image/templates/file"))
	testenv.Write(t, tree.Path("image/templates/file"), "", 0o644)
	testenv.Write(t, tree.Path("image/templates/dir/x"), "", 0o644)
	c := rendered(t, tree)
	if got, want := testenv.Names(t, c.TemplatesTarget), []string{"dir", "file", "sub"}; !slices.Equal(got, want) {
		t.Errorf("there are %q, want %q", got, want)
	}
	if got, want := testenv.Names(t, c.TemplatesTarget+"/sub"), []string{"c"}; !slices.Equal(got, want) {
		t.Errorf("there are %q, want %q", got, want)
	}
}

func TestTargetElsewhere(t *testing.T) {
	tree := withTemplates(t, map[string]string{"app/a.conf": "a\n"})
	target := tree.Path("etc")
	testenv.Write(t, target+"/app/theirs", "", 0o644)
	testenv.Chmod(t, target+"/app", 0o711)
	testenv.Symlink(t, "theirs", target+"/app/a.conf")
	rendered(t, tree, "IMAGE_TEMPLATES_TARGET="+target)
	before := testenv.Inode(t, target+"/app/a.conf")
	rendered(t, tree, "IMAGE_TEMPLATES_TARGET="+target)
	if got := testenv.Read(t, target+"/app/a.conf") + testenv.Read(t, target+"/app/theirs"); got != "a\n" {
		t.Errorf("there is %q", got)
	}
	if testenv.Inode(t, target+"/app/a.conf") != before {
		t.Error("a file that did not change was written again")
	}
	if got := testenv.Mode(t, target+"/app").Perm(); got != 0o711 {
		t.Errorf("a directory that was there has the mode %s", got)
	}
}

func TestTargetAmongTheTemplates(t *testing.T) {
	tree := withTemplates(t, map[string]string{"a": ""})
	for _, target := range []string{"image/templates", "image/templates/out"} {
		want := "image/templates: IMAGE_TEMPLATES_TARGET=" + target + " lies in this directory, so the next start would take what is rendered for templates: name a directory outside"
		if got := problems(t, tree, "IMAGE_TEMPLATES_TARGET="+tree.Path(target)); !slices.Equal(got, []string{want}) {
			t.Errorf("problems %q, want %q", got, want)
		}
	}
}

func TestTargetThatCannotBeWritten(t *testing.T) {
	testenv.Isolated(t, func(t *testing.T, dir string) {
		tree := testenv.NewTreeAt(t, dir)
		testenv.Write(t, tree.Path("image/templates/sub/a"), "", 0o644)
		testenv.Mkdir(t, tree.Path("closed/sub"))
		testenv.Write(t, tree.Path("file"), "", 0o644)
		testenv.Chown(t, tree.Root, 500)
		testenv.Chown(t, tree.Path("closed"), 0)
		testenv.Become(t, 500)
		for target, want := range map[string]string{
			"closed/new": "cannot create the directory " + tree.Path("closed/new") + ": permission denied (" + tree.Path("closed") + " belongs to uid 0, gid 0, mode 0755, and this process runs as uid 500, gid 500: give it to that user, or run as one who may write there)",
			"closed":     "cannot write " + tree.Path("closed/sub/a") + ": permission denied (" + tree.Path("closed/sub") + " belongs to uid 0, gid 0, mode 0755, and this process runs as uid 500, gid 500: give it to that user, or run as one who may write there)",
			"file":       "cannot create the directory " + tree.Path("file") + ": not a directory (" + tree.Path("file") + " is no directory)",
		} {
			_, err := render.All(load(t, tree, "IMAGE_TEMPLATES_TARGET="+tree.Path(target)))
			if want := "IMAGE_TEMPLATES_TARGET=" + tree.Path(target) + ": " + want; err == nil || err.Error() != want {
				t.Errorf("%v, want %s", err, want)
			}
		}
	})
}
