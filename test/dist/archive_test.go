package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func tree(t *testing.T) string {
	dir := t.TempDir()
	for _, err := range []error{
		os.Mkdir(filepath.Join(dir, "image"), 0o700),
		os.WriteFile(filepath.Join(dir, "image", "step.sh"), []byte("#!/bin/sh\n"), 0o700),
		os.WriteFile(filepath.Join(dir, "image", "global.conf"), []byte("x"), 0o600),
		os.MkdirAll(filepath.Join(dir, "image", "__pycache__", "utils.pyc"), 0o755),
		os.Symlink("/tmp/env", filepath.Join(dir, "image", "env")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func pack(t *testing.T, dir string) []byte {
	var b bytes.Buffer
	if err := write(&b, dir, map[string]string{"b.1": "x", "a.1": "y"}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestWrite(t *testing.T) {
	zipped, err := gzip.NewReader(bytes.NewReader(pack(t, tree(t))))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for archive := tar.NewReader(zipped); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s %o %d:%d %s", h.Name, h.Mode, h.Uid, h.Gid, h.Linkname))
	}
	want := []string{"image/ 755 0:0 ", "image/env 777 0:0 /tmp/env", "image/global.conf 644 0:0 ", "image/step.sh 755 0:0 ", "usr/share/man/man1/a.1 644 0:0 ", "usr/share/man/man1/b.1 644 0:0 "}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the archive holds\n%q\nwant\n%q", got, want)
	}
}

func TestWriteIsReproducible(t *testing.T) {
	one, two := tree(t), tree(t)
	if err := os.Chtimes(filepath.Join(two, "image", "step.sh"), time.Unix(1, 0), time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(pack(t, one), pack(t, two)) {
		t.Error("two trees of the same files are different archives")
	}
}
