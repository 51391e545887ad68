package docs

import (
	"regexp"
	"strings"
	"testing"
)

// What an expected output may say in another way, each with the pattern that it stands
// for. They are tried from left to right at every place of a line.
var wildcards = []struct{ text, pattern string }{
	{`\d{4}-\d\d-\d\d[ _T]\d\d:\d\d:\d\d(?:,\d{3})?(?: (?:UTC|CET|CEST)\b)?`, `\d{4}-\d\d-\d\d[ _T]\d\d:\d\d:\d\d(?:,\d{3})?(?: (?:UTC|CET|CEST))?`},
	{`(?:pid|process) \d+`, `(?:pid|process) \d+`},
	{`RUNNING +\d+`, `RUNNING +\d+`},
	{`\b[\d.]+ ?(?:ms|s|m|h)(?:\d+[smh])*\b`, `[\d.]+ ?(?:ms|s|m|h|µs)(?:\d+[smh])*`},
	{`\.\.\.`, `.*`},
	{`[ \t]+`, `[ \t]+`},
}

// pattern turns an expected output into what has to be found in the real one.
func pattern(expected string) *regexp.Regexp {
	var alternatives []string
	for _, w := range wildcards {
		alternatives = append(alternatives, "("+w.text+")")
	}
	any := regexp.MustCompile(strings.Join(alternatives, "|"))
	var lines []string
	for _, line := range strings.Split(strings.Trim(expected, "\n"), "\n") {
		line = strings.TrimRight(line, " ")
		if line == "..." {
			lines = append(lines, `(?:.*\n)*?`)
			continue
		}
		var out strings.Builder
		at := 0
		for _, m := range any.FindAllStringSubmatchIndex(line, -1) {
			out.WriteString(regexp.QuoteMeta(line[at:m[0]]))
			for i, w := range wildcards {
				if m[2+2*i] >= 0 {
					out.WriteString(w.pattern)
				}
			}
			at = m[1]
		}
		lines = append(lines, out.String()+regexp.QuoteMeta(line[at:])+`[ \t]*\n`)
	}
	return regexp.MustCompile(`(?m)^` + strings.Join(lines, ""))
}

func TestPattern(t *testing.T) {
	expected := "hello     RUNNING  26   3s      0\n...\n2026-01-02 03:04:05 INFO 4 programs are running, 0.62 s after the start\n"
	for output, want := range map[string]bool{
		"hello  RUNNING  1234  12m3s   0   \nother\nlines\n2025-02-03 11:22:33\tINFO 4 programs are running, 1.2 s after the start\n":      true,
		"hello  RUNNING  1234  12m3s   0   \n2025-02-03 11:22:33,123 INFO 4 programs are running, 1.2 s after the start\n":                 true,
		"hello  STOPPED  1234  12m3s   0   \n2025-02-03 11:22:33\tINFO 4 programs are running, 1.2 s after the start\n":                    false,
		"hello  RUNNING  1234  12m3s   1   \n2025-02-03 11:22:33\tINFO 4 programs are running, 1.2 s after the start\n":                    false,
		"hello  RUNNING  1234  12m3s   0   \nother\nlines\n2025-02-03 11:22:33\tINFO 5 programs are running, 1.2 s after the start\n":      false,
		"xhello  RUNNING  1234  12m3s   0   \nother\nlines\n2025-02-03 11:22:33\tINFO 4 programs are running, 1.2 s after the start too\n": false,
	} {
		if got := pattern(expected).MatchString(output); got != want {
			t.Errorf("%q: %v, want %v", output, got, want)
		}
	}
}
