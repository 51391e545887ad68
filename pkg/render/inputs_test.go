package render_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

// filebeat 9 has no more inputs of the type log, unless they say that they know.
func TestLogInputsSayThatTheyAreDeprecated(t *testing.T) {
	const allow = "allow_deprecated_use: true"
	for text, want := range map[string]string{
		"- type: log\n  paths: [/x]\n": "- {type: log, paths: [/x], " + allow + "}\n",
		"- paths: [/x]\n":              "- {paths: [/x], " + allow + "}\n",
		"# old\n-   enabled: true # yes\n    type: \"log\"\n    paths:\n      - /x": "- {enabled: true, type: log, paths: [/x], " + allow + "}\n",
		"[{type: log, paths: [\"${A}\"]}, {paths: ['${A}'], type: log}]\n":          "[{type: log, paths: ['1'], " + allow + "}, {paths: ['1'], type: log, " + allow + "}]\n",
		"- type: ${KIND}\n  paths: [\"${A}\", b]\n":                                 "- {type: log, paths: ['1', b], " + allow + "}\n",
		"- type: log\n  allow_deprecated_use: false\n  paths: [/x]\n":               "- {type: log, allow_deprecated_use: false, paths: [/x]}\n",
		"- type: log\n  enabled: false\n":                                           "- {type: log, enabled: false}\n",
		"- type: filestream\n  id: x\n  paths: [/x]\n":                              "- {type: filestream, id: x, paths: [/x]}\n",
		"- type: container\n  paths: [/x]\n":                                        "- {type: container, paths: [/x], " + allow + "}\n",
		"- type: udp\n  host: :9\n":                                                 "- {type: udp, host: ':9'}\n",
		"- &x\n  type: filestream\n  id: x\n  paths: [/x]\n- {<<: *x, id: y}\n":     "- {type: filestream, id: x, paths: [/x]}\n- {type: filestream, id: y, paths: [/x]}\n",
		"# nothing\n": "",
		"":            "",
		"---\n":       "---\n",
	} {
		holds(t, filebeatFile(t, "filebeat.d/x.yml", text, "A=1", "KIND=log"), want)
	}
	global := settings(t, "filebeat.inputs:\n- type: log\n  paths: [/x]\nfilebeat:\n  registry: {}\n")
	holds(t, global, "filebeat.inputs: [{type: log, paths: [/x], "+allow+"}]\nfilebeat: {registry: {}}\n")
}

