package testenv

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// Filebeat returns the path of a real filebeat 7.17, a static binary. Other users
// may not be able to enter its directory.
func Filebeat(t testing.TB) string {
	t.Helper()
	NotQuick(t)
	path, err := MakeFilebeat(t.Context(), t.Logf)
	check(t, err)
	return path
}

// MakeFilebeat builds filebeat from test/filebeat, which takes some minutes, unless
// it is kept from an earlier run, and returns its path.
func MakeFilebeat(ctx context.Context, say func(format string, args ...any)) (string, error) {
	root, err := Repository()
	if err != nil {
		return "", err
	}
	module, sum := filepath.Join(root, "test", "filebeat"), sha256.New()
	for _, name := range []string{"go.mod", "go.sum", "main.go"} {
		text, err := os.ReadFile(filepath.Join(module, name))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(sum, "%s\n%s\n", name, text)
	}
	fmt.Fprintf(sum, "%s %s", runtime.Version(), runtime.GOARCH)
	const program = "filebeat"
	dir, err := Cache(fmt.Sprintf("filebeat-%.12x", sum.Sum(nil)), say, func(dir string) error {
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(dir, program), ".")
		cmd.Dir = module
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=readonly")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("cannot build filebeat: %w\n%s", err, out)
		}
		return nil
	})
	return filepath.Join(dir, program), err
}
