package render

import (
	"cmp"
	"slices"
	"strings"
)

// change replaces a span of a text.
type change struct {
	span
	text string
}

// change notes a change; the text itself stays, so that offsets keep their meaning.
func (f *rotationFile) change(start, end int, text string) {
	f.changes = append(f.changes, change{span{start, end}, text})
}

// line is the line of an offset, from 1.
func (f *rotationFile) line(offset int) int { return 1 + strings.Count(f.text[:offset], "\n") }

// String is the edited text. A change within a span that another one replaces is
// dropped.
func (f *rotationFile) String() string {
	text, _ := f.apply()
	return text
}

// apply returns the edited text, and for each of its lines the line that it
// comes from; what was added counts as part of the line where it was.
func (f *rotationFile) apply() (text string, lines []int) {
	changes := slices.Clone(f.changes)
	slices.SortStableFunc(changes, func(a, b change) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end))
	})
	var b strings.Builder
	line := 1
	lines = []int{1}
	add := func(s string, isOriginal bool) {
		b.WriteString(s)
		for range strings.Count(s, "\n") {
			if isOriginal {
				line++
			}
			lines = append(lines, line)
		}
	}
	at := 0
	for _, e := range changes {
		if e.start < at {
			continue
		}
		add(f.text[at:e.start], true)
		add(e.text, false)
		line += strings.Count(f.text[e.start:e.end], "\n")
		at = e.end
	}
	add(f.text[at:], true)
	return b.String(), lines
}
