package cli

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

var update = flag.Bool("update", false, "write what differs instead of failing")

// TestCommandsDoc compares doc/commands.md with what help prints.
func TestCommandsDoc(t *testing.T) {
	const file = "../../doc/commands.md"
	text := bytes.NewBufferString(`# Commands

What ` + "`container-manager help COMMAND`" + ` prints. This page is printed from the code, and a test compares them.

Flags may stand before or behind the arguments (` + "`restart hello --timeout 5s`" + `), but for ` + "`run` and `exec`" + `, which leave what follows the
command's name to the command. ` + "`. <(container-manager completion bash)`" + ` completes commands, flags and the names of programs.
`)
	for _, e := range entries() {
		if e.title != "" {
			fmt.Fprintf(text, "\n## %s\n", e.title)
		}
		if c := newRoot(e.name).Commands()[0]; !c.Hidden {
			describe(text, c)
			for _, sub := range c.Commands() {
				describe(text, sub)
			}
		}
	}
	have, err := os.ReadFile(file)
	if err == nil && string(have) == text.String() {
		return
	}
	if !*update {
		t.Fatalf("%s is not what the code says: go test ./pkg/cli -run TestCommandsDoc -update", file)
	}
	if err := os.WriteFile(file, text.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// describe prints a command as its help does.
func describe(text *bytes.Buffer, c *cobra.Command) {
	path := strings.TrimPrefix(c.CommandPath(), "container-manager ")
	fmt.Fprintf(text, "\n%s `%s`\n\n%s.\n\n", strings.Repeat("#", 2+len(strings.Fields(path))), path, c.Short)
	c.InitDefaultHelpFlag()
	var help bytes.Buffer
	commandUsage(&help, c)
	for i, line := range strings.Split(strings.TrimSpace(help.String()), "\n") {
		if i == 1 || i == 2 { // what stands above
			continue
		}
		fmt.Fprintln(text, strings.TrimRight("    "+line, " "))
	}
}

// Every command has an example, but those that only files of the image call.
func TestExamples(t *testing.T) {
	internal := false
	for _, e := range entries() {
		internal = internal || strings.HasPrefix(e.title, "Run by ")
		if c := e.make(); !internal && c.Example == "" && !strings.HasPrefix(c.Name(), "check-") && c.Name() != "variables" && c.Name() != "version" {
			t.Errorf("%s has no example", e.name)
		}
	}
}

// TestDefaultsOfFlags compares the values in usages such as "probe tcp [--timeout 3s]
// HOST:PORT" with the code, in help and on all pages. A value in capitals stands for any.
func TestDefaultsOfFlags(t *testing.T) {
	root, found := newRoot(""), 0
	check := func(where, usage string) {
		c, _, err := root.Find(strings.Fields(strings.TrimPrefix(usage, "container-manager ")))
		if err != nil || c == root {
			return
		}
		for _, m := range regexp.MustCompile(`\[--([a-z-]+) ([^]]+)\]`).FindAllStringSubmatch(usage, -1) {
			if m[2] == strings.ToUpper(m[2]) && !strings.ContainsAny(m[2], "0123456789") {
				continue
			}
			found++
			if flag := c.Flags().Lookup(m[1]); flag == nil || flag.DefValue != m[2] && flag.DefValue != m[2]+"0s" { // 1m0s
				t.Errorf("%s: %q: --%s is not %s by default", where, usage, m[1], m[2])
			}
		}
	}
	pages, err := filepath.Glob("../../doc/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatal(pages, err)
	}
	for _, page := range append(pages, "../../README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, span := range regexp.MustCompile("`([a-z][^`\n]*)`|(?m)^    (?:usage: )?(.*)$").FindAllStringSubmatch(string(text), -1) {
			check(page, strings.TrimSpace(span[1]+span[2]))
		}
	}
	if found < 10 {
		t.Errorf("found %d defaults only", found)
	}
}
