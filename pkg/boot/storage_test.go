package boot

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/test/testenv"
)

// readOnly makes a directory a file system that cannot be written.
func readOnly(t *testing.T, dir string) {
	t.Helper()
	testenv.Mount(t, dir, dir, "", unix.MS_BIND, "")
	testenv.Mount(t, "", dir, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, "")
}

// The volume fills while a step runs: what it did cannot be noted, and the next
// start repeats it.
func TestStorageThatFills(t *testing.T) {
	testenv.Isolated(t, func(t *testing.T, dir string) {
		tree := testenv.NewTreeAt(t, dir)
		storage := tree.Path("storage")
		testenv.Mount(t, "tmpfs", storage, "tmpfs", 0, "size=256k")
		c := newContainer(t, tree, "FILL=1")
		c.step("run.once", "10-a.sh", `[ -z "$FILL" ] || dd if=/dev/zero of="$STORAGE_DATA_DIR/fill" bs=1024 2>/dev/null || true`)
		c.fail("step 10-a.sh of run.once failed: cannot write " + c.records() + ": no space left on device (make room on the file system of " + storage + ")")
		c.wantSteps("10-a.sh")
		if names := strings.Join(testenv.Names(t, storage), " "); strings.Contains(names, ".run-once.steps") || strings.Contains(names, ".completed") {
			t.Errorf("storage holds %s", names)
		}
		if err := os.Remove(filepath.Join(storage, "data/fill")); err != nil {
			t.Fatal(err)
		}
		c = newContainer(t, tree, "FILL=")
		c.start()
		c.wantSteps("10-a.sh")
		if !testenv.Exists(c.marker()) {
			t.Error("there is no marker")
		}
	})
}

// Once the first start is complete, a volume that has become read-only ends no
// start; a directory that is missing on it does.
func TestReadOnlyStorageAfterTheFirstStart(t *testing.T) {
	testenv.Isolated(t, func(t *testing.T, dir string) {
		c := newContainer(t, testenv.NewTreeAt(t, dir))
		c.start()
		if err := os.Remove(c.Config.ConfDir); err != nil {
			t.Fatal(err)
		}
		readOnly(t, c.Config.StorageBaseDir)
		c.fail("cannot create the directory " + c.Config.ConfDir + ": read-only file system (mount a volume or a tmpfs there)")
		if err := unix.Unmount(c.Config.StorageBaseDir, 0); err != nil {
			t.Fatal(err)
		}
		c.start()
		readOnly(t, c.Config.StorageBaseDir)
		c.start()
	})
}

func TestReadOnlyImageTree(t *testing.T) {
	for name, uid := range map[string]int{"root": 0, "user 500": 500} {
		t.Run(name, func(t *testing.T) {
			testenv.Isolated(t, func(t *testing.T, dir string) {
				tree := testenv.NewTreeAt(t, dir)
				c := newContainer(t, tree)
				c.step("run.once", "10-a.sh", "")
				testenv.Chown(t, dir, uid)
				readOnly(t, tree.Path("image"))
				testenv.Become(t, uid)
				for range 3 {
					c.start()
					want := tree.Path("image/config/env") + " is out of date, and cannot be replaced by a link to " + tree.Path("run/env") + ": the image tree is read-only\n"
					if text := c.log.Take(); !strings.Contains(text, want) || strings.Contains(text, "belong to other users") {
						t.Errorf("it said\n%s", text)
					}
				}
				c.wantSteps("10-a.sh")
				wantModes(t, tree.Root, map[string]os.FileMode{"image/utils.py": 0o644})
			})
		})
	}
}

// TestConfigDirectory has a directory in the place of /image/config that holds no link
// to the saved environment, and may not get one. Programs need none of it.
func TestConfigDirectory(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, dir string){
		"missing": func(t *testing.T, dir string) {
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
		},
		"a mount":   func(t *testing.T, dir string) { testenv.Mount(t, "tmpfs", dir, "tmpfs", 0, "mode=0777") },
		"read-only": readOnly,
	} {
		for user, uid := range testenv.Users {
			t.Run(name+", "+user, func(t *testing.T) {
				testenv.Isolated(t, func(t *testing.T, dir string) {
					tree := testenv.NewTreeAt(t, dir)
					c := newContainer(t, tree)
					testenv.Chown(t, dir, uid)
					change(t, tree.Path("image/config"))
					testenv.Become(t, uid)
					for range 2 {
						c.start()
					}
					if saved := testenv.Read(t, tree.Path("run/env")); !strings.Contains(saved, "IMAGE_BASE_DIR=") {
						t.Errorf("saved\n%s", saved)
					}
				})
			})
		}
	}
}

func TestTenStarts(t *testing.T) {
	for name, uid := range map[string]int{"root": 0, "user 500": 500} {
		t.Run(name, func(t *testing.T) {
			testenv.Isolated(t, func(t *testing.T, dir string) {
				tree := testenv.NewTreeAt(t, dir)
				c := newContainer(t, tree)
				c.step("run.always", "10-a.sh", `echo "* * * * * true" >>"$IMAGE_CRON_DIR/kubernetes"`)
				c.step("run.once", "10-b.sh", "")
				testenv.Chown(t, dir, uid)
				testenv.Become(t, uid)
				c.start()
				c.wantSteps("10-a.sh", "10-b.sh")
				marker := testenv.Inode(t, c.marker())
				crontab := testenv.Read(t, tree.Path("image/cron/kubernetes"))
				if strings.Count(crontab, "* * * * * true\n") != 1 {
					t.Errorf("the crontab is\n%s", crontab)
				}
				for range 9 {
					c = newContainer(t, tree)
					c.start()
					c.wantSteps("10-a.sh")
					if c.restored > 0 || testenv.Inode(t, c.marker()) != marker {
						t.Error("a first start once more")
					}
					if got := testenv.Read(t, tree.Path("image/cron/kubernetes")); got != crontab {
						t.Errorf("the crontab is\n%s", got)
					}
					if text := c.log.Take(); strings.Contains(text, "WARN") || strings.Contains(text, "ERROR") {
						t.Errorf("it said\n%s", text)
					}
				}
			})
		})
	}
}
