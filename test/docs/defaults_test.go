package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ZPascal/container-manager/pkg/config"
)

// defaults are those of all variables, with what they are made of filled in.
func defaults() map[string]string {
	all := map[string]string{}
	for _, v := range config.Variables() {
		all[v.Name] = os.Expand(v.Default, func(name string) string { return all[name] })
	}
	return all
}

// How a page names a default: `NAME` (30 s), `NAME` (`/path`), `/path` (`NAME`) and
// (`NAME`, `2 1 * * *`).
var (
	valueBehind = regexp.MustCompile("`([A-Z]+_[A-Z_]+)` \\((\\d+ ?\\w*|`[^`.]+`)\\)")
	valueBefore = regexp.MustCompile("`(/[^`]+)` \\(`([A-Z]+_[A-Z_]+)`\\)")
	valueBeside = regexp.MustCompile("\\(`([A-Z]+_[A-Z_]+)`, `([^`]+)`\\)")
)

// TestDefaultsOfPages compares every default that a page names with the code's.
func TestDefaultsOfPages(t *testing.T) {
	all, seen := defaults(), 0
	for _, page := range pages(t) {
		text := readPage(t, page)
		var named [][2]string
		for _, m := range append(valueBehind.FindAllStringSubmatch(text, -1), valueBeside.FindAllStringSubmatch(text, -1)...) {
			named = append(named, [2]string{m[1], m[2]})
		}
		for _, m := range valueBefore.FindAllStringSubmatch(text, -1) {
			named = append(named, [2]string{m[2], m[1]})
		}
		for _, n := range named {
			want, ok := all[n[0]]
			if !ok {
				continue // of an example
			}
			value := strings.Trim(n[1], "`")
			if _, other := all[value]; other || strings.HasPrefix(value, "filebeat-") {
				continue // `NAME` (`OTHER`): no value
			}
			seen++
			if value != want && !sameDuration(value, want) {
				t.Errorf("%s says that %s is %q by default, and it is %q", page, n[0], value, want)
			}
		}
	}
	if seen < 8 {
		t.Errorf("the pages name %d defaults: this test looks for the wrong thing", seen)
	}
}

// sameDuration is true for "30 s" and 30s.
func sameDuration(a, b string) bool {
	x, errX := time.ParseDuration(strings.ReplaceAll(a, " ", ""))
	y, errY := time.ParseDuration(b)
	return errX == nil && errY == nil && x == y
}

// A row of an example's variables, and the declaration of one in its Dockerfile.
var (
	row         = regexp.MustCompile(`(?m)^\| ([A-Z0-9_, ]+) \| ([^|]*) \| [^|]* \|$`)
	declaration = regexp.MustCompile(`(?:^ENV|^ARG|\s) *([A-Z0-9_]+)=("(?:[^"\\]|\\.)*"|\S*)`)
)

// TestDefaultsOfExamples compares the tables of the examples with their Dockerfiles.
func TestDefaultsOfExamples(t *testing.T) {
	seen := 0
	for _, page := range pages(t) {
		dockerfile := strings.TrimSuffix(page, "README.md") + "Dockerfile"
		declared, err := os.ReadFile(repository + "/" + dockerfile)
		if !strings.HasPrefix(page, "examples/") || err != nil {
			continue
		}
		values := map[string]string{}
		for _, line := range regexp.MustCompile(`(?m)^(ENV|ARG|    ).*$`).FindAllString(string(declared), -1) {
			for _, m := range declaration.FindAllStringSubmatch(line, -1) {
				values[m[1]] = strings.ReplaceAll(strings.Trim(m[2], `"`), `\"`, `"`)
			}
		}
		for _, m := range row.FindAllStringSubmatch(readPage(t, page), -1) {
			names, named := strings.Split(m[1], ", "), strings.Split(m[2], ", ")
			for i, name := range names {
				if len(names) != len(named) || name == "" {
					continue
				}
				value := strings.Trim(strings.TrimSpace(named[i]), "`")
				if strings.HasPrefix(value, "empty") {
					value = "" // with what that means
				}
				seen++
				if want, ok := values[name]; ok && want != value {
					t.Errorf("%s says that %s is %q by default, and %s that it is %q", page, name, value, dockerfile, want)
				} else if !ok && !mentions(t, filepath.Dir(dockerfile), name, value) {
					t.Errorf("%s says that %s is %q by default, and no file beside it has both", page, name, value)
				}
			}
		}
	}
	if seen < 20 {
		t.Errorf("the examples name %d defaults: this test looks for the wrong thing", seen)
	}
}

// mentions says whether a script of the example names a variable and its default.
func mentions(t *testing.T, dir, name, value string) (found bool) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(repository, dir), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, ".md") {
			return err
		}
		text, err := os.ReadFile(path)
		found = found || strings.Contains(string(text), name) && strings.Contains(string(text), value)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
