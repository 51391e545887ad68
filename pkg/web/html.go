package web

import (
	"html"
	"strings"
)

// document writes HTML. Tags are ours, and all else goes through text or attribute, which
// escape. So there is nothing to decide by context: no value ever stands in a script, a
// style or an address. html/template would decide it for us, but calls methods by their
// names, which keeps the linker from leaving any out: 3 MB, and 34 page faults of 415 for
// every start of every subcommand.
type document struct{ strings.Builder }

// raw writes what this package has spelled out.
func (d *document) raw(constant ...string) {
	for _, c := range constant {
		d.WriteString(c)
	}
}

// text writes a value.
func (d *document) text(value string) { d.WriteString(escape(value)) }

func escape(value string) string { return html.EscapeString(oneLine(value)) }

// cell writes a cell of a table. Narrow screens show the label before it.
func (d *document) cell(label, value string) {
	d.raw(`<td data-label="`, escape(label), `">`)
	d.text(value)
	d.raw("</td>")
}

// mark writes a cell with a word that is good, bad or neither.
func (d *document) mark(label, value, class string) {
	if value == "" { // narrow screens leave out empty cells
		d.cell(label, value)
		return
	}
	d.raw(`<td data-label="`, escape(label), `"><span class="`, escape(class), `">`)
	d.text(value)
	d.raw("</span></td>")
}

// table writes a table with a row for each thing, or that there is none.
func table[T any](d *document, title string, labels []string, things []T, row func(T)) {
	d.raw("<section><h2>")
	d.text(title)
	d.raw("</h2>")
	if len(things) == 0 {
		d.raw("<p>none</p></section>")
		return
	}
	d.raw("<table><thead><tr>")
	for _, label := range labels {
		d.raw(`<th scope="col">`)
		d.text(label)
		d.raw("</th>")
	}
	d.raw("</tr></thead><tbody>")
	for _, thing := range things {
		d.raw("<tr>")
		row(thing)
		d.raw("</tr>")
	}
	d.raw("</tbody></table></section>\n")
}

// Names and notes may be one long word, so they break anywhere, but not into columns of
// single letters. Other cells are as wide as their longest word.
const style = `:root{color-scheme:light dark}
body{font:16px/1.45 system-ui,sans-serif;margin:0 auto;padding:1rem;max-width:70rem;color:#111;background:#fff}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin:1.6rem 0 .4rem}strong{margin-right:.6rem}section{overflow-x:auto}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .8rem .3rem 0;vertical-align:top}
td:first-child,td[data-label=probe],td[data-label=note],td[data-label=archive]{min-width:7rem;overflow-wrap:anywhere}p,summary{overflow-wrap:anywhere}
tr{border-bottom:1px solid #8886}th{font-weight:600;opacity:.75}
.good{color:#18794e}.bad{color:#c62a2f;font-weight:600}pre{overflow:auto;font-size:.85rem}
@media(prefers-color-scheme:dark){body{background:#111;color:#eee}.good{color:#4cc38a}.bad{color:#ff6369}}
@media(max-width:48rem){thead{display:none}tr{display:block;padding:.5rem 0}td{display:block;padding:.1rem 0;overflow-wrap:anywhere}td:first-child{font-weight:600}td:empty{display:none}
td::before{content:attr(data-label) ": ";opacity:.75}}
`
