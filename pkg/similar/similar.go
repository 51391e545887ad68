// Package similar finds what somebody meant who has mistyped a name.
package similar

import (
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Nearest returns the known name that a name was probably meant to be, or "". One
// letter may be wrong, missing or too many, or letters may have changed places;
// underscores, dashes and case do not count. Names of fewer than four letters are
// like too many others.
func Nearest(name string, known []string) string {
	plain := simplify(name)
	if len(plain) < 4 {
		return ""
	}
	for _, k := range known {
		p := simplify(k)
		switch distance := levenshtein.ComputeDistance(plain, p); {
		case distance < 2, distance == 2 && len(plain) == len(p) && letters(plain) == letters(p):
			return k
		}
	}
	return ""
}

func simplify(name string) string {
	return strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(name))
}

func letters(s string) string {
	sorted := []byte(s)
	slices.Sort(sorted)
	return string(sorted)
}
