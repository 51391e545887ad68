package render

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// yamlFile is one of filebeat's files. Its nodes are changed and then encoded. Only the
// data is kept, because only filebeat reads the result.
type yamlFile struct {
	path string
	docs []*yaml.Node // of kind DocumentNode; filebeat reads the first
}

// documents decodes all documents of a text. Where there is only a comment it
// returns an empty list, and nil only with an error.
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
		docs = append(docs, &doc)
	}
}

// badLine returns the line at which a text stops being YAML: the one behind its
// longest valid beginning. The line in the library's error is too small by one
// for some errors, and missing from others. It looks at a thousand beginnings, as
// each takes a parse; that is more than such a file has lines.
func badLine(text string) int {
	lines := strings.SplitAfter(text, "\n")
	for n := len(lines) - 1; n > max(0, len(lines)-1000); n-- {
		if _, err := documents(strings.Join(lines[:n], "")); err == nil {
			return n + 1
		}
	}
	return 1
}

// yamlReason returns the library's error without its line.
func yamlReason(err error) string {
	reason := strings.TrimPrefix(err.Error(), "yaml: ")
	if _, after, found := strings.Cut(reason, ": "); found && strings.HasPrefix(reason, "line ") {
		return after
	}
	return reason
}

// encode returns the text of the changed file. Comments are left out, because the
// library puts some of them where they end a list.
func (f *yamlFile) encode() (string, error) {
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	for _, doc := range f.docs {
		prepare(doc)
		if err := encoder.Encode(doc); err != nil {
			return "", fmt.Errorf("cannot render %s: %w", f.path, err)
		}
	}
	return b.String(), nil
}

// prepare drops the comments below a node, and spells null out where there is
// nothing: the library writes an empty string for it in brackets. A block that begins
// with a blank gets quotes, because the library writes some that it cannot read.
func prepare(n *yaml.Node) {
	n.HeadComment, n.LineComment, n.FootComment = "", "", ""
	if n.Kind == yaml.ScalarNode && n.Value == "" && n.Tag == "!!null" && n.Style&yaml.TaggedStyle == 0 {
		n.Value = "null"
	}
	if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 && n.Value != strings.TrimLeft(n.Value, " \t\n") {
		n.Style = n.Style&yaml.TaggedStyle | yaml.DoubleQuotedStyle
	}
	for _, child := range n.Content {
		prepare(child)
	}
}

// root returns the content of the first document, or nil when there is no document.
func (f *yamlFile) root() *yaml.Node {
	if len(f.docs) == 0 {
		return nil
	}
	return f.docs[0].Content[0]
}

// join adds the settings of another file.
func (f *yamlFile) join(other *yamlFile) {
	if root := f.root(); root != nil && root.Kind == yaml.MappingNode && other.root() != nil {
		root.Content = append(root.Content, other.root().Content...)
		return
	}
	f.docs = other.docs
}

// pair is a setting of a mapping.
type pair struct{ key, value *yaml.Node }

// pairs returns the settings of a mapping. Any other node, and nil, has no settings.
func pairs(n *yaml.Node) []pair {
	var all []pair
	if n != nil && n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			all = append(all, pair{n.Content[i], n.Content[i+1]})
		}
	}
	return all
}

// value returns the value that a mapping has for a name, by itself or by what it merges
// in (<<: *other). It returns nil when there is no value.
func value(n *yaml.Node, name string) *yaml.Node {
	return valueIn(n, name, map[*yaml.Node]bool{})
}

// valueIn skips nodes that it has seen, because a mapping may merge itself in.
func valueIn(n *yaml.Node, name string, seen map[*yaml.Node]bool) *yaml.Node {
	n = target(n)
	if seen[n] {
		return nil
	}
	seen[n] = true
	var merged []*yaml.Node
	for _, p := range pairs(n) {
		switch {
		case p.key.Value == name:
			return target(p.value)
		case p.key.Value == "<<":
			merged = append(merged, p.value)
			if p.value.Kind == yaml.SequenceNode {
				merged = append(merged, p.value.Content...)
			}
		}
	}
	for _, m := range merged {
		if v := valueIn(m, name, seen); v != nil {
			return v
		}
	}
	return nil
}

// target returns the node that an alias stands for, and any other node itself.
func target(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}
