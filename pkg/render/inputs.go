package render

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// listedInputs returns the inputs of a file of filebeat.d, which is a list.
func (r *renderer) listedInputs(f *yamlFile) []*yaml.Node {
	var all []*yaml.Node
	for _, doc := range f.docs {
		switch {
		case doc.Kind == yaml.SequenceNode:
			all = append(all, doc.Content...)
		case len(doc.Content) > 0 || doc.Value != "": // else there are only comments
			r.problem(f.path, doc.Line, "expected a list of inputs (- type: filestream and so on)")
		}
	}
	return all
}

// globalInputs returns those of a file of settings: filebeat.inputs.
func globalInputs(f *yamlFile) []*yaml.Node {
	for _, o := range f.settings() {
		list := o.value
		if o.key.Value == "filebeat" {
			list = value(o.value, "inputs")
		}
		if (o.key.Value == "filebeat.inputs" || o.key.Value == "filebeat") && list != nil && !f.gone[list.Line] {
			return list.Content
		}
	}
	return nil
}

// needPaths are the types of inputs that read files.
var needPaths = []string{"filestream", "log", "container"}

// checkInputs reports what filebeat would only complain of in its own log, if at
// all, and makes filebeat 9 run what is deprecated. ids are the places
// of the ids so far.
func (r *renderer) checkInputs(f *yamlFile, inputs []*yaml.Node, ids map[string]string) {
	for _, input := range inputs {
		if input.Kind == yaml.AliasNode {
			continue // it is judged where it is written
		}
		if input.Kind != yaml.MappingNode {
			r.problem(f.path, input.Line, "expected an input (- type: filestream and so on)")
			continue
		}
		if strings.EqualFold(r.text(input, "enabled"), "false") {
			continue
		}
		kind := r.text(input, "type")
		if value(input, "type") == nil {
			kind = "log" // filebeat's default
		}
		if slices.Contains(needPaths, kind) && !hasKey(input, "paths") {
			r.problem(f.path, input.Line, "this %s input has no paths: say which files it reads", kind)
		}
		switch kind {
		case "filestream":
			r.checkID(f, input, ids)
		case "log", "container":
			allowDeprecated(f, input)
		}
	}
}

// checkID wants an id of its own for an input: under it the registry notes what
// has been shipped.
func (r *renderer) checkID(f *yamlFile, input *yaml.Node, ids map[string]string) {
	id := r.text(input, "id")
	if id == "" {
		r.problem(f.path, input.Line, "this filestream input has no id: give it one of its own, under which filebeat notes what it has shipped")
		return
	}
	line := value(input, "id").Line
	if first, taken := ids[id]; taken {
		r.problem(f.path, line, "the id %s is taken by the input at %s: give each its own, or lines are shipped twice", id, first)
		return
	}
	ids[id] = fmt.Sprintf("%s:%d", f.path, line)
}

// allowDeprecated says for an input of the type log or container that it may run.
// filebeat 9 refuses it otherwise, and older ones take no notice.
func allowDeprecated(f *yamlFile, input *yaml.Node) {
	const allow = "allow_deprecated_use"
	if hasKey(input, allow) || len(input.Content) == 0 || f.gone[input.Line] {
		return
	}
	first := input.Content[0]
	at := f.column(first)
	text := allow + ": true, "
	if input.Style != yaml.FlowStyle {
		text = allow + ": true\n" + strings.Repeat(" ", first.Column-1)
	}
	f.edits = append(f.edits, edit{first.Line, at, at, text})
}

// hasKey reports whether a mapping says anything of a name, one that is merged in
// (<<: *other) included.
func hasKey(n *yaml.Node, name string) bool {
	if v := value(n, name); v != nil {
		return v.Kind != yaml.ScalarNode || v.Value != ""
	}
	merged := value(n, "<<")
	if merged == nil {
		return false
	}
	return slices.ContainsFunc(append([]*yaml.Node{merged}, merged.Content...), func(from *yaml.Node) bool {
		return from.Kind == yaml.AliasNode && hasKey(from.Alias, name)
	})
}

// text returns the value of a setting, "" for none and for anything else.
func (r *renderer) text(n *yaml.Node, name string) string {
	v := value(n, name)
	if v == nil || v.Kind != yaml.ScalarNode {
		return ""
	}
	name, fallback, hasFallback, whole := reference(v.Value)
	set, ok := r.env[name]
	switch {
	case whole && ok:
		return set
	case whole && hasFallback:
		return fallback
	}
	return v.Value
}
