package fsutil

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

func TestMain(m *testing.M) {
	testenv.Main(m, map[string]func([]string) int{"write": writeForEver, "lock": holdLock})
}

type writer func(path string, data []byte, perm fs.FileMode) error

var writers = map[string]writer{"WriteFile": WriteFile, "Replace": Replace, "Update": Update}

// only fails unless the directory holds these names: no temporary file.
func only(t *testing.T, dir string, want ...string) {
	t.Helper()
	if got := testenv.Names(t, dir); strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("%s holds %q, want %q", dir, got, want)
	}
}

func umask(t *testing.T, mask int) {
	old := syscall.Umask(mask)
	t.Cleanup(func() { syscall.Umask(old) })
}

func TestModeIsExact(t *testing.T) {
	for name, write := range writers {
		for _, mask := range []int{0, 0o022, 0o077, 0o777} {
			for _, perm := range []fs.FileMode{0o600, 0o644, 0o660, 0o755} {
				t.Run(fmt.Sprintf("%s %v umask %03o", name, perm, mask), func(t *testing.T) {
					dir := testenv.Dir(t)
					path := filepath.Join(dir, "file")
					umask(t, mask)
					for _, content := range []string{"first", "", "third"} { // new, and in place of an old one
						if err := write(path, []byte(content), perm); err != nil {
							t.Fatal(err)
						}
						if got := testenv.Mode(t, path); got != perm {
							t.Errorf("mode %v, want %v", got, perm)
						}
						if got := testenv.Read(t, path); got != content {
							t.Errorf("content %q, want %q", got, content)
						}
					}
					only(t, dir, "file")
				})
			}
		}
	}
}

func TestWhatStoodThere(t *testing.T) {
	for name, write := range writers {
		t.Run(name, func(t *testing.T) {
			dir := testenv.Dir(t)
			other, link, hard, closed := filepath.Join(dir, "other"), filepath.Join(dir, "link"), filepath.Join(dir, "hard"), filepath.Join(dir, "closed")
			testenv.Write(t, other, "x", 0o644)
			testenv.Symlink(t, "other", link)
			testenv.Write(t, closed, "old", 0o400)
			if err := os.Link(other, hard); err != nil {
				t.Fatal(err)
			}
			// The same content: a link is not what was asked for all the same.
			for path, content := range map[string]string{link: "x", hard: "y", closed: "new"} {
				if err := write(path, []byte(content), 0o644); err != nil {
					t.Fatal(err)
				}
				if got := testenv.Mode(t, path); got != 0o644 || testenv.Read(t, path) != content {
					t.Errorf("%s is %v with %q", path, got, testenv.Read(t, path))
				}
			}
			if got := testenv.Read(t, other); got != "x" {
				t.Errorf("the file that links led to holds %q", got)
			}
			only(t, dir, "closed", "hard", "link", "other")
		})
	}
}

func TestUpdateLeavesWhatIsAsWanted(t *testing.T) {
	path := filepath.Join(testenv.Dir(t), "file")
	update := func(content string, perm fs.FileMode) {
		if err := Update(path, []byte(content), perm); err != nil {
			t.Fatal(err)
		}
	}
	update("content", 0o600)
	first := testenv.Inode(t, path)
	if update("content", 0o600); testenv.Inode(t, path) != first {
		t.Error("the file was replaced although nothing changed")
	}
	if update("CONTENT", 0o600); testenv.Read(t, path) != "CONTENT" {
		t.Error("content of the same length was not written")
	}
	if update("CONTENT", 0o644); testenv.Mode(t, path) != 0o644 {
		t.Error("the mode alone was not changed")
	}
}

func TestWriteErrors(t *testing.T) {
	for name, write := range writers {
		t.Run(name, func(t *testing.T) {
			testenv.Isolated(t, func(t *testing.T, dir string) {
				path := func(elem ...string) string { return filepath.Join(append([]string{dir}, elem...)...) }
				testenv.Write(t, path("file"), "x", 0o644)
				testenv.Mkdir(t, path("directory", "below"))
				testenv.Mount(t, "tmpfs", path("full"), "tmpfs", 0, "size=64k,uid=500")
				testenv.Write(t, path("full", "old"), "old", 0o644)
				testenv.Mount(t, "tmpfs", path("readonly"), "tmpfs", syscall.MS_RDONLY, "")
				testenv.Write(t, path("theirs", "mine"), "x", 0o644)
				testenv.Chown(t, path("theirs", "mine"), 500)
				testenv.Mkdir(t, path("sticky"))
				testenv.Chmod(t, path("sticky"), 0o777|fs.ModeSticky)
				testenv.Write(t, path("sticky", "theirs"), "x", 0o644)
				testenv.Chown(t, path("directory"), 500)
				testenv.Become(t, 500)
				const uid = ", and this process runs as uid 500, gid 500: give it to that user, or run as one who may write there)"
				for _, test := range []struct{ path, want string }{
					{path("none", "file"), "no such file or directory"},
					{path("file", "below"), "not a directory (" + path("file") + " is no directory)"},
					{path("directory", "below"), "file exists"},
					{path("full", "old"), "no space left on device (make room on the file system of " + path("full", "old") + ")"},
					{path("readonly", "file"), "read-only file system (mount a volume or a tmpfs there)"},
					{path("theirs", "new"), "permission denied (" + path("theirs") + " belongs to uid 0, gid 0, mode 0755" + uid},
					{path("theirs", "mine"), "permission denied (" + path("theirs") + " belongs to uid 0, gid 0, mode 0755" + uid},
					{path("sticky", "theirs"), "operation not permitted (" + path("sticky", "theirs") + " belongs to uid 0, gid 0, mode 0644" + uid},
				} {
					err := write(test.path, make([]byte, 1<<20), 0o600)
					if want := "cannot write " + test.path + ": " + test.want; err == nil || err.Error() != want {
						t.Errorf("error %v\nwant  %s", err, want)
					}
				}
				only(t, dir, "directory", "file", "full", "readonly", "sticky", "theirs")
				only(t, path("directory"), "below")
				only(t, path("full"), "old")
				only(t, path("sticky"), "theirs")
				if got := testenv.Read(t, path("full", "old")); got != "old" {
					t.Errorf("the old file holds %q", got)
				}
			})
		})
	}
}

