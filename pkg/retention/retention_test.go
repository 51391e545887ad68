package retention

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing")

// items are backups of 400 nights, with some missing and some extra ones.
func items() []Item {
	var all []Item
	add := func(t time.Time) { all = append(all, Item{t.Format("2006-01-02_15:04:05"), t}) }
	night := time.Date(2025, 12, 31, 1, 2, 0, 0, time.UTC)
	for i := range 400 {
		if i%11 != 5 {
			add(night.AddDate(0, 0, -i))
		}
		if i%30 == 0 {
			add(night.AddDate(0, 0, -i).Add(14 * time.Hour))
			add(night.AddDate(0, 0, -i).Add(14*time.Hour + 20*time.Minute))
		}
	}
	return all
}

// TestDecide compares what policies say of themselves and keep with golden
// files.
func TestDecide(t *testing.T) {
	for file, text := range map[string]string{
		"newest":  "3",
		"mixed":   "3 daily:7 weekly:4 monthly:6",
		"hourly":  "hourly:5 yearly:2",
		"daily":   "daily:10",
		"all":     "0",
		"surplus": "1 yearly:99",
	} {
		t.Run(file, func(t *testing.T) {
			p, err := Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			fmt.Fprintf(&b, "%s: %s\n", text, p)
			kept := 0
			decisions := p.Decide(items())
			for _, d := range decisions {
				if d.Keep() && !p.All() {
					fmt.Fprintln(&b, d)
				}
				if d.Keep() {
					kept++
				}
			}
			fmt.Fprintf(&b, "%d of %d kept\n", kept, len(decisions))
			golden(t, filepath.Join("testdata", file+".golden"), b.String())
		})
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// TestDecideIgnoresTheOrder says that decisions come newest first however the
// items come, and that the same are kept.
func TestDecideIgnoresTheOrder(t *testing.T) {
	p, err := Parse("2 weekly:3")
	if err != nil {
		t.Fatal(err)
	}
	all := items()
	want := p.Decide(all)
	slices.Reverse(all)
	got := p.Decide(all)
	for i := range want {
		if got[i].String() != want[i].String() {
			t.Fatalf("decision %d: %s, want %s", i, got[i], want[i])
		}
	}
	if !slices.IsSortedFunc(got, func(a, b Decision) int { return b.Time.Compare(a.Time) }) {
		t.Error("the decisions are not newest first")
	}
}

func TestParseErrors(t *testing.T) {
	const part = ": expected hourly, daily, weekly, monthly or yearly, : and a number, such as daily:7"
	for text, want := range map[string]string{
		"":                 "expected a whole number from 0 up, or periods such as daily:7 weekly:4",
		"-1":               "expected a whole number from 0 up, or periods such as daily:7 weekly:4",
		"99999999999":      "expected a whole number from 0 up, or periods such as daily:7 weekly:4",
		"3 4":              "part 2" + part,
		"daily:7 3":        "part 2" + part,
		"3 daily:":         "part 2" + part,
		"3 nightly:7":      "part 2" + part,
		"3 weekly:7 daily": "part 3" + part,
		":":                "part 1" + part,
		"3 daily:0":        "part 2 keeps nothing: leave it out",
		"daily:1 daily:2":  "part 2: daily is given twice",
		"0 daily:7":        "0 keeps all: nothing may stand behind it",
	} {
		if p, err := Parse(text); err == nil || err.Error() != want {
			t.Errorf("%q: %v, %v, want %q", text, p, err, want)
		}
	}
}

func TestZeroValueKeepsAll(t *testing.T) {
	for _, d := range (Policy{}).Decide(items()) {
		if !d.Keep() {
			t.Fatal(d)
		}
	}
	if p, err := Parse("010"); err != nil || p.Newest != 10 {
		t.Errorf("010: %v, %v", p, err)
	}
}
