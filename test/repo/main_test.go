// Package repo checks the repository itself: the layers of its packages, the tree
// that images add, its documents, Dockerfiles and manifests, and what make does.
package repo

import (
	"os/exec"
	"strings"
	"testing"
)

// mustRun runs a command that is expected to succeed and returns what it printed.
func mustRun(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}
