package retention

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// FuzzPolicy decides on backups of any times. A policy that can be read keeps its
// newest ones, loses none, does not depend on their order, and keeps with what it
// kept before: what it keeps is not deleted by the next run.
func FuzzPolicy(f *testing.F) {
	f.Add("3 daily:7 weekly:4", []byte{0, 1, 2, 200, 200, 9})
	f.Add("hourly:1 yearly:2147483647", []byte{255, 254, 1})
	f.Add("0", []byte{1})
	f.Fuzz(func(t *testing.T, text string, hours []byte) {
		p, err := Parse(text)
		if err != nil || len(hours) > 1000 {
			return
		}
		if p.String() == "" || strings.Contains(p.String(), "%!") {
			t.Errorf("%q prints itself as %q", text, p)
		}
		var items []Item
		at := time.Date(2024, 2, 28, 22, 0, 0, 0, time.UTC)
		for i, h := range hours {
			at = at.Add(time.Duration(h) * time.Hour)
			items = append(items, Item{Name: string(rune('a' + i)), Time: at})
		}
		decided := p.Decide(items)
		if len(decided) != len(items) {
			t.Fatalf("%d decisions on %d", len(decided), len(items))
		}
		slices.Reverse(items)
		again := p.Decide(items)
		var kept []Item
		for i, d := range decided {
			if d.String() != again[i].String() {
				t.Errorf("%s, and in another order %s", d, again[i])
			}
			if !d.Keep() && (p.All() || i < p.Newest || i == 0) {
				t.Errorf("%q: number %d goes", text, i+1)
			}
			if d.Keep() {
				kept = append(kept, d.Item)
			}
		}
		for _, d := range p.Decide(kept) {
			if !d.Keep() {
				t.Errorf("%q keeps %s, and then not", text, d.Name)
			}
		}
	})
}
