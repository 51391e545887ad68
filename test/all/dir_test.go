package main

import (
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/test/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m, nil) }

// TestSweep leaves the directory of a run that goes on, and clears that of one that
// was killed, with a process and with mounts that it has left.
func TestSweep(t *testing.T) { testenv.Isolated(t, testSweep) }

func testSweep(t *testing.T, tmp string) {
	t.Setenv("TMPDIR", tmp)
	dir, lock, err := newDir()
	if err != nil {
		t.Fatal(err)
	}
	tree := filepath.Join(dir, "image")
	testenv.Write(t, filepath.Join(tree, "file"), "", 0o444)
	testenv.Chmod(t, tree, 0o555)
	for range 2 { // one over the other, which holds a busy directory
		if err := unix.Mount("tmpfs", tree, "tmpfs", 0, ""); err != nil {
			t.Fatal(err)
		}
		testenv.Write(t, filepath.Join(tree, "mounted"), "", 0o444)
	}
	left := exec.Command("sleep", "1000")
	left.Dir = tree
	if err := left.Start(); err != nil {
		t.Fatal(err)
	}
	if err := sweep(); err != nil || !testenv.Exists(tree) || !testenv.Alive(left.Process.Pid) {
		t.Fatalf("a run that goes on was cleared, or: %v", err)
	}
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
	if err := sweep(); err != nil || testenv.Exists(dir) || testenv.Exists(dir+lockSuffix) || testenv.Alive(left.Process.Pid) {
		t.Errorf("what a killed run has left was not cleared: %v", err)
	}
	_ = left.Wait()
}
