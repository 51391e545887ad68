package render

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// FuzzFilebeat renders a text as one of filebeat's files. What comes out has the
// same shape and the same data, but for the scalars that are one reference: those
// are strings of its value.
func FuzzFilebeat(f *testing.F) {
	f.Add("- type: filestream\n  id: app\n  paths: [\"${A}\"]\n  fields: {a: '${NONE:x}', b: ${QUOTES}}\n", `'"$,{`)
	f.Add("a: &x !!str ${A}\nb: *x\n---\nc: |\n    ${A}\n  # d\n", "2\n")
	f.Add("a: &x {b: 1, <<: *x}\n? [c, ${A}]\n: >2\n    d\n   e\n", "a\ufeff\u2028\xff")
	f.Add("%YAML 1.1\n--- # x\n[a, # y\n  {b: [${A}]}, ! 'c', \"\\x85\\e\"] # z\n...\n", "")
	f.Fuzz(func(t *testing.T, text, value string) {
		if len(text) > 1<<9 || len(value) > 1<<9 {
			return
		}
		r := &renderer{env: map[string]string{"A": value, "QUOTES": `'"`}}
		before, err := documents(text)
		if err != nil {
			if line := badLine(text); line < 1 || line > 1+strings.Count(text, "\n") {
				t.Errorf("the bad line is %d, of %q", line, text)
			}
			return
		}
		docs, _ := documents(text)
		file := &yamlFile{path: "x.yml", docs: docs}
		r.literals(file)
		rendered, err := file.encode()
		if err != nil {
			t.Fatalf("%v, of %q", err, text)
		}
		if limit := 10*(len(text)+(1+strings.Count(text, "${"))*len(value)) + 100; len(rendered) > limit {
			t.Errorf("%d bytes out of %d", len(rendered), len(text))
		}
		after, err := documents(rendered)
		if err != nil {
			t.Fatalf("%v, in %q, of %q", err, rendered, text)
		}
		if len(after) > len(before) {
			t.Fatalf("%d documents of %d: %q, of %q", len(after), len(before), rendered, text)
		}
		for i := range after {
			r.compare(t, after[i], before[i], false)
		}
		r.checkInputs(file, r.listedInputs(file), map[string]string{})
		r.checkInputs(file, globalInputs(file), map[string]string{})
	})
}

func (r *renderer) compare(t *testing.T, got, want *yaml.Node, isKey bool) {
	value, isReference := r.referred(want.Value)
	isReference = isReference && want.Kind == yaml.ScalarNode && !isKey
	switch {
	case got.Kind != want.Kind:
		t.Fatalf("%q is of kind %d, want %d, %q", got.Value, got.Kind, want.Kind, want.Value)
	case isReference:
		literal := strings.ReplaceAll(strings.ToValidUTF8(value, "\uFFFD"), "$", "$$")
		if got.Value != literal || got.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0 {
			t.Errorf("%q of style %d, want %q", got.Value, got.Style, literal)
		}
	case got.Value == "null" && want.Value == "" && got.ShortTag() == want.ShortTag():
	case got.Value != want.Value || got.ShortTag() != want.ShortTag() || got.Anchor != want.Anchor:
		t.Errorf("%q %s %s, want %q %s %s", got.Value, got.ShortTag(), got.Anchor, want.Value, want.ShortTag(), want.Anchor)
	}
	if len(got.Content) == 0 && len(want.Content) == 1 && isFlowList(want) {
		if value, ok := r.referred(want.Content[0].Value); !ok || value != "" {
			t.Errorf("the list of %q is empty", want.Content[0].Value)
		}
		return
	}
	if len(got.Content) != len(want.Content) {
		t.Fatalf("%d nodes, want %d", len(got.Content), len(want.Content))
	}
	for i := range got.Content {
		r.compare(t, got.Content[i], want.Content[i], isKey || want.Kind == yaml.MappingNode && i%2 == 0)
	}
}
