package scriptdir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Passed is a file of a directory that Find passes over.
type Passed struct{ Name, Why string }

// Rest returns the files that Find passes over, by name, and says why. Directories and
// hidden files are left out: nobody expects them to run.
func Rest(dir string) ([]Passed, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot list %s: %w", dir, err)
	}
	var passed []Passed
	for _, entry := range entries {
		name := entry.Name()
		if strings.HasPrefix(name, ".") || entry.IsDir() {
			continue
		}
		switch f := Inspect(filepath.Join(dir, name)); {
		case isLeftover(name):
			passed = append(passed, Passed{name, "an editor or a package manager has left it behind"})
		case !f.isCandidate():
			passed = append(passed, Passed{name, "is neither *.py nor *.sh, and begins with no #! line"})
		}
	}
	return passed, nil
}

// Interpreter returns what the #! line names, "" where there is none.
func (f File) Interpreter() string {
	if !hasShebang(f.head) {
		return ""
	}
	line, _, _ := strings.Cut(string(f.head[2:]), "\n")
	return strings.TrimSpace(line)
}
