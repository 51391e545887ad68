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
	any      bool   // ? means *, as in the day fields of Quartz
}

// The day of the week has a second number for Sunday, 7, so that MON-SUN and
// 1-7 are ranges.
var fields = [...]field{
	{name: "minute", max: 59},
	{name: "hour", max: 23},
	{name: "day of month", min: 1, max: 31, any: true},
	{name: "month", min: 1, max: 12, names: "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC"},
	{name: "day of week", max: 7, names: "SUNMONTUEWEDTHUFRISAT", any: true},
}

const sunday = 7

// check checks a field and returns it as robfig/cron reads it: without 7.
func (f field) check(list string) (string, error) {
	checked := make([]byte, 0, len(list))
	for element := range strings.SplitSeq(list, ",") {
		e, err := f.checkElement(element)
		if err != nil {
			return "", err
		}
		if len(checked) > 0 {
			checked = append(checked, ',')
		}
		checked = append(checked, e...)
	}
	return string(checked), nil
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
	if values == "*" || values == "?" && f.any {
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

// checkDates refuses a schedule whose days are in none of its months. Days of
// the week save it: either of the two day fields is enough.
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
