// Package schedule reads when something is due, in the language of crontabs, and
// computes the next time. It uses robfig/cron's parser. Checks of our own come first,
// and refuse schedules that would silently mean something else or never come. Next is
// our own, so that an entry with a fixed time runs once across a change of the clocks.
//
// A schedule is five fields (minute, hour, day of month, month, day of week) of
// numbers, names, ranges, steps and lists, with L for the last day of the month
// and L5 for its last Friday, or one of @yearly, @annually,
// @monthly, @weekly, @daily, @midnight, @hourly, @every DURATION and @reboot.
// TZ=ZONE or CRON_TZ=ZONE in front of it sets its time zone.
package schedule

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/robfig/cron/v3"
)

// Schedule is when something is due. It implements robfig/cron's Schedule. The
// values of a field are bits, so that thousands of schedules stay small.
type Schedule struct {
	minute    uint64
	hour, dom uint32
	month     uint16
	dow       uint8
	lastDay   bool  // L: the last day of the month
	lastDow   uint8 // L5: days of the week, the last of the month
	anyDay    bool  // one of the day fields restricts nothing
	fixed     bool  // see isOpen
	reboot    bool
	every     time.Duration  // for @every, instead of the fields
	zone      *time.Location // nil means the zone of the time that is given to Next
}

// Parse reads a schedule. Its errors are worded to follow the schedule and a colon: `"61
// * * * *": minute 61 is above 59`.
func Parse(spec string) (Schedule, error) {
	spec = strings.TrimSpace(spec)
	if strings.ContainsAny(spec, "\r\n") {
		return Schedule{}, errors.New("is more than one line")
	}
	zone, spec, err := cutZone(spec)
	if err != nil {
		return Schedule{}, err
	}
	s, err := parse(spec)
	if err != nil {
		return Schedule{}, err
	}
	s.zone = zone
	return s, nil
}

// cutZone takes the time zone off the front of a schedule. We do this ourselves
// because robfig/cron panics when nothing follows it.
func cutZone(spec string) (*time.Location, string, error) {
	name, rest, ok := strings.Cut(spec, "=")
	if !ok || name != "TZ" && name != "CRON_TZ" {
		return nil, spec, nil
	}
	zone, rest := cutWord(rest)
	loc, err := LoadZone(zone)
	return loc, rest, err
}

// LoadZone returns the time zone of that name. A colon may stand in front of it,
// as in the TZ of POSIX.
func LoadZone(name string) (*time.Location, error) {
	name = strings.TrimPrefix(name, ":")
	loc, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		return nil, fmt.Errorf("%s is no time zone: expected a name such as Europe/Berlin or UTC", quote(name))
	}
	return loc, nil
}

func parse(spec string) (Schedule, error) {
	if !strings.HasPrefix(spec, "@") {
		return parseFields(spec)
	}
	name, arg := cutWord(spec)
	if name == "@every" {
		return parseEvery(arg)
	}
	if arg != "" {
		return Schedule{}, fmt.Errorf("%s takes nothing behind it, not %s", quote(name), quote(arg))
	}
	switch name {
	case "@reboot":
		return Schedule{reboot: true}, nil
	case "@yearly", "@annually":
		return parseFields("0 0 1 1 *")
	case "@monthly":
		return parseFields("0 0 1 * *")
	case "@weekly":
		return parseFields("0 0 * * 0")
	case "@daily", "@midnight":
		return parseFields("0 0 * * *")
	case "@hourly":
		return parseFields("0 * * * *")
	}
	return Schedule{}, fmt.Errorf("%s is no schedule: expected five fields, @yearly, @monthly, @weekly, @daily, @hourly, @every DURATION or @reboot", quote(name))
}

func parseEvery(arg string) (Schedule, error) {
	d, err := time.ParseDuration(arg)
	switch {
	case err != nil:
		return Schedule{}, fmt.Errorf("%s is no duration: expected one such as @every 90s, @every 5m or @every 1h30m", quote(arg))
	case d < time.Second:
		return Schedule{}, fmt.Errorf("@every %s is below 1s", arg)
	case d%time.Second != 0:
		return Schedule{}, fmt.Errorf("@every %s is no whole number of seconds", arg)
	}
	return Schedule{every: d}, nil
}

// parser returns a parser of the five fields. robfig/cron's standard parser would take
// descriptors such as @daily too.
func parser() cron.Parser {
	return cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)
}

func parseFields(spec string) (Schedule, error) {
	words := strings.Fields(spec)
	if len(words) != len(fields) {
		return Schedule{}, countError(words)
	}
	checked := make([]string, len(words))
	var last [len(fields)]lastDays
	for i, f := range fields {
		var err error
		if checked[i], last[i], err = f.check(words[i]); err != nil {
			return Schedule{}, err
		}
	}
	parsed, err := parser().Parse(strings.Join(checked, " "))
	if err != nil {
		return Schedule{}, err
	}
	bits, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return Schedule{}, fmt.Errorf("cannot read %s", quote(spec))
	}
	s := Schedule{
		minute: bits.Minute &^ starBit,
		hour:   uint32(bits.Hour &^ starBit),
		dom:    uint32(bits.Dom &^ starBit),
		month:  uint16(bits.Month &^ starBit),
		dow:    uint8(bits.Dow &^ starBit),
		anyDay: (bits.Dom|bits.Dow)&starBit != 0,
		fixed:  !isOpen(words[0], bits.Minute, allMinutes) && !isOpen(words[1], bits.Hour, allHours),
	}
	s.lastDay, s.lastDow = last[domField].days != 0, last[dowField].days
	if last[domField].alone {
		s.dom = 0
	}
	if last[dowField].alone {
		s.dow = 0
	}
	if s.lastDay {
		return s, nil // every month has one
	}
	return s, checkDates(*bits)
}

func countError(words []string) error {
	const names = "minute, hour, day of month, month, day of week"
	switch n := len(words); {
	case n == 0:
		return errors.New("is empty: expected five fields, or @daily and the like")
	case n < len(fields):
		return fmt.Errorf("has %d of five fields: %s", n, names)
	case n == len(fields)+1:
		return fmt.Errorf("has 6 fields, expected five: %s; there is none for seconds", names)
	default:
		return fmt.Errorf("has %d fields, expected five: %s", n, names)
	}
}

// In returns the schedule in a time zone, unless it names one itself.
func (s Schedule) In(zone *time.Location) Schedule {
	if s.zone == nil {
		s.zone = zone
	}
	return s
}

// Zone is the name of the schedule's time zone, or empty when it does not set one.
func (s Schedule) Zone() string {
	if s.zone == nil {
		return ""
	}
	return s.zone.String()
}

// Fixed reports whether the schedule is about a time of day, with a fixed minute
// and hour, rather than about a rhythm.
func (s Schedule) Fixed() bool { return s.fixed }

// AtReboot reports whether the schedule is @reboot: due once, when its runner
// starts, and at no time that Next could tell.
func (s Schedule) AtReboot() bool { return s.reboot }

// cutWord cuts s at its first blanks.
func cutWord(s string) (word, rest string) {
	i := strings.IndexFunc(s, unicode.IsSpace)
	if i < 0 {
		return s, ""
	}
	return s[:i], strings.TrimSpace(s[i:])
}

// quote quotes what somebody wrote, cut to what fits in a message.
func quote(s string) string {
	const most = 40
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "..."
	}
	return fmt.Sprintf("%q", s)
}
