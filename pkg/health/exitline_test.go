package health

import (
	"path/filepath"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

func TestExitLine(t *testing.T) {
	for name, test := range map[string]struct {
		text   string
		status int
		want   string
	}{
		"Python's True":    {"import sys\nif True:\n    sys.exit(True)\nsys.exit(False)\n", 1, "line 3: sys.exit(True)"},
		"shell":            {"#!/bin/sh\ntrue || exit 4\nexit 3\n", 3, "line 3: exit 3"},
		"a negative one":   {"sys.exit(-1)\n", 255, "line 1: sys.exit(-1)"},
		"another status":   {"exit 3\n", 1, ""},
		"two of them":      {"exit 1\nexit 1\n", 1, ""},
		"a variable":       {"exit $status\nsys.exit(main())\n", 1, ""},
		"in a comment":     {"# exit 1\n", 1, ""},
		"not closed":       {"sys.exit(1\n", 1, ""},
		"no text":          {"\x7fELF\x00exit 1", 1, ""},
		"nothing":          {"", 1, ""},
		"without a number": {"exit ()\n", 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "check-app")
			testenv.Write(t, path, test.text, 0o755)
			if got := exitLine(path, test.status); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
	if got := exitLine("/nowhere", 1); got != "" {
		t.Errorf("a file that is gone: %q", got)
	}
}
