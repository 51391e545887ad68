package main

import (
	"fmt"
	"html"
	"strings"
	"unicode/utf8"
)

// A terminal's characters, in pixels; DejaVu and its like are 0.602 em wide.
const (
	charWidth  = 8
	lineHeight = 19
	columns    = 120
)

const terminalStyle = `<style>
.page { fill: #0d1117; stroke: #47525e } .dot { fill: #47525e } .bar { fill: #aab6c2; font: 12px system-ui, sans-serif }
pre, .t { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace; white-space: pre; fill: #e6edf3 }
.prompt { fill: #7ee787 } .bad { fill: #ff9b8e } .warn { fill: #f2cc60 }
</style>
`

// drawTerminal draws the lines of a terminal. The first one is the title of its
// window; lines that begin with "$ " were typed. What is wider is cut.
func drawTerminal(lines []string) (string, error) {
	if len(lines) < 2 {
		return "", fmt.Errorf("a terminal has a title and lines")
	}
	title, lines := lines[0], lines[1:]
	const top, side = 52, 20
	width := columns*charWidth + 2*side
	height := top + lineHeight*len(lines) + 8
	var out strings.Builder
	fmt.Fprintf(&out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\" aria-label=\"%s\">\n",
		width, height, width, height, html.EscapeString(title))
	out.WriteString(terminalStyle)
	fmt.Fprintf(&out, "<rect class=\"page\" x=\"0.5\" y=\"0.5\" width=\"%d\" height=\"%d\" rx=\"8\"/>\n", width-1, height-1)
	for i := range 3 {
		fmt.Fprintf(&out, "<circle class=\"dot\" cx=\"%d\" cy=\"18\" r=\"5\"/>\n", side+4+18*i)
	}
	fmt.Fprintf(&out, "<text class=\"bar\" x=\"%d\" y=\"22\" text-anchor=\"middle\">%s</text>\n", width/2, html.EscapeString(title))
	for i, line := range lines {
		fmt.Fprintf(&out, "<text class=\"t%s\" x=\"%d\" y=\"%d\" xml:space=\"preserve\">%s</text>\n", classOf(line), side, top+lineHeight*i, html.EscapeString(cut(line)))
	}
	out.WriteString("</svg>\n")
	return out.String(), nil
}

func classOf(line string) string {
	switch {
	case strings.HasPrefix(line, "$ "):
		return " prompt"
	case strings.HasPrefix(line, "error:"):
		return " bad"
	case strings.HasPrefix(line, "warning:"), strings.HasPrefix(line, "open:"):
		return " warn"
	}
	return ""
}

func cut(line string) string {
	line = strings.TrimRight(strings.ReplaceAll(line, "\t", " "), " ")
	if utf8.RuneCountInString(line) <= columns {
		return line
	}
	return string([]rune(line)[:columns-1]) + "…"
}
