package render

import (
	"strings"

	"github.com/ZPascal/container-manager/pkg/config"
)

// variable is `${NAME}` or `${NAME:-default}` in a template of the application.
type variable struct {
	name       string
	byDefault  string // for a variable that is unset or empty
	hasDefault bool
	length     int // of the text behind `${`, with the closing brace
}

// parseVariable reads what stands behind `${`. A default ends at the next brace, and
// everything stands in one line. What is not a variable is not ours.
func parseVariable(text string) (variable, bool) {
	inside, _, closed := strings.Cut(text, "}")
	if !closed || strings.Contains(inside, "\n") {
		return variable{}, false
	}
	v := variable{length: len(inside) + 1}
	v.name, v.byDefault, v.hasDefault = strings.Cut(inside, ":-")
	return v, config.IsName(v.name)
}
