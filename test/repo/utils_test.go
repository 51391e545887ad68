package repo

import (
	"os/exec"
	"testing"
)

// TestUtils runs the tests of utils.py. They call for Python and nothing else;
// python3 is where Alpine and Debian put it, because another one that is first in
// PATH may lack the standard library.
func TestUtils(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "/usr/bin/python3", "-B", "utils_test.py", "-v")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("utils_test.py: %v\n%s", err, out)
	}
}
