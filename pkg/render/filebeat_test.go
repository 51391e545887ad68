package render_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/ZPascal/container-manager/test/testenv"
)

// settings renders filebeat's global file.
func settings(t *testing.T, text string, environ ...string) string {
	t.Helper()
	return filebeatFile(t, "filebeat-global.yml", text, environ...)
}

// filebeatFile renders one of filebeat's files.
func filebeatFile(t *testing.T, name, text string, environ ...string) string {
	t.Helper()
	tree := testenv.NewTree(t)
	withPrograms(t, tree, "filebeat")
	testenv.Write(t, tree.Path("image/logging", name), text, 0o644)
	c := rendered(t, tree, append(environ, "LOGGING_REDIS_HOST=redis")...)
	return testenv.Read(t, filepath.Join(c.RunDir, "logging", name))
}

// data is what the documents of a YAML text hold.
func data(t *testing.T, text string) []any {
	t.Helper()
	var all []any
	for decoder := yaml.NewDecoder(strings.NewReader(text)); ; {
		var doc any
		switch err := decoder.Decode(&doc); {
		case err == io.EOF:
			return all
		case err != nil:
			t.Fatalf("%v\n%s", err, text)
		}
		all = append(all, doc)
	}
}

// holds compares the data of two YAML texts, kinds of values included: '1' is not 1.
func holds(t *testing.T, got, want string) {
	t.Helper()
	if g, w := data(t, got), data(t, want); !reflect.DeepEqual(g, w) {
		t.Errorf("got  %#v\nwant %#v\nout of %q", g, w, got)
	}
}

// asFilebeat is what filebeat makes of a string: it takes $$ for $, and would
// expand any other ${.
func asFilebeat(t *testing.T, v any) string {
	t.Helper()
	value, ok := v.(string)
	if !ok {
		t.Fatalf("%#v is no string", v)
	}
	const dollar = "\x00"
	value = strings.ReplaceAll(value, "$$", dollar)
	if strings.Contains(value, "${") {
		t.Errorf("%q would be expanded once more", value)
	}
	return strings.ReplaceAll(value, dollar, "$")
}

// rendersTo renders `value: ...` and returns the value.
func rendersTo(t *testing.T, text string, environ ...string) string {
	t.Helper()
	doc, _ := data(t, settings(t, text, environ...))[0].(map[string]any)
	return asFilebeat(t, doc["value"])
}

func TestLiterals(t *testing.T) {
	punctuation := ""
	for c := '!'; c <= '~'; c++ {
		punctuation += string(c)
	}
	values := map[string]string{
		"empty": "", "all of ASCII": punctuation, "blanks": "  a  b ", "umlauts": "größe", "a number": "2", "octal": "007", "a float": "1e3",
		"true": "true", "no": "no", "null": "null", "tilde": "~", "a date": "2024-01-01", "a list": "[a, b]", "a map": "{a: b}", "a colon": "a: b",
		"a comment": "a # b", "a tag": "!!int 2", "an anchor": "&a *a", "a dash": "- a", "a percent": "%TAG", "a password": `p,a{s}s"w'or$d`,
		"a reference": "${HOME}", "a dollar": "$", "dollars": "$$ $$$ $${", "a newline": "a\nb\n", "a tab": "a\tb", "a return": "a\r\nb", "escapes": `\n \x41 \\`,
		"control characters": "\x01\x1b[1m\x7f\u0085\u2028\u200b", "beyond the plane": "🐘 \U000e0001", "a byte order mark": "\ufeffa",
	}
	for c := '!'; c <= '~'; c++ {
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", c) {
			values[fmt.Sprintf("only %c", c)] = string(c)
			values[fmt.Sprintf("begins with %c", c)] = string(c) + "a"
			values[fmt.Sprintf("ends with %c", c)] = "a" + string(c)
		}
	}
	var template strings.Builder
	var environ []string
	names := map[string]string{}
	for about := range values {
		name := fmt.Sprintf("VALUE_%d", len(names))
		names[name] = about
		environ = append(environ, name+"="+values[about])
		for i, quoted := range []string{"${%s}", `"${%s}"`, "'${%s}'", "${%s:default}", `"${%s:de:fault}"`, "|-\n  ${%s}", `"\x24{%s}"`} {
			fmt.Fprintf(&template, "%s_%d: "+quoted+"\n", name, i, name)
		}
	}
	var got map[string]any
	if err := yaml.Unmarshal([]byte(settings(t, template.String(), environ...)), &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != 7*len(values) {
		t.Fatalf("%d values, want %d", len(got), 7*len(values))
	}
	for key, value := range got {
		about := names[key[:strings.LastIndex(key, "_")]]
		if got, want := asFilebeat(t, value), values[about]; got != want {
			t.Errorf("%s: %q, want %q", about, got, want)
		}
	}
}

