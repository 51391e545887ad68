package testenv

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// programs are the programs that the tests of this process share. Main removes
// them.
var programs struct {
	mu   sync.Mutex
	main bool // Main runs the tests
	dir  string
}

// Programs returns a directory that every user can enter, with container-manager
// as a release builds it. The package's TestMain calls Main.
func Programs(t testing.TB) string {
	t.Helper()
	NotQuick(t)
	programs.mu.Lock()
	defer programs.mu.Unlock()
	if programs.dir != "" {
		return programs.dir
	}
	if !programs.main {
		t.Fatal("the package's TestMain does not call testenv.Main")
	}
	dir, err := os.MkdirTemp("", "programs-")
	check(t, err)
	Chmod(t, dir, 0o755)
	programs.dir = dir
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(dir, "container-manager"), "./cmd/container-manager")
	build.Dir = repository(t)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

// ProgramsWithFilebeat is Programs with a real filebeat beside container-manager.
func ProgramsWithFilebeat(t testing.TB) string {
	t.Helper()
	dir, from := Programs(t), Filebeat(t)
	programs.mu.Lock()
	defer programs.mu.Unlock()
	if to := filepath.Join(dir, "filebeat"); !Exists(to) {
		check(t, copyProgram(from, to))
	}
	return dir
}

func copyProgram(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(target, source); err != nil {
		_ = target.Close()
		return fmt.Errorf("cannot copy %s: %w", from, err)
	}
	return target.Close()
}

// runTests runs the tests of a process and removes the programs that they shared.
func runTests(m *testing.M) int {
	programs.main = true
	status := m.Run()
	if programs.dir != "" {
		if err := os.RemoveAll(programs.dir); err != nil {
			fmt.Fprintln(os.Stderr, "testenv:", err)
			status = max(status, 1)
		}
	}
	return status
}
