package render

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/ZPascal/container-manager/pkg/config"

	"go.yaml.in/yaml/v3"
)

// literals replaces the scalars of a file that are one reference, and reports
// names that are not set. filebeat parses what it expands, so that a version 2
// became a number and a password with a comma a list: a scalar that is one
// `${NAME}` becomes a string literal here, and whatever else filebeat expands is
// left to it.
func (r *renderer) literals(f *yamlFile) {
	for _, s := range f.scalars() {
		r.literal(f, s)
	}
}

func (r *renderer) literal(f *yamlFile, s scalar) {
	name, fallback, hasFallback, whole := reference(s.Value)
	if !whole {
		replaceNames(s.Value, func(name, whole string) string {
			r.checkFilebeatName(f.path, s.Line, name)
			return whole
		})
		return
	}
	value, set := r.env[name]
	switch {
	case !set && !hasFallback:
		r.checkFilebeatName(f.path, s.Line, name)
		return
	case !set:
		value = fallback
	}
	raw := s.Value
	switch s.Style &^ yaml.TaggedStyle {
	case yaml.DoubleQuotedStyle:
		raw = `"` + raw + `"`
	case yaml.SingleQuotedStyle:
		raw = "'" + raw + "'"
	}
	line := f.lines[s.Line-1]
	at := skipProperties(line, f.column(s.Node))
	if !strings.HasPrefix(line[at:], raw) {
		r.problem(f.path, s.Line, "%s cannot be made a literal here: write it behind its key as it is, or in quotes", s.Value)
		return
	}
	text := yamlString(value)
	if value == "" && s.isAlone() {
		text = ""
	}
	f.edits = append(f.edits, edit{s.Line, at, at + len(raw), text})
}

// isAlone reports whether the scalar is all that a list in brackets holds: where
// it has no value, the list is empty. filebeat takes a path that is empty for a
// file that it cannot open.
func (s scalar) isAlone() bool {
	return s.in != nil && s.in.Kind == yaml.SequenceNode && s.in.Style == yaml.FlowStyle && len(s.in.Content) == 1
}

// skipProperties returns where a scalar begins behind its tags and anchors.
func skipProperties(line string, at int) int {
	for strings.HasPrefix(line[at:], "!") || strings.HasPrefix(line[at:], "&") {
		end := strings.IndexAny(line[at:], " \t")
		if end < 0 {
			return at
		}
		at = len(line) - len(strings.TrimLeft(line[at+end:], " \t"))
	}
	return at
}

func (r *renderer) checkFilebeatName(path string, line int, name string) {
	if _, set := r.env[name]; !set {
		r.problem(path, line, "the environment variable %s is not set: set it, or give it a default (${%s:})", name, name)
	}
}

// reference takes `${NAME}` and `${NAME:default}` apart. filebeat's other forms,
// `${NAME:?message}` and names of its own settings such as `${path.home}`, are
// none of ours.
func reference(value string) (name, fallback string, hasFallback, ok bool) {
	inner, found := strings.CutPrefix(value, "${")
	inner, closed := strings.CutSuffix(inner, "}")
	if !found || !closed || strings.ContainsAny(inner, "{}") {
		return "", "", false, false
	}
	name, fallback, hasFallback = strings.Cut(inner, ":")
	return name, fallback, hasFallback, config.IsName(name) && !strings.HasPrefix(fallback, "?")
}

// yamlString writes a value as a string that neither YAML nor filebeat's own
// expansion changes.
func yamlString(value string) string {
	value = strings.ReplaceAll(strings.ToValidUTF8(value, "\uFFFD"), "$", "$$")
	if !strings.ContainsFunc(value, func(c rune) bool { return !unicode.IsPrint(c) }) {
		return "'" + strings.ReplaceAll(value, "'", "''") + "'"
	}
	return strconv.QuoteToASCII(value) // its escapes are YAML's too
}
