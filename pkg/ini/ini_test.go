package ini

import (
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"
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

func merge(f *File) merged {
	m := merged{}
	for _, s := range f.Sections {
		if m[s.Name] == nil {
			m[s.Name] = map[string]string{}
		}
		for _, o := range s.Options {
			value, _, _ := s.Get(o.Key)
			m[s.Name][o.Key] = strings.TrimPrefix(value, "\n") // as python does below
		}
	}
	return m
}

// python returns what supervisord's own parser makes of texts. Empty lines within
// a value mean nothing to supervisord and are left out.
func python(t *testing.T, texts map[string]string) map[string]merged {
	t.Helper()
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
		if got := merge(Parse("x.conf", text)); !same(got, want[name]) {
			t.Errorf("%s: got %q\nwant %q, out of\n%s", name, got, want[name], text)
		}
	}
}

// Setting a key changes that key and nothing else, for supervisord too.
func TestSetAsSupervisordReadsIt(t *testing.T) {
	values := map[string]string{"autostart": "false", "command": "other --with\nsecond line", "new": "%(ENV_X)s/x"}
	edited, want := map[string]string{}, map[string]merged{}
	for name, text := range texts {
		f := Parse("x.conf", text)
		want[name] = merge(f)
		for _, s := range f.Sections {
			for _, key := range slices.Sorted(maps.Keys(values)) {
				f.Set(s, key, values[key])
				want[name][s.Name][key] = values[key]
			}
		}
		f.Append("[appended]", "key = value")
		want[name]["appended"] = map[string]string{"key": "value"}
		edited[name] = f.String()
	}
	read := python(t, edited)
	for name, text := range edited {
		if got := merge(Parse("x.conf", text)); !same(got, want[name]) {
			t.Errorf("%s: got %q\nwant %q, out of\n%s", name, got, want[name], text)
		}
		if got := read[name]; !same(got, want[name]) {
			t.Errorf("%s: supervisord reads %q\nwant %q, out of\n%s", name, got, want[name], text)
		}
	}
}

func TestSetLeavesTheRest(t *testing.T) {
	f := Parse("x.conf", "; head\n[program:app]\n; about it\ncommand = old\n  more\nuser = x ; why\n\n[program:b]\ncommand = b\n")
	f.Set(f.Sections[0], "command", "new")
	f.Set(f.Sections[0], "autostart", "true")
	want := "; head\n[program:app]\ncommand = new\nautostart = true\n; about it\n\n\nuser = x ; why\n\n[program:b]\ncommand = b\n"
	if got := f.String(); got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

func TestStringIsTheFile(t *testing.T) {
	for name, text := range texts {
		want := strings.TrimSuffix(text, "\n") + "\n"
		if got := Parse("x.conf", text).String(); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestLines(t *testing.T) {
	f := Parse("x.conf", "; 1\n[a]\nk = 1\n\n  2\n[b]\nk = 3\nk = 4\n")
	if f.Path != "x.conf" || len(f.Sections) != 2 || f.Sections[0].Line != 2 || f.Sections[1].Line != 6 {
		t.Fatalf("got %+v", f)
	}
	if got := fmt.Sprint(f.Sections[0].Options[0].Parts); got != "[{3 1} {5 2}]" {
		t.Errorf("parts %s", got)
	}
	for i, want := range []string{"1\n2 3 true", "4 8 true"} {
		value, line, ok := f.Sections[i].Get("k")
		if got := fmt.Sprint(value, " ", line, " ", ok); got != want {
			t.Errorf("k of [%s] is %q, want %q", f.Sections[i].Name, got, want)
		}
	}
	if value, line, ok := f.Sections[0].Get("none"); value != "" || line != 0 || ok {
		t.Errorf("a key that is missing: %q, %d, %v", value, line, ok)
	}
}

// supervisord names what is wrong with such lines; the rest is read all the same.
func TestParsePassesOverWhatIsNone(t *testing.T) {
	f := Parse("x.conf", "stray = 1\nno section\n[unclosed\n]\n[]\n[a]\nno value\n= x\nk = 1\n")
	value, line, ok := f.Sections[len(f.Sections)-1].Get("k")
	if value != "1" || line != 9 || !ok {
		t.Errorf("k is %q (%v) in line %d, want 1 in line 9: %+v", value, ok, line, f.Sections)
	}
}

func TestSections(t *testing.T) {
	f := Parse("x.conf", "[supervisord]\n[program:a]\n[program:b]\nnumprocs = 4\n[eventlistener:c]\nnumprocs = 0\n"+
		"[fcgi-program:d]\nnumprocs = %(ENV_N)s\n[program:g]\nnumprocs = %(ENV_OTHER)s\n[group:e]\nprograms = a,b\n[program-x:f]\n")
	lookup := func(name string) (string, bool) { return "7", name == "N" }
	var got []string
	for _, s := range f.Sections {
		got = append(got, fmt.Sprint(s.Name, " ", s.Kind(), " ", s.IsProgram(), " ", s.Processes(lookup)))
	}
	want := []string{
		"supervisord supervisord false 0", "program:a program true 1", "program:b program true 4", "eventlistener:c eventlistener true 1",
		"fcgi-program:d fcgi-program true 7", "program:g program true 1", "group:e group false 0", "program-x:f program-x false 0",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if !f.Has("none", "group:e") || f.Has("group") || f.Has() {
		t.Error("Has is wrong")
	}
}

func TestExpandEnv(t *testing.T) {
	lookup := func(name string) (string, bool) {
		value, ok := map[string]string{"A": "1", "EMPTY": "", "P": "%(ENV_A)s 100%"}[name]
		return value, ok
	}
	for value, want := range map[string]string{
		"":                               "",
		"plain 100% %(here)s":            "plain 100% %(here)s",
		"%(ENV_A)s":                      "1",
		"x%(ENV_A)s%(ENV_EMPTY)s/y":      "x1/y",
		"%(ENV_NONE)s/%(ENV_A)s":         "%(ENV_NONE)s/1",
		"%(ENV_P)s":                      "%(ENV_A)s 100%", // once
		"%(program_name)s-%(ENV_A)s.log": "%(program_name)s-1.log",
		"%(ENV_A":                        "%(ENV_A",
	} {
		if got := ExpandEnv(value, lookup); got != want {
			t.Errorf("%q is %q, want %q", value, got, want)
		}
	}
}
