package main

import (
	"fmt"
	"html"
	"strings"
)

// The measures of a flow, in pixels. No font is measured: wide is a safe width of
// a character, for its size.
const (
	flowWidth  = 900
	margin     = 24
	groupWidth = 150 // where the label of a group stands
	nameWidth  = 210 // where the name of a box stands
	boxHeight  = 34
	gap        = 8
	wide       = 0.56
)

const flowStyle = `<style>
svg { font-family: system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; font-size: 13px }
.page { fill: #ffffff } .frame { fill: #f3f6fa; stroke: #8c99a8 } .box { fill: #ffffff; stroke: #b6c2cf }
.node { fill: #1f4e79 } .on { fill: #ffffff; font-weight: 600 } text { fill: #1b2733 } .soft { fill: #4c5b6a }
.name { font-weight: 600 } .title { font-size: 18px; font-weight: 600 } .line { stroke: #4c5b6a; stroke-width: 1.5; fill: none } .tip { fill: #4c5b6a }
@media (prefers-color-scheme: dark) {
.page { fill: #0d1117 } .frame { fill: #161b22; stroke: #6e7b8a } .box { fill: #21262d; stroke: #47525e }
.node { fill: #2f6fab } text { fill: #e6edf3 } .soft { fill: #aab6c2 } .line { stroke: #aab6c2 } .tip { fill: #aab6c2 } }
</style>
`

// flow draws line by line, downwards.
type flow struct {
	out   strings.Builder
	title string
	y     int

	// Of the frame that is open: where it begins, what is drawn in it, the boxes of
	// the row that is gathered, and where the open group begins.
	frame   string
	top     int
	inside  *strings.Builder
	columns bool
	row     [][2]string
}

// drawFlow draws a description, one thing a line:
//
//	title TEXT
//	node TEXT             a place where the flow begins or ends
//	arrow [TEXT]          downwards
//	frame NAME | DETAIL   a frame around all up to end
//	group TEXT            the label of the boxes below it, one under the other
//	columns               boxes stand side by side
//	box NAME | DETAIL
//	note TEXT
//	end
func drawFlow(lines []string) (string, error) {
	f := &flow{y: margin}
	for i, line := range lines {
		word, rest, _ := strings.Cut(line, " ")
		if err := f.add(word, rest); err != nil {
			return "", fmt.Errorf("%q (line %d of the flow): %w", line, i+1, err)
		}
	}
	if f.inside != nil {
		return "", fmt.Errorf("the frame %q has no end", f.frame)
	}
	height := f.y + margin
	return fmt.Sprintf("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\" aria-label=\"%s\">\n",
		flowWidth, height, flowWidth, height, html.EscapeString(f.title)) +
		flowStyle + fmt.Sprintf("<rect class=\"page\" width=\"%d\" height=\"%d\" rx=\"8\"/>\n", flowWidth, height) + f.out.String() + "</svg>\n", nil
}

func (f *flow) add(word, rest string) error {
	inside := f.inside != nil
	switch {
	case word == "title" && !inside:
		f.title = rest
		f.text(&f.out, margin, f.y+16, "title", rest)
		f.y += 34
	case word == "node" && !inside:
		fmt.Fprintf(&f.out, "<rect class=\"node\" x=\"%d\" y=\"%d\" width=\"200\" height=\"32\" rx=\"16\"/>\n", margin, f.y)
		fmt.Fprintf(&f.out, "<text class=\"on\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>\n", margin+100, f.y+21, html.EscapeString(rest))
		f.y += 32
	case word == "arrow" && !inside:
		f.arrow(rest)
	case word == "frame" && !inside:
		f.frame, f.top, f.inside, f.columns = rest, f.y, &strings.Builder{}, false
		f.y += 44
	case word == "group" && inside:
		f.columns = false
		f.text(f.inside, margin+16, f.y+22, "soft", rest)
	case word == "columns" && inside:
		f.columns = true
	case word == "box" && inside:
		return f.box(rest)
	case word == "note" && inside:
		if err := f.flushRow(); err != nil {
			return err
		}
		f.text(f.inside, margin+16, f.y+18, "soft", rest)
		f.y += 28
		return fits(rest, flowWidth-2*margin-32)
	case word == "end" && inside:
		return f.end()
	default:
		return fmt.Errorf("%q does not stand here", word)
	}
	return nil
}

