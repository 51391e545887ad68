package render

import (
	"fmt"
	"strings"
	"testing"
)

// describe writes what was found: the paths of each block, its directives, and
// what postrotate holds.
func describe(text string) string {
	var b strings.Builder
	found := parseBlocks(text)
	for _, block := range found.blocks {
		for _, p := range block.paths {
			fmt.Fprintf(&b, "<%s>", p.path)
		}
		fmt.Fprintf(&b, "%v", block.directives)
		if block.postrotate.end > 0 {
			fmt.Fprintf(&b, "%q", text[block.postrotate.start:block.postrotate.end])
		}
		b.WriteString("\n")
	}
	return fmt.Sprintf("%s%v", &b, found.globals)
}

func TestParseBlocks(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"nothing":           {"", "[]"},
		"globals only":      {"# x {\ndaily\nrotate 2\ninclude /x\n", "[daily rotate include]"},
		"one":               {"/a {\n\tdaily\n}", "</a>[daily]\n[]"},
		"on one line":       {"/a {}\n/b { missingok compress }\n~/c{}", "</a>[]\n</b>[missingok compress]\n<~/c>[]\n[]"},
		"arguments":         {"/a { rotate 2\n}\ncreate 0640 /b {\n/c {\n}", "</a>[rotate]\n</c>[]\n[create]"},
		"with =":            {"/a {\nrotate=2\nsize = 5k\n}", "</a>[rotate size]\n[]"},
		"several paths":     {"/a /b\n# /c {\n/d # e\n{\n}", "</a></b></d>[]\n[]"},
		"quotes":            {`"/a b" '/c"d' /e\ f /g"h i"j {` + "\n}", "</a b></c\"d></e f></gh ij>[]\n[]"},
		"a brace in quotes": {`"/a{b}" {` + "\n}", "</a{b}>[]\n[]"},
		"scripts":           {"/a {\npostrotate\n  x }\n endscript\nsize 1\n}\n/b {\n prerotate\n}\nendscript\n}", "</a>[postrotate size]\"  x }\\n\"\n</b>[prerotate]\n[]"},
		"two postrotates":   {"/a {\npostrotate\none\nendscript\npostrotate x\ntwo\nendscript\n}", "</a>[postrotate postrotate]\"two\\n\"\n[]"},
		"a global script":   {"postrotate\n/a {\nendscript\n/b {\n}", "</b>[]\n[postrotate]"},
		"comments":          {"/a { # why\n# postrotate\n}", "</a>[]\n[]"},
		"not closed":        {"/a {\ndaily\n", "[]"},
		"never opened":      {"/a\n/b\n", "[]"},
		"closed twice":      {"/a {\n}\n}\n/b {\n}", "</a>[]\n</b>[]\n[]"},
		"no endscript":      {"/a {\npostrotate\nx\n}", "[]"},
		"not a path":        {"a/b {\n}\n/c {\n}", "</c>[]\n[a/b]"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := describe(test.text); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func FuzzParseBlocks(f *testing.F) {
	for _, seed := range []string{"/a \"b c\" {\n postrotate\n x\n endscript\n}\n", "'{\\", "/a{}#\n}", "include /x\n/a /b\n{ compress }"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		last := 0
		for _, b := range parseBlocks(text).blocks {
			if b.start < last || b.end > len(text) || b.end <= b.start || text[b.end-1] != '}' {
				t.Fatalf("block %+v of %q", b, text)
			}
			if b.postrotate.end > b.end || b.postrotate.start > b.postrotate.end {
				t.Fatalf("script %+v of %q", b, text)
			}
			at := b.start
			for _, p := range b.paths {
				if p.start < at || p.end <= p.start || p.end > b.end {
					t.Fatalf("path %+v of %q", p, text)
				}
				at = p.end
			}
			last = b.end
		}
	})
}
