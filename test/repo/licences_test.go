package repo

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// licences are those that a linked module may have, by words of their text.
var licences = map[string]*regexp.Regexp{
	"MIT":        regexp.MustCompile(`Permission\s+is\s+hereby\s+granted,\s+free\s+of\s+charge`),
	"BSD":        regexp.MustCompile(`Redistribution\s+and\s+use\s+in\s+source\s+and\s+binary\s+forms`),
	"Apache 2.0": regexp.MustCompile(`Apache\s+License\s+Version\s+2\.0`),
}

// TestLicences wants of every module that is linked into the binary a licence that
// lets it be. go test -v lists them.
func TestLicences(t *testing.T) {
	linked := mustRun(t, "go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Dir}}{{end}}{{end}}", "../../cmd/...")
	seen := map[string]bool{}
	for line := range strings.Lines(linked) {
		module, dir, _ := strings.Cut(strings.TrimSpace(line), " ")
		if module == "" || seen[module] {
			continue
		}
		seen[module] = true
		if name := licence(t, dir); name == "" {
			t.Errorf("%s has no licence that this test knows: read it in %s, and add it or take another module", module, dir)
		} else {
			t.Logf("%s: %s", module, name)
		}
	}
	if len(seen) == 0 {
		t.Error("no module is linked: this test looks for the wrong thing")
	}
}

// licence returns the names of the licences in a module's files.
func licence(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "[Ll][Ii][Cc][Ee][Nn][CcSs][Ee]*"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for name, words := range licences {
			if words.Match(text) {
				names = append(names, name)
			}
		}
	}
	return strings.Join(names, ", ")
}