func (f *flow) text(to *strings.Builder, x, y int, class, text string) {
	fmt.Fprintf(to, "<text class=\"%s\" x=\"%d\" y=\"%d\">%s</text>\n", class, x, y, html.EscapeString(text))
}

func (f *flow) arrow(label string) {
	x := margin + 100
	fmt.Fprintf(&f.out, "<path class=\"line\" d=\"M%d %dV%d\"/><path class=\"tip\" d=\"M%d %dl-5 -9h10z\"/>\n", x, f.y, f.y+24, x, f.y+32)
	if label != "" {
		f.text(&f.out, x+16, f.y+20, "soft", label)
	}
	f.y += 32
}

func (f *flow) box(rest string) error {
	name, detail, _ := strings.Cut(rest, " | ")
	if f.columns {
		f.row = append(f.row, [2]string{name, detail})
		return nil
	}
	x, width := margin+groupWidth+24, flowWidth-2*margin-groupWidth-40
	fmt.Fprintf(f.inside, "<rect class=\"box\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"5\"/>\n", x, f.y, width, boxHeight)
	f.text(f.inside, x+14, f.y+22, "name", name)
	f.text(f.inside, x+nameWidth, f.y+22, "soft", detail)
	f.y += boxHeight + gap
	if err := fits(name, nameWidth-20); err != nil {
		return err
	}
	return fits(detail, width-nameWidth-10)
}

// flushRow draws the boxes that stand side by side, each as high as the highest.
func (f *flow) flushRow() error {
	if len(f.row) == 0 {
		return nil
	}
	all := flowWidth - 2*margin - 32
	width := (all - gap*(len(f.row)-1)) / len(f.row)
	texts, height := make([][]string, len(f.row)), 0
	for i, box := range f.row {
		texts[i] = wrap(box[1], int(float64(width-24)/(wide*13)))
		height = max(height, 34+18*len(texts[i]))
		if err := fits(box[0], width-24); err != nil {
			return err
		}
	}
	for i, box := range f.row {
		x := margin + 16 + i*(width+gap)
		fmt.Fprintf(f.inside, "<rect class=\"box\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"5\"/>\n", x, f.y, width, height)
		f.text(f.inside, x+12, f.y+22, "name", box[0])
		for j, line := range texts[i] {
			f.text(f.inside, x+12, f.y+42+18*j, "soft", line)
		}
	}
	f.y += height + gap
	f.row = nil
	return nil
}

func (f *flow) end() error {
	if err := f.flushRow(); err != nil {
		return err
	}
	f.y += gap
	fmt.Fprintf(&f.out, "<rect class=\"frame\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"8\"/>\n", margin, f.top, flowWidth-2*margin, f.y-f.top)
	name, detail, _ := strings.Cut(f.frame, " | ")
	fmt.Fprintf(&f.out, "<text x=\"%d\" y=\"%d\"><tspan class=\"name\">%s</tspan><tspan class=\"soft\" dx=\"10\">%s</tspan></text>\n",
		margin+16, f.top+27, html.EscapeString(name), html.EscapeString(detail))
	f.out.WriteString(f.inside.String())
	f.inside = nil
	return nil
}

// fits is an error for a text that may be wider than its place.
func fits(text string, width int) error {
	if needs := int(float64(len(text)) * wide * 13); needs > width {
		return fmt.Errorf("%q may need %d pixels, and there are %d: say it with fewer words", text, needs, width)
	}
	return nil
}

// wrap breaks a text into lines of so many characters.
func wrap(text string, width int) (lines []string) {
	var line string
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return append(lines, line)
}
