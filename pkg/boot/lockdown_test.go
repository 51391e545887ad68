package boot

import (
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/test/testenv"
)

// lockable returns a start below a directory, with what its lock-down says.
func lockable(dir string) (*Boot, *testenv.Buffer) {
	var said testenv.Buffer
	base := filepath.Join(dir, "image")
	return &Boot{
		Config: config.Config{
			BaseDir: base, SecretsDir: base + "/secrets",
			RunDir: filepath.Join(dir, "run"), StorageBaseDir: filepath.Join(dir, "storage"),
		},
		Log:    log.Named(log.New(&said, log.Options{}), "run"),
		Listen: func() {},
	}, &said
}

func lock(t *testing.T, b *Boot) {
	t.Helper()
	if err := b.lockDown(); err != nil {
		t.Fatal(err)
	}
}

// wantModes compares modes of what lies below a directory.
func wantModes(t *testing.T, dir string, want map[string]fs.FileMode) {
	t.Helper()
	for name, mode := range want {
		if got := testenv.Mode(t, filepath.Join(dir, name)); got != mode {
			t.Errorf("%s has the mode %s, want %s", name, got, mode)
		}
	}
}

// chmod is Chmod with setuid, setgid and sticky bits as chmod(1) writes them.
func chmod(t *testing.T, path string, mode uint32) {
	t.Helper()
	if err := unix.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// Signals are listened for as soon as something is changed, and not for a tree that is
// locked already.
func TestLockDownListens(t *testing.T) {
	dir := testenv.Dir(t)
	b, _ := lockable(dir)
	testenv.Write(t, filepath.Join(dir, "image/file"), "", 0o644)
	for _, want := range []bool{true, false} {
		listened := false
		b.Listen = func() { listened = true }
		if lock(t, b); listened != want {
			t.Errorf("listened: %v, want %v", listened, want)
		}
	}
}

func TestLockDown(t *testing.T) {
	dir := testenv.Dir(t)
	b, said := lockable(dir)
	for name, mode := range map[string]uint32{
		"image/app/program": 0o644, "image/app/closed": 0o600, "image/app/none": 0, "image/app/setuid": 0o6755, "image/app/setgid": 0o2555,
		"image/.hidden/file": 0o777, "image/secrets/key": 0o640, "image/secrets/own": 0o400,
		"image/secrets/sub/key": 0o666, "image/secrets2/key": 0o640, "outside/file": 0o666,
	} {
		testenv.Write(t, filepath.Join(dir, name), "", 0o600)
		chmod(t, filepath.Join(dir, name), mode)
	}
	for name, mode := range map[string]uint32{
		"image/app": 0o2770, "image/secrets": 0o750, "image/secrets/sub": 0o700, "image/tmp": 0o1777, "outside": 0o777,
	} {
		testenv.Mkdir(t, filepath.Join(dir, name))
		chmod(t, filepath.Join(dir, name), mode)
	}
	testenv.Symlink(t, "../../outside/file", filepath.Join(dir, "image/app/link"))
	testenv.Symlink(t, dir+"/outside", filepath.Join(dir, "image/app/dirlink"))
	testenv.Symlink(t, "nowhere", filepath.Join(dir, "image/app/dangling"))
	if err := unix.Mkfifo(dir+"/image/app/fifo", 0o600); err != nil {
		t.Fatal(err)
	}
	socket, err := net.Listen("unix", dir+"/image/app/socket")
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	chmod(t, dir+"/image/app/fifo", 0o622)
	chmod(t, dir+"/image/app/socket", 0o777)

	lock(t, b)
	wantModes(t, dir, map[string]fs.FileMode{
		"image": fs.ModeDir | 0o555, "image/app": fs.ModeDir | 0o555, "image/.hidden": fs.ModeDir | 0o555, "image/tmp": fs.ModeDir | 0o555,
		"image/app/program": 0o555, "image/app/closed": 0o555, "image/app/none": 0o555, "image/app/setuid": 0o555, "image/app/setgid": 0o555, "image/.hidden/file": 0o555,
		"image/secrets": fs.ModeDir | 0o550, "image/secrets/key": 0o440, "image/secrets/own": 0o400,
		"image/secrets/sub": fs.ModeDir | 0o500, "image/secrets/sub/key": 0o444, "image/secrets2/key": 0o555,
		"image/app/fifo": fs.ModeNamedPipe | 0o622, "image/app/socket": fs.ModeSocket | 0o777,
		"outside": fs.ModeDir | 0o777, "outside/file": 0o666,
	})
	if got := said.String(); got != "" {
		t.Errorf("it said\n%s", got)
	}
}

// changed returns when the modes of a tree were changed last.
func changed(t *testing.T, dir string) map[string]unix.Timespec {
	t.Helper()
	times := map[string]unix.Timespec{}
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		var stat unix.Stat_t
		if err == nil {
			err = unix.Lstat(path, &stat)
		}
		times[path] = stat.Ctim
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return times
}

func TestLockDownChangesOnlyWhatDiffers(t *testing.T) {
	dir := testenv.Dir(t)
	b, _ := lockable(dir)
	testenv.Write(t, dir+"/image/app/file", "", 0o644)
	testenv.Write(t, dir+"/image/secrets/key", "", 0o600)
	lock(t, b)
	before := changed(t, dir+"/image")
	testenv.WaitFor(t, "the clock of the file system", func() bool {
		testenv.Write(t, dir+"/clock", "", 0o644)
		return changed(t, dir+"/clock")[dir+"/clock"] != before[dir+"/image"]
	})
	lock(t, b)
	for path, at := range changed(t, dir+"/image") {
		if at != before[path] {
			t.Errorf("%s was changed a second time", path)
		}
	}
}

func TestLockDownWithoutTree(t *testing.T) {
	dir := testenv.Dir(t)
	b, _ := lockable(dir)
	lock(t, b)

	// A link to the tree is as good as the tree.
	testenv.Write(t, dir+"/real/app/file", "", 0o644)
	testenv.Symlink(t, "real", dir+"/image")
	lock(t, b)
	wantModes(t, dir, map[string]fs.FileMode{"real": fs.ModeDir | 0o555, "real/app/file": 0o555})

	b.Config.BaseDir = dir + "/real/app/file/image"
	if err := b.lockDown(); err == nil || err.Error() != "not a directory" {
		t.Errorf("a tree below a file: %v", err)
	}
}

func TestLockDownLeavesRunDirAndStorage(t *testing.T) {
	dir := testenv.Dir(t)
	b, _ := lockable(dir)
	testenv.Write(t, dir+"/image/var/run/file", "", 0o644)
	testenv.Write(t, dir+"/image/var/storage/data/file", "", 0o664)
	testenv.Chmod(t, dir+"/image/var/run", 0o711)
	testenv.Symlink(t, "image/var/storage", dir+"/storage") // another path of the same directory
	b.Config.RunDir = dir + "/image/var/run"
	lock(t, b)
	wantModes(t, dir+"/image", map[string]fs.FileMode{
		"var": fs.ModeDir | 0o555, "var/run": fs.ModeDir | 0o711, "var/run/file": 0o644,
		"var/storage": fs.ModeDir | 0o755, "var/storage/data": fs.ModeDir | 0o755, "var/storage/data/file": 0o664,
	})
}

func TestLockDownOfMountPoints(t *testing.T) {
	testenv.Isolated(t, func(t *testing.T, dir string) {
		b, said := lockable(dir)
		for _, name := range []string{"image/app/file", "image/app/place", "volume/file", "config"} {
			testenv.Write(t, filepath.Join(dir, name), "", 0o644)
		}
		// A tree that is a mount point itself is locked all the same.
		testenv.Mount(t, dir+"/image", dir+"/image", "", unix.MS_BIND, "")
		testenv.Mount(t, dir+"/volume", dir+"/image/volume", "", unix.MS_BIND, "")
		testenv.Mount(t, "tmpfs", dir+"/image/tmpfs", "tmpfs", 0, "mode=1777")
		if err := unix.Mount(dir+"/config", dir+"/image/app/place", "", unix.MS_BIND, ""); err != nil {
			t.Fatal(err)
		}
		remount := func(flags uintptr) {
			t.Helper()
			if err := unix.Mount("", dir+"/image", "", unix.MS_REMOUNT|unix.MS_BIND|flags, ""); err != nil {
				t.Fatal(err)
			}
		}
		mounts := map[string]fs.FileMode{
			"volume": fs.ModeDir | 0o755, "image/volume/file": 0o644, "image/tmpfs": fs.ModeDir | fs.ModeSticky | 0o777, "config": 0o644,
		}

		remount(unix.MS_RDONLY)
		lock(t, b)
		wantModes(t, dir, mounts)
		wantModes(t, dir, map[string]fs.FileMode{"image": fs.ModeDir | 0o755, "image/app/file": 0o644})

		remount(0)
		lock(t, b)
		wantModes(t, dir, mounts)
		wantModes(t, dir, map[string]fs.FileMode{"image": fs.ModeDir | 0o555, "image/app/file": 0o555})
		if got := said.String(); got != "" {
			t.Errorf("it said\n%s", got)
		}

		// A kernel that does not tell has them in /proc.
		w := walk{changes: func() {}}
		for name, want := range map[string]bool{"image/volume": true, "image/app/place": true, "image/app": false, "image/app/file": false} {
			if got := w.isMountPoint(filepath.Join(dir, name), &unix.Statx_t{}); got != want {
				t.Errorf("%s is a mount point: %t, want %t", name, got, want)
			}
		}
	})
}

func TestLockDownAsAnotherUser(t *testing.T) {
	testenv.Isolated(t, func(t *testing.T, dir string) {
		b, said := lockable(dir)
		base := dir + "/image"
		testenv.Write(t, base+"/mine", "", 0o644)
		testenv.Chown(t, base, 500)
		for name, mode := range map[string]fs.FileMode{
			"theirs": 0o644, "closed/file": 0o666, "theirs-open/one": 0o666, "theirs-open/two": 0o666, "theirs-open/three": 0o600,
		} {
			testenv.Write(t, filepath.Join(base, name), "", mode)
		}
		testenv.Chmod(t, base+"/closed", 0o700)
		testenv.Become(t, 500)
		for range 2 {
			lock(t, b)
			got := said.Take()
			if !strings.HasSuffix(got, "\n") || strings.Count(got, "\n") != 1 {
				t.Errorf("it said\n%s\nwant one line", got)
			}
			const format = "WARN\trun 2 files below %s belong to other users and can be written by this one (uid 500), for example %s/theirs-open/%s: give them to it, or take that permission away\n"
			if !strings.HasSuffix(got, fmt.Sprintf(format, base, base, "one")) && !strings.HasSuffix(got, fmt.Sprintf(format, base, base, "two")) {
				t.Errorf("it said\n%s\nwant\n"+format, got, base, base, "one")
			}
		}
		wantModes(t, dir, map[string]fs.FileMode{
			"image": fs.ModeDir | 0o555, "image/mine": 0o555, "image/theirs": 0o644, "image/closed": fs.ModeDir | 0o700,
			"image/theirs-open": fs.ModeDir | 0o755, "image/theirs-open/one": 0o666, "image/theirs-open/three": 0o600,
		})
	})
}

// What somebody removes meanwhile is no error, wherever the walk is.
func TestLockDownWhileFilesVanish(t *testing.T) {
	dir := filepath.Join(testenv.Dir(t), "dir")
	testenv.Mkdir(t, dir)
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	w := walk{changes: func() {}}
	for what, err := range map[string]error{
		"before its mode was read":  w.entry(fd, "gone", dir+"/gone", false),
		"before it was opened":      w.below(fd, "gone", dir+"/gone", false),
		"before it was listed":      w.below(fd, ".", dir, false),
		"before its mode was taken": w.lock(fd, "gone", dir+"/gone", 0o644, false),
	} {
		if err != nil {
			t.Errorf("removed %s: %v", what, err)
		}
	}
}
