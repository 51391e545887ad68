package setup_test

import (
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/ZPascal/container-manager/pkg/setup"
	"github.com/ZPascal/container-manager/test/testenv"
)

// What a step leaves in place of the link becomes the crontab.
func TestAdoptCrontab(t *testing.T) {
	for name, test := range map[string]struct {
		step string   // its name
		body string   // of a script; $1 is the link
		want []string // the beginnings of the lines of the crontab
	}{
		"sed -i of the last step":       {"99-mine.sh", `sed -i 's/^2 1 /3 2 /' "$1"`, []string{"3 2 ", "*/5 ", "32 4 "}},
		"mv of the last step":           {"99-mine.sh", `{ cat "$1"; echo "@daily mine"; } >"$1.new"; mv "$1.new" "$1"`, []string{"2 1 ", "*/5 ", "32 4 ", "@daily mine"}},
		"sed -i between built-in steps": {"04-mine.sh", `sed -i '/readiness/d' "$1"`, []string{"2 1 ", "32 4 "}},
		"in place of the first step":    {"01-configure-backup.py", `rm -f "$1"; echo "@daily mine" >"$1"`, []string{"@daily mine", "*/5 ", "32 4 "}},
		"through the link":              {"99-mine.sh", `echo "@daily mine" >>"$1"`, []string{"2 1 ", "*/5 ", "32 4 ", "@daily mine"}},
	} {
		t.Run(name, func(t *testing.T) {
			tree := testenv.NewTree(t)
			c := load(t, tree)
			link := setup.CrontabLink(c)
			testenv.Script(t, tree.Path("image/setup/run.always", test.step), "set -- "+link+"\n"+test.body)
			for range 2 { // starts
				always(t, c)
				if err := setup.AdoptCrontab(c); err != nil {
					t.Error(err)
				}
				if target, err := os.Readlink(link); target != setup.Crontab(c) {
					t.Errorf("%v, the link leads to %q", err, target)
				}
				if mode := testenv.Mode(t, setup.Crontab(c)); mode != 0o644 {
					t.Errorf("the crontab is %v", mode)
				}
				lines := strings.Split(strings.TrimSuffix(testenv.Read(t, link), "\n"), "\n")
				if len(lines) != len(test.want) {
					t.Errorf("lines %q, want those of %q", lines, test.want)
					continue
				}
				for i, want := range test.want {
					if !strings.HasPrefix(lines[i], want) {
						t.Errorf("line %d is %q, want it to begin with %q", i+1, lines[i], want)
					}
				}
			}
		})
	}
}

// The same path for both is no link.
func TestCrontabInTheRunDirectory(t *testing.T) {
	tree := testenv.NewTree(t)
	c := load(t, tree, "IMAGE_CRON_DIR="+tree.Path("run/cron"))
	always(t, c)
	if err := setup.AdoptCrontab(c); err != nil {
		t.Error(err)
	}
	if mode := testenv.Mode(t, setup.Crontab(c)); mode != 0o644 {
		t.Errorf("the crontab is %v", mode)
	}
}

// An earlier start locked the tree: links can be moved all the same by whom it
// belongs to.
func TestLinksOfALockedTree(t *testing.T) {
	testenv.Isolated(t, func(t *testing.T, dir string) {
		tree := testenv.NewTreeAt(t, dir)
		env, cron := tree.Path("image/config/env"), tree.Path("image/cron/kubernetes")
		for link, dir := range map[string]string{env: tree.Path("image/config"), cron: tree.Path("image/cron")} {
			if err := os.Remove(link); err != nil {
				t.Fatal(err)
			}
			testenv.Write(t, link, "@daily old\n", 0o444)
			for _, path := range []string{link, dir} {
				if err := os.Lchown(path, 500, 500); err != nil {
					t.Fatal(err)
				}
			}
			testenv.Chmod(t, dir, 0o555)
		}
		testenv.Mkdir(t, tree.Path("run"))
		testenv.Chown(t, tree.Path("run"), 500)
		testenv.Become(t, 500)
		c := load(t, tree)
		if got := begin(t, c); got != "" {
			t.Errorf("said %q", got)
		}
		if got, want := testenv.Read(t, setup.Crontab(c)), "# The image's own lines:\n@daily old\n"; got != want {
			t.Errorf("the crontab is %q, want %q", got, want)
		}
		for link, want := range map[string]string{env: tree.Path("run/env"), cron: setup.Crontab(c)} {
			if got, err := os.Readlink(link); got != want {
				t.Errorf("%v, %s leads to %q, want %q", err, link, got, want)
			}
		}
		for _, dir := range []string{"image/config", "image/cron"} {
			if mode := testenv.Mode(t, tree.Path(dir)); mode != 0o555|fs.ModeDir {
				t.Errorf("%s is %v, want it locked again", dir, mode)
			}
		}
	})
}

func TestWhatStandsInPlaceOfALink(t *testing.T) {
	testenv.Isolated(t, func(t *testing.T, dir string) {
		tree := testenv.NewTreeAt(t, dir)
		c := load(t, tree)
		env := tree.Path("image/config/env")
		if err := os.Remove(env); err != nil {
			t.Fatal(err)
		}
		testenv.Mkdir(t, env)
		want := "WARN  " + env + " is no file that could be replaced by a link to " + tree.Path("run/env") + ": remove it from the image\n"
		if got := begin(t, c); got != want {
			t.Errorf("said %q, want %q", got, want)
		}
		if err := os.Remove(env); err != nil {
			t.Fatal(err)
		}
		testenv.Write(t, env, "old", 0o644)
		testenv.Mount(t, tree.Path("image"), tree.Path("image"), "", syscall.MS_BIND, "")
		testenv.Mount(t, "", tree.Path("image"), "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, "")
		want = "WARN  " + env + " is out of date, and cannot be replaced by a link to " + tree.Path("run/env") + ": the image tree is read-only\n"
		if got := begin(t, c); !strings.HasPrefix(got, want) {
			t.Errorf("said %q, want %q first", got, want)
		}
	})
}
