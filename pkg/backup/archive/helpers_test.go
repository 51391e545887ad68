package archive

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t testing.TB, path, content string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, []byte(content), 0o644))
}

// pack packs everything in dir and returns the archive's path and head.
func pack(t testing.TB, dir string) (string, Head) {
	t.Helper()
	return packIn(t, t.TempDir(), dir)
}

func packIn(t testing.TB, work, dir string) (string, Head) {
	t.Helper()
	w, err := NewWriter(work)
	must(t, err)
	defer w.Abort()
	must(t, addAll(t.Context(), w, dir))
	path := filepath.Join(work, "archive.tar.gz")
	head, err := w.Finish(path, Head{Image: "image", App: "app"})
	must(t, err)
	return path, head
}

// addAll adds everything in a directory.
func addAll(ctx context.Context, w *Writer, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return w.AddContent(ctx, root)
}

func fromFile(path string) Source {
	return func() (io.ReadCloser, error) { return os.Open(path) }
}

func fromBytes(data []byte) Source {
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
}

// unpack unpacks into a new directory.
func unpack(t testing.TB, from Source, limits Limits) (dir string, notes []string, err error) {
	t.Helper()
	dir = t.TempDir()
	notes, err = unpackTo(t, dir, from, limits)
	return dir, notes, err
}

func unpackTo(t testing.TB, dir string, from Source, limits Limits) (notes []string, err error) {
	t.Helper()
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(dir, "private"), 0o700) }) // as makeTree has it
	root, err := os.OpenRoot(dir)
	must(t, err)
	defer root.Close()
	r, err := Open(t.Context(), from, limits)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	u := Unpacker{
		Targets: []Target{{Root: root}},
		Note:    func(path, what string) { notes = append(notes, path+": "+what) },
	}
	err = u.Unpack(r)
	return notes, err
}

// verify reads to the end, and wants an error to be one of the archive.
func verify(t testing.TB, from Source) (*Head, error) {
	t.Helper()
	return Verify(t.Context(), from, Limits{}, func(int) {})
}

// describe lists a tree: what survives a backup and restore, a line a file.
func describe(t testing.TB, dir string) string {
	t.Helper()
	var lines []string
	inodes := map[uint64]string{}
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		info, err := d.Info()
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		line := fmt.Sprintf("%q %s %d:%d %s", rel, info.Mode(), st.Uid, st.Gid, info.ModTime().UTC().Format("2006-01-02T15:04:05.999999999"))
		switch info.Mode().Type() {
		case fs.ModeSymlink:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			line += fmt.Sprintf(" -> %q", target)
		case 0:
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			line += fmt.Sprintf(" %d bytes %.40q", len(data), data)
			if first, ok := inodes[st.Ino]; ok {
				line += fmt.Sprintf(" same as %q", first)
			}
			inodes[st.Ino] = rel
		}
		lines = append(lines, line)
		return nil
	}))
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// entry is one of a tar archive made by hand.
type entry struct {
	tar.Header
	content string
}

func file(name, content string) entry {
	return entry{tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644}, content}
}

func dir(name string) entry {
	return entry{Header: tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: 0o755}}
}

func link(typeflag byte, name, target string) entry {
	return entry{Header: tar.Header{Typeflag: typeflag, Name: name, Linkname: target, Mode: 0o777}}
}

// tarball returns a compressed archive of entries, whatever they are.
func tarball(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		if e.Typeflag == tar.TypeReg {
			e.Size = int64(len(e.content))
		}
		must(t, w.WriteHeader(&e.Header))
		_, err := io.WriteString(w, e.content)
		must(t, err)
	}
	must(t, w.Close())
	return gzipped(t, b.Bytes())
}

func gzipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(data)
	must(t, err)
	must(t, w.Close())
	return b.Bytes()
}

func gunzipped(t testing.TB, data []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(data))
	must(t, err)
	plain, err := io.ReadAll(r)
	must(t, err)
	return plain
}
