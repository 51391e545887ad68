package testenv

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// Filebeat returns the path of a real filebeat 7.17, a static binary: it is built
// from test/filebeat, which takes a minute or two, and kept. Other users may not be
// able to enter its directory.
func Filebeat(t testing.TB) string {
	t.Helper()
	module := filepath.Join(repository(t), "test", "filebeat")
	sum := sha256.New()
	for _, name := range []string{"go.mod", "go.sum", "main.go"} {
		fmt.Fprintf(sum, "%s\n%s\n", name, Read(t, filepath.Join(module, name)))
	}
	fmt.Fprintf(sum, "%s %s", runtime.Version(), runtime.GOARCH)
	const program = "filebeat"
	dir := Cached(t, fmt.Sprintf("filebeat-%.12x", sum.Sum(nil)), func(dir string) error {
		cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(dir, program), ".")
		cmd.Dir = module
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=readonly")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
		return nil
	})
	return filepath.Join(dir, program)
}
