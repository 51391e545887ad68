package fsutil

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/test/testenv"
)

func TestReadFile(t *testing.T) {
	path := filepath.Join(testenv.Dir(t), "file")
	for _, size := range []int{0, 1, 511, 512, 513, 4096, 1 << 20} {
		want := bytes.Repeat([]byte("x\x00\n"), size)[:size]
		testenv.Write(t, path, string(want), 0o644)
		got, err := ReadFile(path)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%v, %d bytes, want %d", err, len(got), size)
		}
		for _, n := range []int{1, 255, 256, 512, 4096, 2 << 20} {
			got, err := ReadHead(path, n)
			if err != nil || !bytes.Equal(got, want[:min(n, size)]) {
				t.Errorf("head of %d bytes out of %d: %v, %d bytes", n, size, err, len(got))
			}
		}
	}
}

// Files of /proc say that they are empty.
func TestReadFileThatTellsNoSize(t *testing.T) {
	want, err := os.ReadFile("/proc/version")
	if err != nil {
		t.Fatal(err)
	}
	got, err := ReadFile("/proc/version")
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%v, got %q, want %q", err, got, want)
	}
}

func TestReadErrors(t *testing.T) {
	testenv.Isolated(t, func(t *testing.T, dir string) {
		closed := filepath.Join(dir, "closed")
		testenv.Write(t, closed, "x", 0o600)
		testenv.Become(t, 500)
		for path, want := range map[string]error{
			dir:                        unix.EISDIR,
			filepath.Join(dir, "none"): fs.ErrNotExist,
			closed:                     fs.ErrPermission,
		} {
			for name, read := range map[string]func() ([]byte, error){
				"ReadFile": func() ([]byte, error) { return ReadFile(path) },
				"ReadHead": func() ([]byte, error) { return ReadHead(path, 256) },
			} {
				_, err := read()
				var pathErr *fs.PathError
				if !errors.Is(err, want) || !errors.As(err, &pathErr) || pathErr.Path != path {
					t.Errorf("%s(%s): %v, want %v, with the path", name, path, err, want)
				}
			}
		}
	})
}

func TestNames(t *testing.T) {
	dir := testenv.Dir(t)
	var want []string
	for i := range 300 { // more than are read at once
		name := fmt.Sprintf("%03d-%s", i, strings.Repeat("x", i%200))
		want = append(want, name)
		testenv.Write(t, filepath.Join(dir, name), "", 0o600)
	}
	d, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	got, err := Names(int(d.Fd()))
	slices.Sort(got)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %d names, want %d", err, len(got), len(want))
	}
	f, err := os.Open(filepath.Join(dir, want[0]))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if names, err := Names(int(f.Fd())); !errors.Is(err, unix.ENOTDIR) || len(names) > 0 {
		t.Errorf("of a file: %v, names %q", err, names)
	}
}

func TestUnescapeOctal(t *testing.T) {
	for escaped, want := range map[string]string{
		`/plain`: "/plain", `/a\040b\011c\012d\134e`: "/a b\tc\nd\\e", `\040`: " ",
		`/\04`: `/\04`, `/\`: `/\`, `/\999`: `/\999`, `/\134040`: `/\040`, "/\xff": "/\xff",
	} {
		if got := unescapeOctal(escaped); got != want {
			t.Errorf("%s is %q, want %q", escaped, got, want)
		}
	}
}

func TestMountPoints(t *testing.T) {
	testenv.Isolated(t, func(t *testing.T, dir string) {
		odd, bind, plain := filepath.Join(dir, "a b\tc\nd\\e"), filepath.Join(dir, "bind"), filepath.Join(dir, "plain")
		testenv.Mount(t, "tmpfs", odd, "tmpfs", 0, "")
		testenv.Mkdir(t, plain)
		testenv.Mount(t, plain, bind, "", unix.MS_BIND, "") // of the same file system
		points := MountPoints()
		if !points["/"] || !points["/proc"] || !points[odd] || !points[bind] || points[plain] {
			t.Errorf("mount points %v, want /, /proc, %q and %q among them, %q not", points, odd, bind, plain)
		}
		testenv.Mount(t, "tmpfs", "/proc", "tmpfs", 0, "")
		if points := MountPoints(); len(points) != 0 {
			t.Errorf("mount points %v without /proc", points)
		}
	})
}

func TestAdvice(t *testing.T) {
	testenv.Isolated(t, func(t *testing.T, dir string) {
		file := filepath.Join(dir, "file")
		testenv.Write(t, file, "", 0o640)
		if err := os.Chown(file, 7, 8); err != nil {
			t.Fatal(err)
		}
		t.Chdir(dir)
		testenv.Become(t, 500)
		const me = ", and this process runs as uid 500, gid 500: give it to that user, or run as one who may write there)"
		for _, test := range []struct {
			path string
			err  error
			want string
		}{
			{file, unix.EACCES, " (" + file + " belongs to uid 7, gid 8, mode 0640" + me},
			{dir + "/none/below", unix.EPERM, " (" + dir + " belongs to uid 0, gid 0, mode 0755" + me},
			{"none/below", unix.EACCES, " (. belongs to uid 0, gid 0, mode 0755" + me},
			{file, &fs.PathError{Op: "open", Path: "x", Err: unix.EACCES}, " (" + file + " belongs to uid 7, gid 8, mode 0640" + me},
			{file, unix.EROFS, " (mount a volume or a tmpfs there)"},
			{dir + "/none/below", unix.ENOSPC, " (make room on the file system of " + dir + ")"},
			{dir + "/none/below", unix.EDQUOT, " (make room on the file system of " + dir + ")"},
			{file + "/below", unix.ENOTDIR, " (" + file + " is no directory)"},
			{file, unix.EBUSY, " (something is mounted over this file: take the mount away)"},
			{file, unix.ENOENT, ""},
			{file, errors.New("permission denied"), ""},
		} {
			if got := Advice(test.path, test.err); got != test.want {
				t.Errorf("Advice(%s, %v): %q, want %q", strings.TrimPrefix(test.path, dir), test.err, got, test.want)
			}
		}
	})
}