// writeForEver is a program: it writes contents in turn, each with a function
// in turn.
func writeForEver(args []string) int {
	for i := 0; ; i++ {
		for _, write := range writers {
			if err := write(args[1], wholeContent(i%2), 0o644); err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
		}
	}
}

// wholeContent is longer than what one write puts in place at once.
func wholeContent(i int) []byte { return []byte(strings.Repeat([]string{"old", "new"}[i], 100_000)) }

func TestFilesAreWholeAtAnyTime(t *testing.T) {
	testenv.NotQuick(t)
	path := filepath.Join(testenv.Dir(t), "file")
	testenv.Write(t, path, string(wholeContent(0)), 0o644)
	seen := map[string]int{}
	read := func() {
		content := testenv.Read(t, path)
		if content != string(wholeContent(0)) && content != string(wholeContent(1)) {
			t.Fatalf("%d bytes, which are neither the old nor the new ones", len(content))
		}
		seen[content]++
	}
	for range 5 {
		cmd := testenv.Command(t, os.Environ(), "write", path)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// Into the middle of things, wherever they are then.
		before := testenv.Inode(t, path)
		testenv.WaitFor(t, "a first write", func() bool { read(); return testenv.Inode(t, path) != before })
		for range 20 {
			read()
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		read()
	}
	if len(seen) != 2 {
		t.Errorf("saw %d contents, want both", len(seen))
	}
}

func TestSymlink(t *testing.T) {
	dir := testenv.Dir(t)
	link := filepath.Join(dir, "link")
	for _, target := range []string{"nowhere", "nowhere", dir, "../a b", link} {
		if err := Symlink(target, link); err != nil {
			t.Fatal(err)
		}
		if got, err := os.Readlink(link); got != target {
			t.Errorf("%v, link to %q, want %q", err, got, target)
		}
	}
	testenv.Write(t, filepath.Join(dir, "file"), "x", 0o644)
	if err := Symlink("target", filepath.Join(dir, "file")); err != nil || testenv.Mode(t, filepath.Join(dir, "file"))&fs.ModeSymlink == 0 {
		t.Errorf("%v, want a link in place of the file", err)
	}
	only(t, dir, "file", "link")
}

func TestSymlinkLeavesWhatIsAsWanted(t *testing.T) {
	testenv.Isolated(t, func(t *testing.T, dir string) {
		link := filepath.Join(dir, "link")
		testenv.Symlink(t, "target", link)
		testenv.Become(t, 500) // who could not replace it
		if err := Symlink("target", link); err != nil {
			t.Error(err)
		}
	})
}

func TestSymlinkErrors(t *testing.T) {
	testenv.Isolated(t, func(t *testing.T, dir string) {
		path := func(elem ...string) string { return filepath.Join(append([]string{dir}, elem...)...) }
		testenv.Mkdir(t, path("mine", "directory"))
		testenv.Chown(t, path("mine"), 500)
		testenv.Symlink(t, "old", path("link"))
		testenv.Mount(t, "tmpfs", path("readonly"), "tmpfs", syscall.MS_RDONLY, "")
		testenv.Become(t, 500)
		for path, want := range map[string]string{
			path("none", "link"):      "no such file or directory",
			path("mine", "directory"): "file exists",
			path("readonly", "link"):  "read-only file system (mount a volume or a tmpfs there)",
			path("link"): "permission denied (" + dir + " belongs to uid 0, gid 0, mode 0755, and this process runs as uid 500, gid 500: " +
				"give it to that user, or run as one who may write there)",
		} {
			err := Symlink("target", path)
			if want := "cannot link " + path + ": " + want; err == nil || err.Error() != want {
				t.Errorf("error %v\nwant  %s", err, want)
			}
		}
		only(t, path("mine"), "directory")
		only(t, dir, "link", "mine", "readonly")
	})
}

func TestCause(t *testing.T) {
	dir := testenv.Dir(t)
	_, open := os.Open(filepath.Join(dir, "none"))
	for _, err := range []error{open, os.Rename(filepath.Join(dir, "none"), dir+"/new"), fmt.Errorf("wrapped: %w", open), syscall.ENOENT} {
		if got := Cause(err); got != error(syscall.ENOENT) {
			t.Errorf("Cause(%v) is %v", err, got)
		}
	}
}

func TestSyncDir(t *testing.T) {
	dir := testenv.Dir(t)
	if err := SyncDir(dir); err != nil {
		t.Error(err)
	}
	if err := SyncDir(filepath.Join(dir, "none")); err == nil {
		t.Error("a directory that is missing counts as synced")
	}
}
