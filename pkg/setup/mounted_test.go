package setup_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/ZPascal/container-manager/pkg/setup"
	"github.com/ZPascal/container-manager/test/testenv"
)

// mountFile lays a file over another one, as a ConfigMap with subPath does: read-only,
// and root's.
func mountFile(t *testing.T, over, text string) {
	t.Helper()
	from := filepath.Join(testenv.Dir(t), "file")
	testenv.Write(t, from, text, 0o644)
	for _, flags := range []uintptr{syscall.MS_BIND, syscall.MS_BIND | syscall.MS_REMOUNT | syscall.MS_RDONLY} {
		if err := syscall.Mount(from, over, "", flags, ""); err != nil {
			t.Fatal(err)
		}
	}
}

// A mounted file can neither be moved nor removed. Its jobs are in the crontab once, on
// every start, beside those that the image has put aside.
func TestMountedCrontab(t *testing.T) {
	for name, over := range map[string]string{"the crontab": "image/cron/kubernetes", "the image's own lines": "image/cron/kubernetes.own"} {
		t.Run(name, func(t *testing.T) {
			testenv.Isolated(t, func(t *testing.T, dir string) {
				tree := testenv.NewTreeAt(t, dir)
				own := "PATH=/own\n@hourly image\n"
				testenv.Write(t, tree.Path("image/cron/kubernetes.own"), own, 0o644)
				mountFile(t, tree.Path(over), "@daily mounted\n")
				if strings.HasSuffix(over, ".own") {
					own = ""
				}
				c := load(t, tree)
				want := own + "@daily mounted\n"
				for range 3 { // starts
					if said := begin(t, c); said != "" {
						t.Errorf("said %q", said)
					}
					always(t, c)
					if err := setup.AdoptCrontab(c); err != nil {
						t.Fatal(err)
					}
					crontab := testenv.Read(t, setup.Crontab(c))
					if _, got, _ := strings.Cut(crontab, "# The image's own lines:\n"); got != want {
						t.Errorf("the image's lines are %q, want %q", got, want)
					}
					// With the variable above them in one file only, they would count as other jobs.
					if got, want := setup.Crontabs(c, []string{setup.Crontab(c)}), []string{setup.Crontab(c)}; !slices.Equal(got, want) {
						t.Errorf("cron reads %q, want %q", got, want)
					}
				}
			})
		})
	}
}

// Over a link of our images, a file lies where nobody looks, and that is said.
func TestMountedOverALink(t *testing.T) {
	testenv.Isolated(t, func(t *testing.T, dir string) {
		tree := testenv.NewTreeAt(t, dir)
		hops := tree.Path("tmp/container-manager.links")
		env, cron := tree.Path("image/config/env"), tree.Path("image/cron/kubernetes")
		for _, link := range []string{env, cron} {
			hop := filepath.Join(hops, filepath.Base(link))
			testenv.Write(t, hop, "", 0o644)
			if err := os.Remove(link); err != nil {
				t.Fatal(err)
			}
			testenv.Symlink(t, hop, link)
			mountFile(t, link, "@daily mounted\n")
		}
		c := load(t, tree)
		want := "WARN  a file is mounted over " + env + ", which has to be a link to " + tree.Path("run/env") + ": take the mount away\n" +
			"WARN  a file is mounted over " + cron + ", which has to be a link to " + setup.Crontab(c) + ": mount jobs of the crontab over " + cron + ".own instead\n"
		if got := begin(t, c); got != want {
			t.Errorf("said\n%swant\n%s", got, want)
		}
	})
}
