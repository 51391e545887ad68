package archive

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// warnings are what a writer says while it packs.
type warnings []string

func (w *warnings) add(path string, lost bool, why error) {
	prefix := "changed "
	if lost {
		prefix = "lost "
	}
	*w = append(*w, prefix+path+": "+why.Error())
}

// TestFilesThatChange meddles with files in the midst of their being read, and
// wants an archive that is whole all the same.
func TestFilesThatChange(t *testing.T) {
	const size = 3 * copySize
	for name, c := range map[string]struct {
		meddle func(t *testing.T, path string)
		want   string
		length int64
	}{
		"grows": {func(t *testing.T, path string) {
			f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
			must(t, err)
			_, err = io.WriteString(f, "more")
			must(t, errors.Join(err, f.Close()))
		}, "changed b: it grew from 786432 to 786436 bytes while it was read: the archive has the first 786432", size},
		"shrinks": {func(t *testing.T, path string) {
			must(t, os.Truncate(path, copySize+5))
		}, "changed b: it shrank from 786432 to 262149 bytes while it was read: the archive has zeros for the rest", size},
		"is rewritten": {func(t *testing.T, path string) {
			must(t, os.Chtimes(path, time.Time{}, time.Unix(1, 0)))
		}, "changed b: it was written to while it was read: the archive may have parts of both states", size},
		"is removed": {func(t *testing.T, path string) {
			must(t, os.Remove(path))
		}, "", size},
		"is replaced": {func(t *testing.T, path string) {
			must(t, os.WriteFile(path+".new", []byte("other"), 0o600))
			must(t, os.Rename(path+".new", path))
		}, "", size},
	} {
		t.Run(name, func(t *testing.T) {
			in, work := t.TempDir(), t.TempDir()
			write(t, filepath.Join(in, "a"), "before")
			write(t, filepath.Join(in, "b"), strings.Repeat("x", size))
			write(t, filepath.Join(in, "c"), "after")
			w, err := NewWriter(work)
			must(t, err)
			var said warnings
			w.Warn = said.add
			read := 0
			w.Progress = func(n int) {
				if read += n; read == len("before")+copySize {
					c.meddle(t, filepath.Join(in, "b"))
				}
			}
			must(t, addAll(t.Context(), w, in))
			path := filepath.Join(work, "archive")
			head, err := w.Finish(path, Head{})
			must(t, err)
			if got := strings.Join(said, "\n"); got != c.want {
				t.Errorf("warnings %q, want %q", got, c.want)
			}
			if head.Complete() != (c.want == "") || head.Unreadable != 0 {
				t.Errorf("head %+v", head)
			}
			out, _, err := unpack(t, fromFile(path), Limits{})
			must(t, err)
			if info, err := os.Stat(filepath.Join(out, "b")); err != nil || info.Size() != c.length {
				t.Errorf("restored %v, %v", info, err)
			}
			if data, err := os.ReadFile(filepath.Join(out, "c")); err != nil || string(data) != "after" {
				t.Errorf("the file behind it: %q, %v", data, err)
			}
		})
	}
}

// TestFilesThatVanish removes files between the listing of their directory and
// their turn.
func TestFilesThatVanish(t *testing.T) {
	in, work := t.TempDir(), t.TempDir()
	write(t, filepath.Join(in, "a"), "trigger")
	write(t, filepath.Join(in, "b"), "gone")
	write(t, filepath.Join(in, "c", "d"), "gone as well")
	write(t, filepath.Join(in, "e"), "stays")
	w, err := NewWriter(work)
	must(t, err)
	var said warnings
	w.Warn = said.add
	w.Progress = func(int) {
		must(t, errors.Join(os.RemoveAll(filepath.Join(in, "b")), os.RemoveAll(filepath.Join(in, "c"))))
	}
	must(t, addAll(t.Context(), w, in))
	path := filepath.Join(work, "archive")
	head, err := w.Finish(path, Head{})
	must(t, err)
	want := warnings{"changed b: it vanished before it could be read", "changed c: it vanished before it could be read"}
	if !slices.Equal(said, want) || head.Changed != 2 {
		t.Errorf("warnings %q, want %q; head %+v", said, want, head)
	}
	_, err = verify(t, fromFile(path))
	must(t, err)
}

// TestReplacedByPipe has a named pipe and a directory take the place of files:
// neither may block or end the backup.
func TestReplacedByPipe(t *testing.T) {
	in, work := t.TempDir(), t.TempDir()
	for _, name := range []string{"a", "b", "z"} {
		write(t, filepath.Join(in, name), name)
	}
	must(t, unix.Mkfifo(filepath.Join(in, "pipe"), 0o600))
	w, err := NewWriter(work)
	must(t, err)
	must(t, addAll(t.Context(), w, in))
	path := filepath.Join(work, "archive")
	head, err := w.Finish(path, Head{})
	must(t, err)
	if head.Entries != 3 || !head.Complete() {
		t.Errorf("head %+v, want three files, and the pipe left out", head)
	}
	root, err := os.OpenRoot(in)
	must(t, err)
	defer root.Close()
	if _, err := root.OpenFile("pipe", os.O_RDONLY|unix.O_NONBLOCK, 0); err != nil {
		t.Errorf("a pipe blocks or fails to open: %v", err)
	}
}

// TestUnreadable is about what this user may not read.
func TestUnreadable(t *testing.T) {
	in, work := t.TempDir(), t.TempDir()
	write(t, filepath.Join(in, "a"), "x")
	w, err := NewWriter(work)
	must(t, err)
	var said warnings
	w.Warn = said.add
	w.Missing("/storage/data", &os.PathError{Op: "open", Path: "/storage/data", Err: unix.EACCES})
	must(t, addAll(t.Context(), w, in))
	head, err := w.Finish(filepath.Join(work, "archive"), Head{})
	must(t, err)
	if want := (warnings{"lost /storage/data: permission denied"}); !slices.Equal(said, want) {
		t.Errorf("warnings %q, want %q", said, want)
	}
	if head.Unreadable != 1 || head.Complete() || head.Files != 1 {
		t.Errorf("head %+v", head)
	}
}

// TestLinksLeadNowhereElse packs a directory with links out of it, which are
// packed as links.
func TestLinksLeadNowhereElse(t *testing.T) {
	outside, in := t.TempDir(), t.TempDir()
	write(t, filepath.Join(outside, "secret"), "secret")
	must(t, os.Symlink(outside, filepath.Join(in, "dir")))
	must(t, os.Symlink(filepath.Join(outside, "secret"), filepath.Join(in, "file")))
	path, head := pack(t, in)
	if head.Files != 0 || head.Entries != 2 {
		t.Errorf("head %+v", head)
	}
	data, err := os.ReadFile(path)
	must(t, err)
	if strings.Contains(string(gunzipped(t, data)), "secret\x00\x00\x00\x00\x00") && head.Bytes != 0 {
		t.Error("the file outside was packed")
	}
}
