package docs

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const repository = "../.."

// block is one code block of a page.
type block struct {
	page string
	line int // of its first line
	lang string
	text string
	mark string // of the comment in front of it
}

func (b block) String() string { return fmt.Sprintf("%s:%d", b.page, b.line) }

var (
	fence   = regexp.MustCompile("^ {0,3}```+ *([a-zA-Z]*)$")
	comment = regexp.MustCompile(`^<!-- (.*) -->$`)
)

// blocks returns the fenced and the indented blocks of a page.
func blocks(page, text string) (all []block) {
	lines := strings.Split(text, "\n")
	mark := ""
	blank := true // the line before is empty, as it is in front of an indented block
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		b := block{page: page, line: i + 2, mark: mark}
		switch m := fence.FindStringSubmatch(line); {
		case m != nil:
			b.lang = m[1]
			end := i + 1
			for end < len(lines) && !fence.MatchString(lines[end]) {
				end++
			}
			b.text = strings.Join(lines[i+1:end], "\n") + "\n"
			all, i = append(all, b), end
		case blank && strings.HasPrefix(line, "    "):
			end := i
			for end < len(lines) && (lines[end] == "" || strings.HasPrefix(lines[end], "    ")) {
				b.text += strings.TrimPrefix(lines[end], "    ") + "\n"
				end++
			}
			b.line, b.text = i+1, strings.TrimRight(b.text, "\n")+"\n"
			all, i = append(all, b), end-1
		}
		if m := comment.FindStringSubmatch(line); m != nil {
			mark = m[1]
		} else if line != "" {
			mark = ""
		}
		blank = i < len(lines) && (lines[i] == "" || comment.MatchString(lines[i]))
	}
	return all
}

// pages returns the documents in the order in which they are run: the README first,
// whose container the others look into.
func pages(t testing.TB) []string {
	t.Helper()
	all := []string{"README.md", "doc/tutorial.md"}
	for _, pattern := range []string{"doc/*.md", "examples/*.md", "examples/*/*.md"} {
		found, err := filepath.Glob(filepath.Join(repository, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			page, err := filepath.Rel(repository, path)
			if err != nil {
				t.Fatal(err)
			}
			if page == "doc/commands.md" {
				continue // printed from the code: a test of pkg/cli compares it
			}
			if !slices.Contains(all, page) {
				all = append(all, page)
			}
		}
	}
	return all
}

func readPage(t testing.TB, page string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, page))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestBlocks(t *testing.T) {
	page := "Text\n\n    one\n\n    two\n\n<!-- not run: why -->\n\n```sh\nthree\n```\n<!-- other -->\nText\n    no block\n\n    four\n"
	want := []block{
		{page: "p", line: 3, text: "one\n\ntwo\n"},
		{page: "p", line: 10, lang: "sh", text: "three\n", mark: "not run: why"},
		{page: "p", line: 16, text: "four\n"},
	}
	if got := blocks("p", page); !slices.Equal(got, want) {
		t.Errorf("got  %#v\nwant %#v", got, want)
	}
}
