package schedule

import (
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Across a change of the clocks (summer time, or a zone that moves) an entry
// does one of two things:
//
//   - One with a fixed minute and a fixed hour is about a time of day, which
//     must neither be left out nor come twice. A time that the change skips
//     runs right after it, once; of a time that it repeats, the first one runs.
//   - One that leaves minute or hour open (`*`, a step over `*`, every value) is
//     about a rhythm. It runs whenever the clock shows a time that matches.

// isOpen reports whether a field leaves its value open.
func isOpen(text string, values, all uint64) bool {
	return strings.Contains(text, "*") || values&all == all
}

const allMinutes, allHours = 1<<60 - 1, 1<<24 - 1

// horizon is how far Next looks ahead, in years. Without it, a schedule that only
// ever falls into the gap of a change would be looked for forever. 29 February
// can be 8 years away.
const horizon = 12

// Next returns the first time after t at which the schedule is due, in the
// schedule's time zone or, without one, in t's. It is the zero time when the schedule
// is never due, as for @reboot. The result has no monotonic reading: schedules are
// about what the clock on the wall shows.
func (s Schedule) Next(t time.Time) time.Time {
	zone := s.zone
	if zone == nil {
		zone = t.Location()
	}
	t = t.Round(0).In(zone)
	switch {
	case s.reboot:
		return time.Time{}
	case s.every > 0:
		return cron.Every(s.every).Next(t)
	}
	// In a stretch between two changes the clock on the wall is real time and an
	// offset, so that each is searched as if there were no changes.
	after := t.Add(1)
	for end := t.AddDate(horizon, 0, 0); after.Before(end); {
		stretch := stretchOf(after)
		if due, ok := s.nextIn(stretch, after); ok {
			return due
		}
		if stretch.end.IsZero() {
			break
		}
		after = stretch.end
	}
	return time.Time{}
}

// stretch is a time during which a zone's offset stays the same.
type stretch struct {
	start, end     time.Time     // zero when it has no start or no end
	offset, before time.Duration // of the clock, in it and before its start
}

func stretchOf(t time.Time) stretch {
	start, end := t.ZoneBounds()
	s := stretch{start: start, end: end, offset: offset(t)}
	s.before = s.offset
	if !start.IsZero() {
		s.before = offset(start.Add(-1))
	}
	return s
}

func offset(t time.Time) time.Duration {
	_, seconds := t.Zone()
	return time.Duration(seconds) * time.Second
}

// wall is what a clock with that offset shows at t, as a time in UTC.
func wall(t time.Time, offset time.Duration) time.Time { return t.UTC().Add(offset) }

// nextIn looks for the first time in a stretch at which the schedule is due, from a
// given time on.
func (s Schedule) nextIn(st stretch, from time.Time) (time.Time, bool) {
	clock := wall(from, st.offset)
	if s.fixed && !st.start.IsZero() {
		shown, expected := wall(st.start, st.offset), wall(st.start, st.before)
		if skipped, ok := s.match(expected); from.Equal(st.start) && ok && skipped.Before(shown) {
			return st.start, true
		}
		if clock.Before(expected) {
			clock = expected // it was this time once before already
		}
	}
	match, ok := s.match(clock)
	due := match.Add(-st.offset).In(from.Location())
	return due, ok && (st.end.IsZero() || due.Before(st.end))
}

// match returns the first minute from t on that matches the five fields. It takes t for
// the time of a clock that is never changed.
func (s Schedule) match(t time.Time) (time.Time, bool) {
	if whole := t.Truncate(time.Minute); whole.Before(t) {
		t = whole.Add(time.Minute)
	}
	for end := t.AddDate(horizon, 0, 0); t.Before(end); {
		year, month, day := t.Date()
		switch {
		case s.month&(1<<month) == 0:
			t = time.Date(year, month+1, 1, 0, 0, 0, 0, time.UTC)
		case !s.matchDay(t):
			t = time.Date(year, month, day+1, 0, 0, 0, 0, time.UTC)
		case s.hour&(1<<t.Hour()) == 0:
			t = t.Truncate(time.Hour).Add(time.Hour)
		case s.minute&(1<<t.Minute()) == 0:
			t = t.Add(time.Minute)
		default:
			return t, true
		}
	}
	return time.Time{}, false
}

// matchDay wants both day fields to match when one of them is open, and either
// when both are restricted, as crontab(5) says.
func (s Schedule) matchDay(t time.Time) bool {
	// When a week later is in the next month, t is on the last Friday, Monday and so on,
	// of its month.
	lastWeek := t.AddDate(0, 0, 7).Day() <= 7
	dom := s.dom&(1<<t.Day()) != 0 || s.lastDay && t.AddDate(0, 0, 1).Day() == 1
	dow := s.dow&(1<<t.Weekday()) != 0 || lastWeek && s.lastDow&(1<<t.Weekday()) != 0
	if s.anyDay {
		return dom && dow
	}
	return dom || dow
}