// YAML has no bytes that are no characters.
func TestLiteralThatIsNoUTF8(t *testing.T) {
	if got := rendersTo(t, "value: ${V}\n", "V=a\xffb"); got != "a\ufffdb" {
		t.Errorf("got %q", got)
	}
}

func TestDefaults(t *testing.T) {
	for text, want := range map[string]string{
		"value: ${NONE:}\n":            "",
		"value: ${NONE:x}\n":           "x",
		"value: '${NONE:2}'\n":         "2",
		`value: "${NONE:a, b: c}"`:     "a, b: c",
		"value: ${EMPTY:x}\n":          "", // set is set
		"value: \"${NONE:it's $5}\"\n": "it's $5",
	} {
		if got := rendersTo(t, text, "EMPTY="); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

func TestWhatIsNoLiteralStays(t *testing.T) {
	for _, text := range []string{
		"value: ${A}/x\n", "value: \"x ${A}\"\n", "value: ${A}${A}\n", "value: ${path.home}\n", "value: ${A:?message}\n",
		"value: $A\n", "value: ${}\n", "value: ${1}\n", "value: \"${A:${B}}\"\n", "# ${NONE}\nvalue: 1 # ${NONE}\n", "value: |\n  ${A}\n",
		"${A}: 1\n", "{}\n", "",
	} {
		holds(t, settings(t, text, "A=1", "B=2"), text)
	}
}

func TestPlaces(t *testing.T) {
	for text, want := range map[string]string{
		"a: [\"${A}\", '${A}', x, \"${B}\"]\n":       "a: ['1', '1', x, 'two']\n",
		"ä: {ö: \"${B}\", ü: \"${A:x}\"}\n":          "ä: {ö: 'two', ü: '1'}\n",
		"- ${A}\n-   \"${B}\"   # why\n- - ${A}":     "- '1'\n-   'two'   # why\n- - '1'",
		"a:\n  b: ${A}\n  c:\n    - d: ${B}\n":       "a:\n  b: '1'\n  c:\n    - d: 'two'\n",
		"a: ${A}\n---\nb: ${B}\n...\n":               "a: '1'\n---\nb: 'two'\n...\n",
		"a: !!str ${A}\n":                            "a: !!str '1'\n",
		"a: &x ${A}\nb: *x\n":                        "a: '1'\nb: '1'\n",
		"a: &x [\"${NONE:}\"]\nb: *x\n":              "a: []\nb: []\n",
		"a: &x {b: 1}\nc: {<<: *x, d: \"${A}\"}\n":   "a: {b: 1}\nc: {b: 1, d: '1'}\n",
		"a: [x, # ${NONE}\n  \"${A}\"] # y\n":        "a: [x, '1']\n",
		"a: |-\n  ${A}\nb: !!str\n  ${A}\n":          "a: '1'\nb: '1'\n",
		"a: {b: , c: [~, ]}\n":                       "a: {b: null, c: [null]}\n",
		"a: |\n  ${A}\n":                             "a: |\n  ${A}\n", // has a line's end too
		"a: >2\n    x\n   ${A}\nb: |2\n     ${A}\n":  "a: >2\n    x\n   ${A}\nb: |2\n     ${A}\n",
		"a: \"\\x24{A}\"\n":                          "a: '1'\n",
		"a: &x !!str  \"${B}\" # ${A}\n":             "a: &x !!str  'two' # ${A}\n",
		"[!!str '${A}', ! '${B}', !t &x \"${B}\"]\n": "[!!str '1', ! 'two', !t &x 'two']\n",
		"a:\n  ${A}\n":                               "a:\n  '1'\n",
		"a: ${A}\r\nb: ${B}\r\n":                     "a: '1'\r\nb: 'two'\r\n",
	} {
		holds(t, settings(t, text, "A=1", "B=two"), want)
	}
}

func TestFilebeatProblems(t *testing.T) {
	for text, want := range map[string]string{
		"a: 1\nb: ${NONE}\n":                   "2: the environment variable NONE is not set: set it, or give it a default (${NONE:})",
		"a: \"${NONE}\"\n":                     "1: the environment variable NONE is not set: set it, or give it a default (${NONE:})",
		"a: 1\n\n# x\nb: [x, \"${NONE}/y\"]\n": "4: the environment variable NONE is not set: set it, or give it a default (${NONE:})",
		"a: 1\n---\nb: |\n  ${NONE}\n":         "3: the environment variable NONE is not set: set it, or give it a default (${NONE:})",
		"a: [\n":                               "1: no YAML from here on: did not find expected node content",
		"a: b: c\n":                            "1: no YAML from here on: mapping values",
		"a: 1\nb: 2\nc: 3\nd: e: f\n":          "4: no YAML from here on: mapping values",
		"\t- a\n":                              "1: no YAML from here on: found character that cannot start any token",
		"a: [x,\n  y]\nb: [\n  x,\nc: 1\n":     "3: no YAML from here on: did not find expected",
		"a: 1\n# b\nb: \"x\nc: 2\n":            "3: no YAML from here on: found unexpected end of stream",
		"a: 1\n---\nb: *x\n":                   "3: no YAML from here on: unknown anchor 'x' referenced",
	} {
		tree := testenv.NewTree(t)
		withPrograms(t, tree, "filebeat")
		testenv.Write(t, tree.Path("image/logging/filebeat-global.yml"), text, 0o644)
		got := problems(t, tree, "LOGGING_REDIS_HOST=redis", "A=1")
		if len(got) != 1 || !strings.HasPrefix(got[0], "image/logging/filebeat-global.yml:"+want) {
			t.Errorf("%q: problems %q, want %q", text, got, want)
		}
		// Without Redis filebeat does not run, and nothing of its can end a start.
		rendered(t, tree)
	}
}

func TestShippedFilebeat(t *testing.T) {
	tree := testenv.NewTree(t)
	withPrograms(t, tree, "filebeat")
	c := rendered(t, tree, "LOGGING_REDIS_HOST=redis:6380", "LOGGING_REDIS_PASSWORD=p,w", "APP_VERSION=2")
	var global struct {
		Data     string                `yaml:"path.data"`
		Registry string                `yaml:"filebeat.registry.path"`
		Inputs   struct{ Path string } `yaml:"filebeat.config.inputs"`
		Redis    struct {
			Hosts    []string
			Password string
			Key      string
			DB       string
		} `yaml:"output.redis"`
	}
	if err := yaml.Unmarshal([]byte(testenv.Read(t, filepath.Join(c.RunDir, "logging/filebeat-global.yml"))), &global); err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(global.Data, global.Registry, global.Inputs.Path, global.Redis)
	want := fmt.Sprint(c.FilebeatDir, c.FilebeatRegDir, filepath.Join(c.RunDir, "logging/filebeat.d/*.yml"), "{[redis:6380] p,w filebeat 0}")
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	inputs, err := filepath.Glob(filepath.Join(c.RunDir, "logging/filebeat.d/*.yml"))
	if err != nil || len(inputs) != 3 {
		t.Fatalf("%v, inputs %q", err, inputs)
	}
	for _, file := range inputs {
		var inputs []struct{ Fields map[string]any }
		if err := yaml.Unmarshal([]byte(testenv.Read(t, file)), &inputs); err != nil {
			t.Fatal(err)
		}
		for _, input := range inputs {
			for label, want := range map[string]any{"app_version": "2", "app_name": "", "image_name": "", "image_version": ""} {
				if input.Fields[label] != want {
					t.Errorf("%s: %s is %#v, want %#v", file, label, input.Fields[label], want)
				}
			}
		}
	}
}

func TestFilebeatRemovedByAChild(t *testing.T) {
	tree := testenv.NewTree(t)
	rendered(t, tree) // by a former life, with other templates
	if err := os.Remove(tree.Path("image/logging/filebeat-global.yml")); err != nil {
		t.Fatal(err)
	}
	c := rendered(t, tree)
	if testenv.Exists(filepath.Join(c.RunDir, "logging/filebeat-global.yml")) {
		t.Error("the former configuration is still there")
	}
	if names := testenv.Names(t, filepath.Join(c.RunDir, "logging/filebeat.d")); len(names) > 0 {
		t.Errorf("the former %q are still there", names)
	}
	withPrograms(t, tree, "filebeat")
	err := allOf(t, tree, "LOGGING_REDIS_HOST=redis")
	if want := "cannot read filebeat's configuration: open " + tree.Path("image/logging/filebeat-global.yml"); err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}
