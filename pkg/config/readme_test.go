package config

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what differs instead of failing")

func TestReadmeHasTheVariables(t *testing.T) {
	const file, begin, end = "../../README.md", "<!-- variables -->\n", "<!-- /variables -->\n"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(data), begin)
	table, tail, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s: want the lines %q and %q, in this order", file, begin, end)
	}
	want := "\n" + Markdown() + "\n"
	if table == want {
		return
	}
	if !*update {
		t.Fatalf("%s: the table of variables is not what the code declares: go test ./pkg/config -update", file)
	}
	if err := os.WriteFile(file, []byte(head+begin+want+end+tail), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestMarkdown(t *testing.T) {
	text := Markdown()
	if !strings.HasPrefix(text, "### ") {
		t.Errorf("Markdown begins with %.20q, want a heading: the first variable needs a group", text)
	}
	for _, v := range Variables() {
		if n := strings.Count(text, "\n| `"+v.Name+"` |"); n != 1 {
			t.Errorf("%s has %d rows, want 1", v.Name, n)
		}
		if v.Meaning() == "" || strings.HasSuffix(v.Meaning(), ".") {
			t.Errorf("%s: desc %q, want a phrase without a full stop", v.Name, v.Meaning())
		}
	}
	for row := range strings.Lines(text) {
		if cells := strings.Count(row, "|") - strings.Count(row, `\|`); strings.HasPrefix(row, "|") && cells != 4 {
			t.Errorf("%d cells, want 3: %s", cells-1, row)
		}
	}
}
