package render

import (
	"cmp"
	"errors"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// yamlFile is a YAML text that is changed in few places: whatever else its author
// wrote, comments included, stays as it is.
type yamlFile struct {
	path  string
	lines []string     // with their ends
	docs  []*yaml.Node // the top nodes of its documents; nil when it is no YAML
	edits []edit
	gone  map[int]bool // the lines that are cut out
}

// edit replaces the bytes from at to end of a line.
type edit struct {
	line, at, end int // line counts from 1
	text          string
}

// parseYAML returns a file in any case.
func parseYAML(path, text string) (*yamlFile, error) {
	docs, err := documents(text)
	return &yamlFile{path: path, lines: strings.SplitAfter(text, "\n"), docs: docs, gone: map[int]bool{}}, err
}

func documents(text string) ([]*yaml.Node, error) {
	docs := []*yaml.Node{}
	for decoder := yaml.NewDecoder(strings.NewReader(text)); ; {
		var doc yaml.Node
		err := decoder.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			return nil, err
		}
		docs = append(docs, doc.Content...)
	}
}

// badLine is where a file that is no YAML goes wrong: behind the longest part of
// it, from the top, that is. The line in the library's error is too small by one
// for some errors, and missing from others.
func (f *yamlFile) badLine() int {
	for n := len(f.lines) - 1; n > 0; n-- {
		if _, err := documents(strings.Join(f.lines[:n], "")); err == nil {
			return n + 1
		}
	}
	return 1
}

// yamlReason is the library's error without its line.
func yamlReason(err error) string {
	reason := strings.TrimPrefix(err.Error(), "yaml: ")
	if _, after, found := strings.Cut(reason, ": "); found && strings.HasPrefix(reason, "line ") {
		return after
	}
	return reason
}

// String returns the text with all changes.
func (f *yamlFile) String() string {
	lines := slices.Clone(f.lines)
	// From the back: what is to the left stays where it is.
	slices.SortStableFunc(f.edits, func(a, b edit) int { return cmp.Or(cmp.Compare(b.line, a.line), cmp.Compare(b.at, a.at)) })
	for _, e := range f.edits {
		line := lines[e.line-1]
		lines[e.line-1] = line[:e.at] + e.text + line[e.end:]
	}
	var b strings.Builder
	for i, line := range lines {
		if !f.gone[i+1] {
			b.WriteString(line)
		}
	}
	return b.String()
}

// cut takes lines out.
func (f *yamlFile) cut(from, to int) {
	for line := from; line <= to; line++ {
		f.gone[line] = true
	}
}

// pair is a setting of a mapping.
type pair struct{ key, value *yaml.Node }

func pairs(n *yaml.Node) []pair {
	var all []pair
	if n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			all = append(all, pair{n.Content[i], n.Content[i+1]})
		}
	}
	return all
}

// value returns what a mapping says of a name, nil when it does not.
func value(n *yaml.Node, name string) *yaml.Node {
	for _, p := range pairs(n) {
		if p.key.Value == name {
			return p.value
		}
	}
	return nil
}

// settings returns those at the top of the file; filebeat reads its first document.
func (f *yamlFile) settings() []pair {
	if len(f.docs) == 0 {
		return nil
	}
	return pairs(f.docs[0])
}

// scalar is a value with the list or mapping that it stands in.
type scalar struct {
	*yaml.Node
	in *yaml.Node
}

// scalars returns those of all documents, without the keys and without what is
// cut out.
func (f *yamlFile) scalars() []scalar {
	var all []scalar
	var collect func(n, in *yaml.Node)
	collect = func(n, in *yaml.Node) {
		if n.Kind == yaml.ScalarNode && !f.gone[n.Line] {
			all = append(all, scalar{n, in})
		}
		for i, child := range n.Content {
			if n.Kind != yaml.MappingNode || i%2 == 1 {
				collect(child, n)
			}
		}
	}
	for _, doc := range f.docs {
		collect(doc, nil)
	}
	return all
}

// column is where a node begins in its line, in bytes.
func (f *yamlFile) column(n *yaml.Node) int {
	column := n.Column - 1
	for i := range f.lines[n.Line-1] {
		if column == 0 {
			return i
		}
		column--
	}
	return len(f.lines[n.Line-1])
}
