package archive

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// FuzzReader reads whatever comes as an archive: without a panic, without
// anything outside the directory, and with errors that say that it is the
// archive's fault.
func FuzzReader(f *testing.F) {
	in := f.TempDir()
	write(f, filepath.Join(in, "dir", "file"), "content")
	must(f, os.Link(filepath.Join(in, "dir", "file"), filepath.Join(in, "hard")))
	must(f, os.Symlink("dir/file", filepath.Join(in, "soft")))
	path, _ := pack(f, in)
	ours, err := os.ReadFile(path)
	must(f, err)
	// What the fuzzer changes is the tar archive: gzip would hide it behind sums.
	f.Add(gunzipped(f, ours))
	f.Add(gunzipped(f, tarball(f, dir("./"), file("./a", "x"), link(tar.TypeSymlink, "l", "../.."), file("b/c", ""))))
	f.Add(gunzipped(f, tarball(f, file("backup-2026-01-02_03:04:05/a", "x"))))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		limits := Limits{Bytes: 1 << 20, Entries: 1000}
		outer := t.TempDir()
		out := filepath.Join(outer, "out")
		must(t, os.Mkdir(out, 0o700))
		_, unpackErr := unpackTo(t, out, fromBytes(gzipped(t, data)), limits)
		if entries, err := os.ReadDir(outer); err != nil || len(entries) != 1 {
			t.Fatalf("there is something beside the directory: %v, %v", entries, err)
		}
		_, err := Verify(t.Context(), fromBytes(gzipped(t, data)), limits, func(int) {})
		if err != nil && !errors.Is(err, ErrInvalid) {
			t.Fatalf("reading: %v", err)
		}
		// A name may be too long for this file system; all else is found by reading.
		if err == nil && errors.Is(unpackErr, ErrInvalid) {
			t.Fatalf("it can be read, but not be unpacked: %v", unpackErr)
		}
	})
}

// FuzzGzip has the fuzzer change the compressed bytes.
func FuzzGzip(f *testing.F) {
	f.Add(tarball(f, file("a", "x")))
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := Verify(t.Context(), fromBytes(data), Limits{Bytes: 1 << 20, Entries: 1000}, func(int) {}); err != nil && !errors.Is(err, ErrInvalid) {
			t.Fatal(err)
		}
		if _, err := ReadHead(fromBytes(data)); err != nil && !errors.Is(err, ErrInvalid) {
			t.Fatal(err)
		}
	})
}

// FuzzManifest puts anything in front of an archive as its manifest. One that is
// accepted has a head, which can be read alone too.
func FuzzManifest(f *testing.F) {
	const content = "content"
	in := f.TempDir()
	write(f, filepath.Join(in, "file"), content)
	path, _ := pack(f, in)
	ours, err := os.ReadFile(path)
	must(f, err)
	tr := tar.NewReader(bytes.NewReader(gunzipped(f, ours)))
	_, err = tr.Next()
	must(f, err)
	manifest, err := io.ReadAll(tr)
	must(f, err)
	f.Add(manifest)
	f.Fuzz(func(t *testing.T, manifest []byte) {
		data := tarball(t, file(ManifestName, string(manifest)), file("file", content))
		head, err := ReadHead(fromBytes(data))
		if err != nil && !errors.Is(err, ErrInvalid) {
			t.Fatal(err)
		}
		whole, err := verify(t, fromBytes(data))
		switch {
		case err != nil && !errors.Is(err, ErrInvalid):
			t.Fatal(err)
		case err == nil && (head == nil || whole == nil || !reflect.DeepEqual(head, whole)):
			t.Fatalf("the head is %+v, and alone %+v", whole, head)
		}
	})
}

// FuzzEntry wants every line that is understood to be written the same way.
func FuzzEntry(f *testing.F) {
	f.Add([]byte(`{"path":"a","kind":"file","mode":"0644","uid":0,"gid":0,"mtime":"2026-01-02T03:04:05.6Z","size":1,"sha256":"00"}`))
	f.Add([]byte(`{"path":{"base64":"/w=="},"kind":"symlink","mode":"0777","target":"x"}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		var e, again Entry
		if json.Unmarshal(line, &e) != nil {
			return
		}
		out, err := json.Marshal(e)
		if err != nil {
			return // a year of five digits is read, but not written
		}
		must(t, json.Unmarshal(out, &again))
		if again.Path != e.Path || again.Target != e.Target || again.Mode != e.Mode || again.Size != e.Size || !again.ModTime.Equal(e.ModTime) {
			t.Errorf("%s became %s", line, out)
		}
	})
}