func TestInputProblems(t *testing.T) {
	const (
		noID     = "this filestream input has no id: give it one of its own, under which filebeat notes what it has shipped"
		ownID    = "image/logging/filebeat.d/"
		taken    = ": give each its own, or lines are shipped twice"
		notInput = "expected an input (- type: filestream and so on)"
		notList  = "expected a list of inputs (- type: filestream and so on)"
	)
	for _, c := range []struct {
		files map[string]string
		want  []string
	}{
		{map[string]string{"a": "- type: filestream\n  paths: [/x]\n"}, []string{ownID + "a.yml:1: " + noID}},
		{map[string]string{"a": "\n- type: filestream\n  id: \"${NONE:}\"\n  paths: [/x]\n"}, []string{ownID + "a.yml:2: " + noID}},
		{map[string]string{"a": "- type: filestream\n  id: a\n"}, []string{ownID + "a.yml:1: this filestream input has no paths: say which files it reads"}},
		{map[string]string{"a": "- type: log\n  paths:\n"}, []string{ownID + "a.yml:1: this log input has no paths: say which files it reads"}},
		{map[string]string{"a": "output.redis:\n  hosts: [x]\n"}, []string{ownID + "a.yml:1: " + notList}},
		{map[string]string{"a": "- type: udp\n- ok\n"}, []string{ownID + "a.yml:2: " + notInput}},
		{
			map[string]string{
				"a": "- type: filestream\n  paths: [/x]\n  id: app\n- {type: filestream, paths: [/x], id: crond}\n",
				"b": "# b\n\n- type: filestream\n  id: \"${ID}\"\n  paths: [/y]\n",
				"c": "- type: filestream\n  id: app\n  enabled: false\n- type: udp\n  id: app\n",
			},
			[]string{
				ownID + "b.yml:4: the id app is taken by the input at " + ownID + "a.yml:3" + taken,
				ownID + "filebeat-crond.yml:5: the id crond is taken by the input at " + ownID + "a.yml:4" + taken,
			},
		},
		{
			map[string]string{"a": "- type: filestream\n  id: \"${NONE}\"\n  paths: [/x]\n"},
			[]string{ownID + "a.yml:2: the environment variable NONE is not set: set it, or give it a default (${NONE:})"},
		},
		{
			map[string]string{"a": "- type: filestream\n  id: a\n  paths: [/x\n- type: udp\n"},
			[]string{ownID + "a.yml:3: no YAML from here on: did not find expected ',' or ']'"},
		},
	} {
		tree := testenv.NewTree(t)
		withPrograms(t, tree, "filebeat")
		for name, text := range c.files {
			testenv.Write(t, tree.Path("image/logging/filebeat.d", name+".yml"), text, 0o644)
		}
		if got := problems(t, tree, "LOGGING_REDIS_HOST=redis", "ID=app"); !slices.Equal(got, c.want) {
			t.Errorf("%q:\ngot  %q\nwant %q", c.files, got, c.want)
		}
	}
}

// A child image may say in one place what holds for its inputs.
func TestMergedInput(t *testing.T) {
	text := "- &base\n  type: filestream\n  id: a\n  paths: [/x]\n- <<: *base\n  type: filestream\n  id: b\n- <<: [*base]\n  type: filestream\n  id: c\n"
	if got := filebeatFile(t, "filebeat.d/x.yml", text); got != text {
		t.Errorf("got %q", got)
	}
}

func TestEmptyLists(t *testing.T) {
	for text, want := range map[string]string{
		"a: [\"${EMPTY}\"]\n":             "a: []\n",
		"a: [ '${NONE:}' ] # x\n":         "a: [  ] # x\n",
		"a: [\"${A}\"]\n":                 "a: ['1']\n",
		"a: [\"${EMPTY}\", x]\n":          "a: ['', x]\n",
		"a:\n  - \"${EMPTY}\"\n":          "a:\n  - ''\n",
		"a: {b: \"${EMPTY}\"}\n":          "a: {b: ''}\n",
		"a: [{b: \"${EMPTY}\"}]\n":        "a: [{b: ''}]\n",
		"a: [[\"${EMPTY}\"], [\"${A}\"]]": "a: [[], ['1']]",
	} {
		holds(t, settings(t, text, "EMPTY=", "A=1"), want)
	}
}

