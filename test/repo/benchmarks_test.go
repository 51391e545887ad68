package repo

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/ZPascal/container-manager/test/internal/benchreport"
	"github.com/ZPascal/container-manager/test/testenv"
)

// TestBenchmarks compares the page of the benchmarks and its plots with what the recorded
// figures render to: nobody edits them by hand.
func TestBenchmarks(t *testing.T) {
	repository, err := testenv.Repository()
	if err != nil {
		t.Fatal(err)
	}
	report, err := benchreport.Load(repository)
	if err != nil {
		t.Fatal(err)
	}
	files := report.Files()
	for path, want := range files {
		got, err := os.ReadFile(filepath.Join(repository, path))
		if err != nil {
			t.Error(err)
		} else if string(got) != want {
			t.Errorf("%s is not what doc/benchmarks.json renders to: go run ./test/bench render writes it", path)
		}
	}
	plots, err := filepath.Glob(filepath.Join(repository, "doc/benchmarks/*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, plot := range plots {
		name, err := filepath.Rel(repository, plot)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := files[name]; !ok {
			t.Errorf("%s is a plot of nothing that was measured", name)
		}
	}
}

// TestBenchmarksSayWhy wants a reason wherever another tool is ahead.
func TestBenchmarksSayWhy(t *testing.T) {
	repository, err := testenv.Repository()
	if err != nil {
		t.Fatal(err)
	}
	report, err := benchreport.Load(repository)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range report.Rows {
		ours, ok := row.Ours()
		if !ok {
			t.Errorf("%s: we are not in it", row.Name)
		}
		for _, r := range row.Results {
			if r.Median < ours.Median && benchreport.Why(row.Name) == "" {
				t.Errorf("%s: %s is ahead, and test/internal/benchreport/why.txt does not say why", row.Name, r.Who)
			}
		}
	}
}
