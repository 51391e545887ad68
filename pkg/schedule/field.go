package schedule

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// field is what one of the five fields may hold.
type field struct {
	name     string
	min, max int
	names    string // of the values from min up, three letters each
	day      bool   // ? means *, as in Quartz, and L the last of the month
}

// domField and dowField are where the two day fields stand in fields.
const domField, dowField = 2, 4

// The day of the week has a second number for Sunday, 7, so that MON-SUN and
// 1-7 are ranges.
var fields = [...]field{
	{name: "minute", max: 59},
	{name: "hour", max: 23},
	{name: "day of month", min: 1, max: 31, day: true},
	{name: "month", min: 1, max: 12, names: "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC"},
	{name: "day of week", max: 7, names: "SUNMONTUEWEDTHUFRISAT", day: true},
}

const sunday = 7

// lastDays are the elements of a day field that begin with L.
type lastDays struct {
	days  uint8 // bits of days of the week; 1 in the day of the month
	alone bool  // the field has no other elements
}

// check checks a field and returns it in a form that robfig/cron reads: without 7 and
// without L. When L is all that the field has, its lowest value stands in its place.
func (f field) check(list string) (string, lastDays, error) {
	checked := make([]byte, 0, len(list))
	var last lastDays
	for element := range strings.SplitSeq(list, ",") {
		if day, ok := f.last(element); ok {
			last.days |= 1 << day
			continue
		}
		e, err := f.checkElement(element)
		if err != nil {
			return "", last, err
		}
		if len(checked) > 0 {
			checked = append(checked, ',')
		}
		checked = append(checked, e...)
	}
	if last.alone = len(checked) == 0; last.alone {
		return strconv.Itoa(f.min), last, nil
	}
	return string(checked), last, nil
}

// last reads L in the day of the month and L5 or LFRI in the day of the week.
func (f field) last(element string) (day int, ok bool) {
	if !f.day || element == "" || element[0] != 'L' && element[0] != 'l' {
		return 0, false
	}
	if f.max != sunday {
		return 0, len(element) == 1
	}
	day, err := f.value(element[1:])
	return day % sunday, err == nil
}

// checkElement checks *, VALUE or VALUE-VALUE, each with or without /STEP.
// VALUE/STEP means from VALUE to the end.
func (f field) checkElement(e string) (string, error) {
	values, stepText, stepped := strings.Cut(e, "/")
	step := 1
	if stepped {
		var err error
		if step, err = f.step(stepText); err != nil {
			return "", err
		}
	}
	if values == "*" || values == "?" && f.day {
		return e, nil
	}
	lowText, highText, isRange := strings.Cut(values, "-")
	if isRange && (lowText == "" || highText == "") {
		return "", f.noValue(values)
	}
	low, err := f.value(lowText)
	if err != nil {
		return "", err
	}
	high := low
	if isRange {
		if high, err = f.value(highText); err != nil {
			return "", err
		}
		if high == 0 && strings.EqualFold(highText, "SUN") {
			high = sunday // FRI-SUN
		}
	}
	if high < low {
		return "", fmt.Errorf("%s range %s runs backwards", f.name, quote(values))
	}
	if f.max == sunday && high == sunday {
		return withoutSeven(low, step), nil
	}
	return e, nil
}

// withoutSeven writes the days of the week from low to 7 in steps as a list
// from 0 to 6.
func withoutSeven(low, step int) string {
	var days []string
	for day := low; day <= sunday; day += step {
		days = append(days, strconv.Itoa(day%sunday))
	}
	return strings.Join(days, ",")
}

func (f field) step(text string) (int, error) {
	n, err := number(text)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%s step %s is no number", f.name, quote(text))
	case n < 1:
		return 0, fmt.Errorf("%s step %s is below 1", f.name, text)
	case n > f.max:
		return 0, fmt.Errorf("%s step %s is above %d", f.name, text, f.max)
	}
	return n, nil
}

func (f field) value(text string) (int, error) {
	if len(text) == 3 {
		if i := strings.Index(f.names, strings.ToUpper(text)); i >= 0 && i%3 == 0 {
			return f.min + i/3, nil
		}
	}
	n, err := number(text)
	switch {
	case err != nil:
		return 0, f.noValue(text)
	case n < f.min:
		return 0, fmt.Errorf("%s %s is below %d", f.name, text, f.min)
	case n > f.max:
		return 0, fmt.Errorf("%s %s is above %d", f.name, text, f.max)
	}
	return n, nil
}

func (f field) noValue(text string) error {
	names := ""
	if n := len(f.names); n > 0 {
		names = " or " + f.names[:3] + "-" + f.names[n-3:]
	}
	return fmt.Errorf("%s is no %s: expected %d-%d%s", quote(text), f.name, f.min, f.max, names)
}

// number reads digits and nothing else: Atoi would take a sign.
func number(text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 31)
	return int(n), err
}

// starBit is how robfig/cron marks a day field that restricts nothing.
const starBit = 1 << 63

// checkDates refuses a schedule whose days do not exist in its months, such as the 30th
// of February. It accepts one that also names days of the week, because either of the
// two day fields is enough.
func checkDates(s cron.SpecSchedule) error {
	if s.Dow&starBit == 0 {
		return nil
	}
	first := bits.TrailingZeros64(s.Dom) // the day that the most months have
	var without []string
	for month := time.January; month <= time.December; month++ {
		if s.Month&(1<<month) == 0 {
			continue
		}
		if first <= days(month) {
			return nil
		}
		without = append(without, month.String())
	}
	verb := "has"
	if len(without) > 1 {
		verb = "have"
	}
	return fmt.Errorf("never fires: %s %s no day %d", join(without), verb, first)
}

// days is how many days a month has at most.
func days(month time.Month) int {
	const leapYear = 2000
	return time.Date(leapYear, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

func join(words []string) string {
	last := len(words) - 1
	if last == 0 {
		return words[0]
	}
	return strings.Join(words[:last], ", ") + " and " + words[last]
}
