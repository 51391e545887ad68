package supervisorconf

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

// texts are configuration files as people write them, by what is odd about them.
var texts = map[string]string{
	"plain":              "[program:app]\ncommand = app --port 80\nautostart=true\n",
	"colons":             "[program:app]\ncommand: app -a=b:c\nenvironment: A=\"1\"\n",
	"case":               "[Program:App]\nCommand = App\nAUTOSTART = True\n",
	"blanks":             "[program:app]\n  \ncommand   =   app\t x  \n\t\n\n",
	"no last newline":    "[program:app]\ncommand = app",
	"comments":           "; first\n# second\n[program:app] ; third\ncommand = app ; fourth\nautostart = true\t# fifth\n;autostart = false\n",
	"no comments":        "[program:app]\ncommand = app;x #x# a;b\nenvironment = A=\"a;b#c\"\n",
	"continued":          "[program:app]\ncommand = app\n  --port 80\n\t--verbose ; how\nautostart = true\n",
	"continued below":    "[program:app]\nenvironment =\n  A=\"1\",\n  B=\"2\"\nautostart = true\n",
	"continued comments": "[program:app]\nenvironment = A=\"1\",\n; off the line\n  ; B=\"2\",\n  C=\"3\"\n",
	"continued later":    "[program:app]\nenvironment = A=\"1\",\n\n  B=\"2\"\n\nautostart = true\n",
	"indented options":   "[program:app]\n    command = app\n    autostart = true\n      x = y\n",
	"indented others":    "[program:app]\n    user = x\n    command = app\n[program:b]\n  command = b\n  user = y\n",
	"less indented":      "[program:app]\n    command = app\n  autostart = true\n    x = y\nz = 1\n",
	"indented section":   "  [program:app]\n  command = app\n",
	"no options":         "[program:a]\n  [program:b]\n  command = b\n",
	"twice in a section": "[program:app]\ncommand = old\ncommand = new\n",
	"section twice":      "[program:app]\ncommand = old\nuser = x\n[program:b]\ncommand = b\n[program:app]\ncommand = new\n",
	"empty values":       "[program:app]\nuser =\ncommand = app\npassword:\n",
	"percent":            "[program:app]\ncommand = %(ENV_HOME)s/app 100%% %(process_num)02d\n",
	"carriage returns":   "[program:app]\r\ncommand = app\r\nautostart = true\r\n",
	"UTF-8":              "[program:größe]\ncommand = größe\n",
	"no sections":        "; nothing\n",
	"empty":              "",
}

// merged is what a parser makes of a file: values by section and key.
type merged map[string]map[string]string

func merge(c *Conf) merged {
	m := merged{}
	for _, s := range c.Sections {
		m[s.Name] = map[string]string{}
		for _, o := range s.Options() {
			m[s.Name][o.Key] = strings.TrimPrefix(o.Value(), "\n") // as python does below
		}
	}
	return m
}

// confOf is the configuration of these files; the first is the main one.
func confOf(env Lookup, texts ...string) *Conf {
	c := &Conf{env: env}
	for _, text := range texts {
		c.add(parse("x.conf", text))
	}
	c.environment = c.Section("supervisord").Environment()
	return c
}

func noEnv(string) (string, bool) { return "", false }

// python returns what supervisord's own parser makes of texts. Empty lines within
// a value mean nothing to supervisord and are left out.
func python(t *testing.T, texts map[string]string) map[string]merged {
	t.Helper()
	testenv.NotQuick(t)
	const script = `
import json, sys
from supervisor.options import UnhosedConfigParser
def read(text):
    parser = UnhosedConfigParser()
    parser.read_string(text)
    return {s: {k: "\n".join(l for l in v.split("\n") if l) for k, v in parser.items(s)} for s in parser.sections()}
json.dump({name: read(text) for name, text in json.load(sys.stdin).items()}, sys.stdout)
`
	in, err := json.Marshal(texts)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "/usr/bin/python3", "-W", "ignore", "-c", script)
	cmd.Stdin = strings.NewReader(string(in))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, &stderr)
	}
	var parsed map[string]merged
	if err := json.Unmarshal(out, &parsed); err != nil {
		t.Fatal(err)
	}
	return parsed
}

func same(a, b merged) bool { return maps.EqualFunc(a, b, maps.Equal) }

func TestParseAsSupervisordDoes(t *testing.T) {
	want := python(t, texts)
	for name, text := range texts {
		if got := merge(confOf(noEnv, text)); !same(got, want[name]) {
			t.Errorf("%s: got %q\nwant %q, out of\n%s", name, got, want[name], text)
		}
	}
}

// Setting a key changes that key and nothing else, for supervisord too.
func TestSetAsSupervisordReadsIt(t *testing.T) {
	values := map[string]string{"autostart": "false", "command": "other --with\nsecond line", "new": "%(ENV_X)s/x"}
	edited, want := map[string]string{}, map[string]merged{}
	for name, text := range texts {
		c := confOf(noEnv, text)
		want[name] = merge(c)
		for _, s := range c.Sections {
			for _, key := range slices.Sorted(maps.Keys(values)) {
				s.Set(key, "an earlier value")
				s.Set(key, values[key])
				want[name][s.Name][key] = values[key]
			}
		}
		c.Append("appended", "key = value", "other = value")
		c.Section("appended").Set("other", "set")
		want[name]["appended"] = map[string]string{"key": "value", "other": "set"}
		if got := merge(c); !same(got, want[name]) {
			t.Errorf("%s: after Set %q\nwant %q, out of\n%s", name, got, want[name], text)
		}
		edited[name] = c.Files[0].String()
	}
	read := python(t, edited)
	for name, text := range edited {
		if got := merge(confOf(noEnv, text)); !same(got, want[name]) {
			t.Errorf("%s: got %q\nwant %q, out of\n%s", name, got, want[name], text)
		}
		if got := read[name]; !same(got, want[name]) {
			t.Errorf("%s: supervisord reads %q\nwant %q, out of\n%s", name, got, want[name], text)
		}
	}
}