func TestOutputFile(t *testing.T) {
	const redis = "output.redis:\n  hosts: [x]\n"
	for _, c := range []struct{ global, output, want string }{
		{"path.data: /d\n" + redis + "logging.level: info\n", "output.file: {path: \"${A}\"}\n", "path.data: /d\nlogging.level: info\noutput.file: {path: '1'}\n"},
		{"path.data: /d\n" + redis, "output:\n  file: {path: /x}\n", "path.data: /d\noutput:\n  file: {path: /x}\n"},
		{"output:\n  redis: {hosts: [\"${NONE}\"]}\npath.data: /d", "output.console: {}\n", "path.data: /d\noutput.console: {}\n"},
		{"path.data: /d", "output.console: {}\n", "path.data: /d\noutput.console: {}\n"},
		{"# none\n", "output.console: {}\n", "# none\noutput.console: {}\n"},
		{
			"logging.level: info\nlogging.to_files: false\n" + redis, "# mine\nlogging.level: debug\noutput.console: {}\n",
			"logging.to_files: false\n# mine\nlogging.level: debug\noutput.console: {}\n",
		},
		{"filebeat.inputs:\n- type: log\n" + redis, "output.console: {}\nfilebeat.inputs: []\n", "output.console: {}\nfilebeat.inputs: []\n"},
		{"{path.data: /d, output.redis: {hosts: [x]}, a: 1}\n", "output.console: {}\n", "path.data: /d\na: 1\noutput.console: {}\n"},
		{"---\n", "output.console: {}\n", "output.console: {}\n"},
		{redis, "", redis},
	} {
		tree := testenv.NewTree(t)
		withPrograms(t, tree, "filebeat")
		testenv.Write(t, tree.Path("image/logging/filebeat-global.yml"), c.global, 0o644)
		testenv.Write(t, tree.Path("image/logging/filebeat-output.yml"), c.output, 0o644)
		environ := []string{"A=1"}
		if c.output == "" { // is as good as none
			environ = append(environ, "LOGGING_REDIS_HOST=redis")
		}
		conf := rendered(t, tree, environ...)
		holds(t, testenv.Read(t, filepath.Join(conf.RunDir, "logging/filebeat-global.yml")), c.want)
	}
}

func TestOutputFileProblems(t *testing.T) {
	const output = "image/logging/filebeat-output.yml"
	for _, c := range []struct{ global, output, want string }{
		{"", "hosts: [x]\n", output + ": says nothing of an output: begin with one, such as output.elasticsearch, or leave the file empty"},
		{"", "# nothing\n", output + ": says nothing of an output: begin with one, such as output.elasticsearch, or leave the file empty"},
		{"", "- type: log\n", output + ": says nothing of an output: begin with one, such as output.elasticsearch, or leave the file empty"},
		{"", "output.file:\n  path: ${NONE}\n", output + ":2: the environment variable NONE is not set: set it, or give it a default (${NONE:})"},
		{"", "output.file: [\n", output + ":1: no YAML from here on: did not find expected node content"},
	} {
		tree := testenv.NewTree(t)
		withPrograms(t, tree, "filebeat")
		testenv.Write(t, tree.Path("image/logging/filebeat-output.yml"), c.output, 0o644)
		if c.global != "" {
			testenv.Write(t, tree.Path("image/logging/filebeat-global.yml"), c.global, 0o644)
		}
		if got := problems(t, tree); !slices.Equal(got, []string{c.want}) {
			t.Errorf("%q, %q:\ngot  %q\nwant %q", c.global, c.output, got, c.want)
		}
	}
}

func TestOutputFileWithoutFilebeat(t *testing.T) {
	tree := testenv.NewTree(t)
	t.Setenv("PATH", tree.Path("bin"))
	testenv.Write(t, tree.Path("image/logging/filebeat-output.yml"), "output.console: {}\n", 0o644)
	want := "image/supervisord/conf.d/01-filebeat.conf:6: image/logging/filebeat-output.yml says where to ship logs to, but filebeat is not installed: install filebeat, or empty the file"
	if got := problems(t, tree); !slices.Equal(got, []string{want}) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestRedisCA(t *testing.T) {
	tree := testenv.NewTree(t)
	withPrograms(t, tree, "filebeat")
	ca := tree.Path("ca.pem")
	environ := []string{"LOGGING_REDIS_HOST=redis", "LOGGING_REDIS_TLS=true", "LOGGING_REDIS_CA_FILE=" + ca}
	for content, want := range map[string]string{
		"":         "open " + ca + ": no such file or directory",
		"secret\n": "expected certificates in PEM form",
	} {
		if content != "" {
			testenv.Write(t, ca, content, 0o600)
		}
		err := allOf(t, tree, environ...)
		if want := "the environment is invalid:\n  LOGGING_REDIS_CA_FILE=\"" + ca + "\": " + want; err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
		_ = os.Remove(ca)
	}
}
