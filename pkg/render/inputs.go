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
		switch root := doc.Content[0]; {
		case root.Kind == yaml.SequenceNode:
			all = append(all, root.Content...)
		case len(root.Content) > 0 || root.Value != "": // else the document is empty
			r.problem(f.path, root.Line, "expected a list of inputs (- type: filestream and so on)")
		}
	}
	return all
}

// globalInputs returns the inputs in a file of settings, below filebeat.inputs.
func globalInputs(f *yamlFile) []*yaml.Node {
	for _, p := range pairs(f.root()) {
		list := p.value
		if p.key.Value == "filebeat" {
			list = value(p.value, "inputs")
		}
		if (p.key.Value == "filebeat.inputs" || p.key.Value == "filebeat") && list != nil {
			return list.Content
		}
	}
	return nil
}

// needPaths are the types of inputs that read files.
var needPaths = []string{"filestream", "log", "container"}

// checkInputs reports faults that filebeat would report only in its own log, or not at
// all. It also allows inputs of deprecated types, which filebeat 9 would refuse. ids has
// the place of each id so far.
func (r *renderer) checkInputs(f *yamlFile, inputs []*yaml.Node, ids map[string]string) {
	for _, input := range inputs {
		if input.Kind == yaml.AliasNode {
			continue // the input is checked in the file that has it
		}
		if input.Kind != yaml.MappingNode {
			r.problem(f.path, input.Line, "expected an input (- type: filestream and so on)")
			continue
		}
		if strings.EqualFold(text(input, "enabled"), "false") {
			continue
		}
		kind := text(input, "type")
		if value(input, "type") == nil {
			kind = "log" // filebeat's default
		}
		if slices.Contains(needPaths, kind) && !isSet(input, "paths") {
			r.problem(f.path, input.Line, "this %s input has no paths: say which files it reads", kind)
		}
		switch kind {
		case "filestream":
			r.checkID(f, input, ids)
		case "log", "container":
			allowDeprecated(input)
		}
	}
}

// checkID reports an input without an id of its own. filebeat's registry notes under the
// id what was shipped.
func (r *renderer) checkID(f *yamlFile, input *yaml.Node, ids map[string]string) {
	id := text(input, "id")
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
func allowDeprecated(input *yaml.Node) {
	const allow = "allow_deprecated_use"
	if !isSet(input, allow) && len(input.Content) > 0 {
		input.Content = append(input.Content, scalar(allow), scalar("true"))
	}
}

func scalar(value string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: value} }

// isSet reports whether a mapping gives a name a value.
func isSet(n *yaml.Node, name string) bool {
	v := value(n, name)
	return v != nil && (v.Kind != yaml.ScalarNode || v.Value != "")
}

// text returns the value of a setting, or "" when it is not set or is no scalar.
func text(n *yaml.Node, name string) string {
	if v := value(n, name); v != nil && v.Kind == yaml.ScalarNode {
		return v.Value
	}
	return ""
}
