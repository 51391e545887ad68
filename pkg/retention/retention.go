// Package retention decides which backups are kept. It is a pure policy: it knows names
// and times, and reads and deletes nothing.
package retention

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Policy says which backups are kept: the newest ones, and the newest one of
// each of the last days, weeks and so on that have any. Its text form is
// `3 daily:7 weekly:4`; a lone 0 keeps all, and so does the zero value.
type Policy struct {
	Newest  int
	Periods []Period
}

// Period keeps the newest backup of each of the last Count units of time that
// have one.
type Period struct {
	Unit  string // hourly, daily, weekly, monthly or yearly
	Count int
}

// unit is a span of the calendar, shortest first. Times in the same one have
// the same key.
type unit struct {
	name, noun string
	key        func(time.Time) string
}

var units = []unit{
	{"hourly", "hour", func(t time.Time) string { return t.Format("2006-01-02 15") }},
	{"daily", "day", func(t time.Time) string { return t.Format(time.DateOnly) }},
	{"weekly", "week", func(t time.Time) string {
		year, week := t.ISOWeek()
		return fmt.Sprintf("%04d-W%02d", year, week)
	}},
	{"monthly", "month", func(t time.Time) string { return t.Format("2006-01") }},
	{"yearly", "year", func(t time.Time) string { return t.Format("2006") }},
}

func unitIndex(name string) int {
	return slices.IndexFunc(units, func(u unit) bool { return u.name == name })
}

// Parse reads the text form of a policy. Its errors do not repeat the text, which
// may have come from a file of secrets.
func Parse(text string) (Policy, error) {
	var p Policy
	fields := strings.Fields(text)
	if len(fields) == 0 {
		return p, errNewest
	}
	for i, field := range fields {
		name, count, isPeriod := strings.Cut(field, ":")
		if i == 0 && !isPeriod {
			n, err := strconv.ParseUint(field, 10, 31)
			if err != nil {
				return Policy{}, errNewest
			}
			p.Newest = int(n)
			continue
		}
		n, err := strconv.ParseUint(count, 10, 31)
		switch {
		case err != nil || unitIndex(name) < 0:
			return Policy{}, fmt.Errorf("part %d: expected hourly, daily, weekly, monthly or yearly, : and a number, such as daily:7", i+1)
		case n == 0:
			return Policy{}, fmt.Errorf("part %d keeps nothing: leave it out", i+1)
		case slices.ContainsFunc(p.Periods, func(q Period) bool { return q.Unit == name }):
			return Policy{}, fmt.Errorf("part %d: %s is given twice", i+1, name)
		}
		p.Periods = append(p.Periods, Period{name, int(n)})
	}
	if len(p.Periods) > 0 && p.Newest == 0 && !strings.Contains(fields[0], ":") {
		return Policy{}, errors.New("0 keeps all: nothing may stand behind it")
	}
	slices.SortFunc(p.Periods, func(a, b Period) int { return cmp.Compare(unitIndex(a.Unit), unitIndex(b.Unit)) })
	return p, nil
}

var errNewest = errors.New("expected a whole number from 0 up, or periods such as daily:7 weekly:4")

// Decode makes a policy a field that envconfig can fill.
func (p *Policy) Decode(text string) (err error) {
	*p, err = Parse(text)
	return err
}

// All reports whether every backup is kept.
func (p Policy) All() bool { return p.Newest == 0 && len(p.Periods) == 0 }

// String says in words what is kept.
func (p Policy) String() string {
	if p.All() {
		return "keep all"
	}
	var parts []string
	if p.Newest > 0 {
		parts = append(parts, fmt.Sprintf("the newest %d", p.Newest))
	}
	for _, period := range p.Periods {
		noun := units[unitIndex(period.Unit)].noun
		if period.Count == 1 {
			parts = append(parts, "the newest of the last "+noun)
		} else {
			parts = append(parts, fmt.Sprintf("the newest of each of the last %d %ss", period.Count, noun))
		}
	}
	if last := len(parts) - 1; last > 0 {
		return "keep " + strings.Join(parts[:last], ", ") + " and " + parts[last]
	}
	return "keep " + parts[0]
}

// Item is a backup: a name, and the time that the name tells.
type Item struct {
	Name string
	Time time.Time
}

// Decision says whether a backup is kept. A backup without a reason to keep it is
// deleted.
type Decision struct {
	Item
	Reasons []string
}

// Keep reports whether the backup stays.
func (d Decision) Keep() bool { return len(d.Reasons) > 0 }

func (d Decision) String() string {
	if !d.Keep() {
		return d.Name + ": delete"
	}
	return d.Name + ": keep (" + strings.Join(d.Reasons, ", ") + ")"
}

// Decide decides on all items, newest first.
func (p Policy) Decide(items []Item) []Decision {
	decisions := make([]Decision, len(items))
	for i, item := range items {
		decisions[i].Item = item
	}
	slices.SortStableFunc(decisions, func(a, b Decision) int {
		return cmp.Or(b.Time.Compare(a.Time), cmp.Compare(b.Name, a.Name))
	})
	for i := range decisions {
		if p.All() {
			decisions[i].Reasons = []string{"all"}
		} else if i < p.Newest {
			decisions[i].Reasons = []string{fmt.Sprintf("newest %d", i+1)}
		}
	}
	for _, period := range p.Periods {
		period.mark(decisions)
	}
	return decisions
}

// mark gives the newest item of each unit a reason to stay, for as many units
// as are kept.
func (p Period) mark(decisions []Decision) {
	key := units[unitIndex(p.Unit)].key
	last, left := "", p.Count
	for i := range decisions {
		k := key(decisions[i].Time)
		if k == last {
			continue
		}
		if left == 0 {
			return
		}
		last, left = k, left-1
		decisions[i].Reasons = append(decisions[i].Reasons, p.Unit+" "+k)
	}
}
