package render

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ZPascal/container-manager/pkg/supervisorconf"
)

// Error lists every problem of the templates, with file and line.
type Error struct{ Problems []string }

func (e *Error) Error() string {
	return "the configuration templates are invalid:\n  " + strings.Join(e.Problems, "\n  ")
}

type problem struct {
	file string
	line int
	text string
}

// noLine is the line of a problem with a whole file.
const noLine = 0

func (p problem) String() string {
	if p.line == noLine {
		return p.file + ": " + p.text
	}
	return fmt.Sprintf("%s:%d: %s", p.file, p.line, p.text)
}

func (r *renderer) problem(file string, line int, format string, args ...any) {
	r.problems = append(r.problems, problem{file, line, fmt.Sprintf(format, args...)})
}

// openProblem is a problem that the deployment or a step may solve.
func (r *renderer) openProblem(file string, line int, format string, args ...any) {
	r.open = append(r.open, problem{file, line, fmt.Sprintf(format, args...)})
}

// problemAt is a problem with an option of supervisord's, or with its section.
func (r *renderer) problemAt(s *supervisorconf.Section, key, format string, args ...any) {
	file, line := s.Place(key)
	r.problem(file, line, format, args...)
}

func (r *renderer) warn(file string, line int, format string, args ...any) {
	w := problem{file, line, fmt.Sprintf(format, args...)}
	if !slices.Contains(r.warnings, w) {
		r.warnings = append(r.warnings, w)
	}
}

// texts sorts problems by their place.
func texts(problems []problem) []string {
	slices.SortStableFunc(problems, func(a, b problem) int {
		return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.line, b.line))
	})
	var texts []string
	for _, p := range problems {
		texts = append(texts, p.String())
	}
	return texts
}
