package repo

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

const goModule = "github.com/ZPascal/container-manager/"

// TestLayers holds the design's table of packages against the code: it lists all
// of them, and imports point downwards in it.
func TestLayers(t *testing.T) {
	row := map[string]int{}
	names := regexp.MustCompile("`((?:cmd|pkg)/[a-z0-9/-]+)`")
	for n, line := range strings.Split(testenv.Read(t, "../../doc/design.md"), "\n") {
		first, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " | ")
		if strings.HasPrefix(line, "| `") {
			for _, m := range names.FindAllStringSubmatch(first, -1) {
				row[m[1]] = n
			}
		}
	}
	cmd := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./cmd/...", "./pkg/...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		name := strings.TrimPrefix(words[0], goModule)
		at, listed := row[name]
		if !listed {
			t.Errorf("%s is not in the table of doc/design.md", name)
		}
		for _, imported := range words[1:] {
			if below, ours := strings.CutPrefix(imported, goModule); ours && row[below] < at {
				t.Errorf("%s imports %s, which stands above it in doc/design.md", name, below)
			}
		}
	}
}
