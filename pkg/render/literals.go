package render

import (
	"strings"
	"unicode"

	"github.com/ZPascal/container-manager/pkg/config"

	"go.yaml.in/yaml/v3"
)

// literals makes a string of each scalar that is one reference, and reports names that
// are not set. filebeat parses what it expands, and would make a number of the version 2
// and a list of a password with a comma. All other references, in a part of a scalar or
// in a key, are left to filebeat.
func (r *renderer) literals(f *yamlFile) {
	for _, doc := range f.docs {
		r.literalsBelow(f.path, doc)
	}
}

func (r *renderer) literalsBelow(path string, n *yaml.Node) {
	for i, child := range n.Content {
		switch {
		case n.Kind == yaml.MappingNode && i%2 == 0:
		case child.Kind != yaml.ScalarNode:
			r.literalsBelow(path, child)
		case r.literal(path, child) && child.Value == "" && child.Anchor == "" && isFlowList(n) && len(n.Content) == 1:
			// filebeat takes an empty path for a file that it cannot open, so a list
			// of nothing but an empty value is an empty list.
			n.Content = nil
		}
	}
}

func isFlowList(n *yaml.Node) bool { return n.Kind == yaml.SequenceNode && n.Style&yaml.FlowStyle != 0 }

// literal makes a scalar a string when it is one reference, and reports whether it has.
func (r *renderer) literal(path string, s *yaml.Node) bool {
	value, ok := r.referred(s.Value)
	if !ok {
		replaceNames(s.Value, func(name, whole string) string {
			if _, set := r.env[name]; !set {
				r.openProblem(path, s.Line, "the environment variable %s is not set: set it, or give it a default (${%s:})", name, name)
			}
			return whole
		})
		return false
	}
	// filebeat takes $$ for $ and expands nothing there; YAML has no bytes that are
	// no characters.
	s.Value = strings.ReplaceAll(strings.ToValidUTF8(value, "\uFFFD"), "$", "$$")
	style := yaml.SingleQuotedStyle
	if strings.ContainsFunc(s.Value, func(c rune) bool { return !unicode.IsPrint(c) }) {
		style = yaml.DoubleQuotedStyle // has escapes for such characters
	}
	s.Style = s.Style&yaml.TaggedStyle | style
	if s.Style&yaml.TaggedStyle == 0 {
		s.Tag = "!!str"
	}
	return true
}

// referred returns the value of a scalar that is one `${NAME}` or `${NAME:default}`.
// filebeat's other forms, `${NAME:?message}` and names of its own settings such as
// `${path.home}`, are left to it.
func (r *renderer) referred(scalar string) (value string, ok bool) {
	inner, found := strings.CutPrefix(scalar, "${")
	inner, closed := strings.CutSuffix(inner, "}")
	if !found || !closed || strings.ContainsAny(inner, "{}") {
		return "", false
	}
	name, fallback, hasFallback := strings.Cut(inner, ":")
	if !config.IsName(name) || strings.HasPrefix(fallback, "?") {
		return "", false
	}
	if value, set := r.env[name]; set {
		return value, true
	}
	return fallback, hasFallback
}
