// Package benchreport is what a run of the benchmarks beside other tools has found: kept
// as JSON, and rendered as a page with plots. The page is never edited, so that no figure
// in it is anybody's wish; a test compares it with what the JSON renders to.
package benchreport

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// Ours is the name of this project's column.
const Ours = "container-manager"

// Report is one run, on one machine.
type Report struct {
	Date     string // 2006-01-02
	Machine  []Fact
	Versions []Fact
	Rows     []Row
}

// Fact is a line about the machine or a program's version.
type Fact struct{ Name, Value string }

// Row is one thing that was measured, for everything that does it. Less is better.
type Row struct {
	Name    string // of its plot's file; rows of one Group make one plot
	Title   string
	Unit    string
	Group   string
	Results []Result
}

// Result is what one tool took: the median, and the quartiles around it.
type Result struct {
	Who               string
	Low, Median, High float64
	Runs              int
}

// Of sums up the values of several runs.
func Of(who string, values []float64) Result {
	sorted := slices.Sorted(slices.Values(values))
	at := func(part float64) float64 { return sorted[int(part*float64(len(sorted)-1)+0.5)] }
	return Result{Who: who, Low: at(0.25), Median: at(0.5), High: at(0.75), Runs: len(sorted)}
}

// Ours returns the project's own result.
func (r Row) Ours() (Result, bool) { return r.Of(Ours) }

// Of returns the result of one tool.
func (r Row) Of(who string) (Result, bool) {
	i := slices.IndexFunc(r.Results, func(x Result) bool { return x.Who == who })
	if i < 0 {
		return Result{}, false
	}
	return r.Results[i], true
}

// With returns the report with rows in the place of those of the same names.
func (r Report) With(rows []Row) Report {
	r.Rows = slices.Clone(r.Rows)
	for _, row := range rows {
		i := slices.IndexFunc(r.Rows, func(old Row) bool { return old.Name == row.Name })
		if i < 0 {
			r.Rows = append(r.Rows, row)
		} else {
			r.Rows[i] = row
		}
	}
	return r
}

// The places of everything in the repository.
const (
	dataFile = "doc/benchmarks.json"
	page     = "doc/benchmarks.md"
	plots    = "doc/benchmarks"
)

// Load reads the report that the repository holds.
func Load(repository string) (r Report, err error) {
	data, err := os.ReadFile(filepath.Join(repository, dataFile))
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return r, fmt.Errorf("%s: %w", dataFile, err)
	}
	return r, nil
}

// order is that of the columns; tools that it does not name come behind.
var order = []string{Ours, "supervisord", "supervisord, woken", "s6", "runit", "pebble", "tini", "dumb-init"}

// sorted returns the report with the tools of each row in their order.
func (r Report) sorted() Report {
	rank := func(x Result) int {
		if i := slices.Index(order, x.Who); i >= 0 {
			return i
		}
		return len(order)
	}
	r.Rows = slices.Clone(r.Rows)
	for i := range r.Rows {
		r.Rows[i].Results = slices.Clone(r.Rows[i].Results)
		slices.SortStableFunc(r.Rows[i].Results, func(a, b Result) int { return rank(a) - rank(b) })
	}
	return r
}

// Files renders the report: contents by path in the repository.
func (r Report) Files() map[string]string {
	r = r.sorted()
	files := map[string]string{page: r.markdown()}
	for _, p := range r.plots() {
		files[filepath.Join(plots, p.name+".svg")] = p.svg()
	}
	return files
}

// Write writes the report and what it renders to.
func (r Report) Write(repository string) error {
	data, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	files := r.Files()
	files[dataFile] = string(data) + "\n"
	errs := []error{os.MkdirAll(filepath.Join(repository, plots), 0o755)}
	for path, content := range files {
		errs = append(errs, os.WriteFile(filepath.Join(repository, path), []byte(content), 0o644))
	}
	return errors.Join(errs...)
}