func TestSetLeavesTheRest(t *testing.T) {
	c := confOf(noEnv, "; head\n[program:app]\n; about it\ncommand = old\n  more\nuser = x ; why\n\n[program:b]\ncommand = b\n")
	c.Section("program:app").Set("command", "new")
	c.Section("program:app").Set("autostart", "true")
	want := "; head\n[program:app]\ncommand = new\nautostart = true\n; about it\n\n\nuser = x ; why\n\n[program:b]\ncommand = b\n"
	if got := c.Files[0].String(); got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

func TestStringIsTheFile(t *testing.T) {
	for name, text := range texts {
		want := strings.TrimSuffix(text, "\n") + "\n"
		if got := parse("x.conf", text).String(); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

// Of blocks with one name, in whatever file, the last value counts; Set leaves no other.
func TestSectionsOfSeveralBlocks(t *testing.T) {
	c := confOf(noEnv, "[program:a]\nk = 1\nj = 1\n[b]\n[program: a ]\nk = other\n", "; 1\n[program:a]\nk = 2\n\n  3\nk = 4\n[include]\nfiles = x\n")
	a := c.Section("program:a")
	if len(c.Sections) != 3 || len(a.Blocks) != 2 || c.Section("program: a ").ID() != "program:a" || c.Section("c") != nil {
		t.Fatalf("sections %+v", c.Sections)
	}
	for key, want := range map[string]string{"k": "4 true 6", "j": "1 true 3", "none": " false 1"} {
		value, ok := a.Get(key)
		_, line := a.Place(key)
		if got := fmt.Sprint(value, " ", ok, " ", line); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	a.Set("k", "5")
	if got, want := c.Files[0].String()+c.Files[1].String(), "[program:a]\n\nj = 1\n[b]\n[program: a ]\nk = other\n; 1\n[program:a]\nk = 5\n\n\n\n\n[include]\nfiles = x\n"; got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
	if value, ok := c.Section("none").Get("k"); value != "" || ok || c.Section("none").Value("k", "x") != "x" {
		t.Error("a section that is not there has an option")
	}
}

// supervisord names what is wrong with such lines; the rest is read all the same.
func TestParsePassesOverWhatIsNone(t *testing.T) {
	c := confOf(noEnv, "stray = 1\nno section\n[unclosed\n]\n[]\n[a]\nno value\n= x\nk = 1\n")
	value, ok := c.Section("a").Get("k")
	if _, line := c.Section("a").Place("k"); value != "1" || line != 9 || !ok || len(c.Files[0].Stray) != 7 {
		t.Errorf("k is %q (%v) in line %d, want 1 in line 9: %+v", value, ok, line, c.Files[0])
	}
}

func TestIsPlain(t *testing.T) {
	for value, want := range map[string]bool{
		"": true, "/tmp/x.sock": true, "a;b#c": true, "a b": true,
		" a": false, "a ": false, "a\nb": false, "a ;b": false, "a\t#b": false, "#a": false, ";a": false,
	} {
		if got := IsPlain(value); got != want {
			t.Errorf("%q: %v", value, got)
		}
	}
}

// The files that are read are those that supervisord's documentation names.
func TestLoad(t *testing.T) {
	dir := filepath.Join(testenv.Dir(t), "[odd]")
	for name, text := range map[string]string{
		"main.conf":     "[supervisord]\nenvironment = A=\"1\", B='%(ENV_X)s'\n[include]\nfiles = %(here)s/no*.conf d/*.conf\n  %(ENV_X)s/e.conf d/a.conf [\n",
		"d/b.conf":      "[program:b]\ncommand = %(here)s/%(ENV_A)s%(ENV_B)s%(ENV_X)s%(ENV_NONE)s\n",
		"d/a.conf":      "[include]\nfiles = ../never.conf\n[program:b]\ncommand = a\n",
		"d/.h.conf":     "[program:hidden]\n",
		"d/d.conf/file": "",
		"never.conf":    "[program:never]\n",
		"first.conf":    "[program:first]\n",
		"x/e.conf":      "[program:e]\n",
	} {
		testenv.Write(t, filepath.Join(dir, name), text, 0o644)
	}
	env := func(name string) (string, bool) { return "x", name == "X" }
	c, err := Load(filepath.Join(dir, "main.conf"), env, "first.conf")
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, f := range c.Files {
		files = append(files, strings.TrimPrefix(f.Path, dir+"/"))
	}
	if got, want := strings.Join(files, " "), "main.conf first.conf d/a.conf d/b.conf x/e.conf"; got != want {
		t.Errorf("read %s, want %s", got, want)
	}
	if got, want := c.Section("program:b").Value("command", ""), dir+"/d/1xx%(ENV_NONE)s"; got != want {
		t.Errorf("the command is %s, want %s", got, want)
	}
	for name, text := range map[string]string{"none.conf": "", "dangling.conf": "[include]\nfiles = l.conf\n"} {
		path := filepath.Join(dir, name)
		if text != "" {
			testenv.Write(t, path, text, 0o644)
			path = filepath.Join(dir, "l.conf")
			if err := os.Symlink("nowhere", path); err != nil {
				t.Fatal(err)
			}
		}
		var failed *fs.PathError
		if _, err := Load(filepath.Join(dir, name), noEnv); !errors.As(err, &failed) || failed.Path != path {
			t.Errorf("%s: error %v, want one that names %s", name, err, path)
		}
	}
}
