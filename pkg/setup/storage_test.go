package setup_test

import (
	"io/fs"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/ZPascal/container-manager/pkg/setup"
	"github.com/ZPascal/container-manager/test/testenv"
)

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
