package benchreport

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// plot is a figure with a bar for each tool in each of its rows.
type plot struct {
	name, title string
	rows        []Row
}

// plots are the rows by their groups, in the order in which they were measured.
func (r Report) plots() (all []*plot) {
	byName := map[string]*plot{}
	for _, row := range r.Rows {
		p := byName[row.Group]
		if p == nil {
			p = &plot{name: fileName(row.Group), title: row.Group}
			byName[row.Group] = p
			all = append(all, p)
		}
		p.rows = append(p.rows, row)
	}
	return all
}

func fileName(title string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r == ' ':
			return '-'
		}
		return -1
	}, strings.ToLower(title))
}

const (
	width    = 760
	labels   = 170 // of the tools, left of the bars
	values   = 90  // right of them
	barStep  = 20
	rowSpace = 34
)

// style follows the reader's colours: GitHub shows pages dark or light.
const style = `<style>
text { font: 13px sans-serif; fill: #24292f }
.title { font-weight: bold }
.bar { fill: #8c959f }
.ours { fill: #0969da }
.spread { stroke: #24292f; stroke-width: 1.5 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 }
.bar { fill: #6e7681 }
.ours { fill: #58a6ff }
.spread { stroke: #e6edf3 }
}
</style>
`

// svg draws bars on a logarithmic scale, because the tools lie powers of ten apart. The
// thin line is what lies between the quartiles.
func (p plot) svg() string {
	var b strings.Builder
	y := 8
	for _, row := range p.rows {
		y += 16
		fmt.Fprintf(&b, "<text class=\"title\" x=\"0\" y=\"%d\">%s (%s, logarithmic)</text>\n", y, html.EscapeString(row.Title), row.Unit)
		scale := scaleOf(row)
		for _, result := range row.Results {
			y += barStep
			class := "bar"
			if result.Who == Ours {
				class = "bar ours"
			}
			fmt.Fprintf(&b, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n", labels-8, y, html.EscapeString(result.Who))
			fmt.Fprintf(&b, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"13\"/>\n", class, labels, y-11, scale(result.Median))
			fmt.Fprintf(&b, "<path class=\"spread\" d=\"M%.1f %d H%.1f\"/>\n", labels+scale(result.Low), y-4, labels+scale(result.High))
			fmt.Fprintf(&b, "<text x=\"%.1f\" y=\"%d\">%s</text>\n", labels+max(scale(result.Median), scale(result.High))+6, y, plain(result.Median))
		}
		y += rowSpace - barStep
	}
	return fmt.Sprintf("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\">\n<title>%s</title>\n%s%s</svg>\n",
		width, y+8, html.EscapeString(p.title), style, b.String())
}

// scaleOf returns how long the bar of a value is: from a third of the smallest to the largest.
func scaleOf(row Row) func(float64) float64 {
	least, most := math.Inf(1), math.Inf(-1)
	for _, r := range row.Results {
		if r.Median > 0 {
			least = min(least, r.Median)
		}
		most = max(most, r.Median, r.High)
	}
	least /= 3
	return func(v float64) float64 {
		if v <= least || most <= least {
			return 0
		}
		return (width - labels - values) * math.Log(v/least) / math.Log(most/least)
	}
}
