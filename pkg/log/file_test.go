package log

import (
	"os"
	"path/filepath"
	"testing"
)

func TestFileFollowsItsName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.log")
	f, err := OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	write := func(line string) {
		t.Helper()
		if n, err := f.Write([]byte(line)); err != nil || n != len(line) {
			t.Fatalf("wrote %d bytes, %v", n, err)
		}
	}
	write("a\n")
	write("b\n")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	write("c\n")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	write("d\n")
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	write("e\n")
	for name, want := range map[string]string{path + ".1": "a\nb\n", path: "e\n"} {
		if got, err := os.ReadFile(name); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v; want %q", name, got, err, want)
		}
	}
}

func TestFileWithoutItsDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "logs")
	if _, err := OpenFile(filepath.Join(dir, "x.log")); err == nil || err.Error() != "cannot write the log: open "+dir+"/x.log: no such file or directory" {
		t.Error(err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := OpenFile(filepath.Join(dir, "x.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if n, err := f.Write([]byte("lost\n")); err != nil || n != 5 {
		t.Errorf("wrote %d bytes, %v", n, err)
	}
}
