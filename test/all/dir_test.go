package main

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

// TestSweep leaves the directory of a run that goes on, and clears that of one that
// was killed, with a process that it has left.
func TestSweep(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	dir, lock, err := newDir()
	if err != nil {
		t.Fatal(err)
	}
	tree := filepath.Join(dir, "image")
	testenv.Write(t, filepath.Join(tree, "file"), "", 0o444)
	testenv.Chmod(t, tree, 0o555)
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
