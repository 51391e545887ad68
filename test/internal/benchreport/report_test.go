package benchreport

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestOf(t *testing.T) {
	for _, test := range []struct {
		values []float64
		want   Result
	}{
		{[]float64{7}, Result{Who: "x", Low: 7, Median: 7, High: 7, Runs: 1}},
		{[]float64{5, 1, 4, 2, 3}, Result{Who: "x", Low: 2, Median: 3, High: 4, Runs: 5}},
	} {
		if got := Of("x", test.values); got != test.want {
			t.Errorf("%v: %+v, want %+v", test.values, got, test.want)
		}
	}
}

func report() Report {
	return Report{Date: "2026-01-02", Rows: []Row{
		{Name: "start-1", Title: "one <app>", Unit: "ms", Group: "From the entry", Results: []Result{
			Of("s6", []float64{2}), Of(Ours, []float64{4}), Of("zero", []float64{0}),
		}},
		{Name: "none", Title: "ours alone", Unit: "MB", Group: "Memory", Results: []Result{Of(Ours, []float64{1234})}},
	}}
}

func TestWith(t *testing.T) {
	rows := report().With([]Row{{Name: "none", Title: "anew"}, {Name: "more"}}).Rows
	if len(rows) != 3 || rows[0].Name != "start-1" || rows[1].Title != "anew" || rows[2].Name != "more" {
		t.Errorf("%+v", rows)
	}
}

func TestMarkdown(t *testing.T) {
	page := report().Files()["doc/benchmarks.md"]
	for _, want := range []string{
		"| | container-manager | s6 | zero |\n", // in the order of the columns, not of the runs
		"| one <app> | **4.00 ms** (4.00–4.00) | 2.00 ms (2.00–2.00) ×0.50 |",
		"| ours alone | **1234 MB** (1234–1234) |\n",
		"- **one <app>**: s6, zero. " + Why("start-1"),
		"](benchmarks/from-the-entry.svg)",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
	if strings.Contains(page, "**ours alone**:") {
		t.Error("nobody is ahead where we are alone")
	}
}

// Plots are XML, whatever stands in a title.
func TestPlots(t *testing.T) {
	files := report().Files()
	for _, name := range []string{"doc/benchmarks/from-the-entry.svg", "doc/benchmarks/memory.svg"} {
		d := xml.NewDecoder(strings.NewReader(files[name]))
		bars := 0
		for {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if e, ok := token.(xml.StartElement); ok && e.Name.Local == "rect" {
				bars++
			}
		}
		if bars == 0 {
			t.Errorf("%s has no bars", name)
		}
	}
}
