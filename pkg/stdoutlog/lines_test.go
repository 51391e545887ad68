package stdoutlog

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ZPascal/container-manager/test/testenv"
)

func TestOddLines(t *testing.T) {
	const mega = 1 << 20
	long := strings.Repeat("x", mega-1)
	for name, test := range map[string]struct{ text, want string }{
		"NUL and broken UTF-8": {"a\x00b\xff\xc3\x28\n", "app | a\x00b\xff\xc3\x28\n"},
		"carriage return":      {"a\rb\r\n", "app | a\rb\r\n"},
		"1 MB":                 {"a\n" + long + "\nb\n", "app | a\napp | " + long + "\napp | b\n"},
		"more than that":       {long + "yz\nb\n", "app | " + long + "y\napp | z\napp | b\n"},
		"without an end":       {"a\nprompt> ", "app | a\napp | prompt> \n"},
		"unfinished, long":     {long[:100_000], "app | " + long[:100_000] + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, "app")
			r.begin()
			r.read()
			defer r.follow()()
			r.write("app.log", test.text)
			r.shows(test.want)
		})
	}
}

func TestJSON(t *testing.T) {
	r := newRig(t, "app")
	r.json = true
	r.sources[0].Stream = "stderr"
	r.begin()
	r.read()
	defer r.follow()()
	r.write("app.log", "a \"quote\" \\ \t \x00 \xff € \x7f \x1b[31m\n\n")
	testenv.WaitFor(t, "two lines", func() bool { return strings.Count(r.output(), "\n") == 2 })
	want := []string{"a \"quote\" \\ \t \x00 \ufffd € \x7f \x1b[31m", ""}
	for i, line := range strings.Split(strings.TrimSpace(r.output()), "\n") {
		var got struct{ Time, Program, Stream, Message string }
		d := json.NewDecoder(strings.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&got); err != nil {
			t.Fatal(err)
		}
		if got.Program != "app" || got.Stream != "stderr" || got.Message != want[i] || got.Time == "" {
			t.Errorf("got %+v, want %q", got, want[i])
		}
	}
}

func TestColours(t *testing.T) {
	b := batch{colour: true}
	b.append(Source{Program: "app"}, []byte("x\n"))
	if got, want := string(b.text), fmt.Sprintf("\x1b[1;%dmapp |\x1b[0m x\n", colourOf("app")); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestGenerations(t *testing.T) {
	for name, test := range map[string]struct{ names, want string }{
		"numbers": {"app.log app.log.10 app.log.9 app.log.1", "app.log.10 app.log.9 app.log.1 app.log"},
		"others":  {"app.log app.log.err app.log.1.gz app.logs app.log.x1 app.log-bak xapp.log app.log.", "app.log"},
		"dates":   {"app.log-20260102 app.log-20260101 app.log", "app.log-20260102 app.log-20260101 app.log"}, // as they were written
		"no log":  {"app.log.1", "app.log.1"},
		"nothing": {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			for i, n := range strings.Fields(test.names) {
				r.write(n, "x")
				at := time.Unix(1e9+int64(i), 0)
				r.must(os.Chtimes(r.path(n), at, at))
			}
			var got []string
			for _, g := range generations(r.path("app.log")) {
				got = append(got, strings.TrimPrefix(g.path, r.dir+"/"))
			}
			if strings.Join(got, " ") != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestLostIsCounted(t *testing.T) {
	r := newRig(t, "app")
	r.begin()
	r.read()
	defer r.follow()()
	var out batch
	s := &stream{Source: r.sources[0]}
	r.must(out.note(s, 12345))
	if got, want := string(out.text), "container-manager | 12345 bytes of "+r.path("app.log")+" (app) were rotated away and removed before standard output took them\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
