package schedule

import (
	"strings"
	"testing"
)

func TestParseRefuses(t *testing.T) {
	for spec, want := range map[string]string{
		"":                                   "is empty: expected five fields, or @daily and the like",
		" \t ":                               "is empty: expected five fields, or @daily and the like",
		"* * *\n* *":                         "is more than one line",
		"* * * *":                            "has 4 of five fields: minute, hour, day of month, month, day of week",
		"0 * * * * *":                        "has 6 fields, expected five: minute, hour, day of month, month, day of week; there is none for seconds",
		"hello":                              "has 1 of five fields: minute, hour, day of month, month, day of week",
		"* * * * * * *":                      "has 7 fields, expected five: minute, hour, day of month, month, day of week",
		"61 * * * *":                         "minute 61 is above 59",
		"0 24 * * *":                         "hour 24 is above 23",
		"0 0 0 * *":                          "day of month 0 is below 1",
		"0 0 32 * *":                         "day of month 32 is above 31",
		"0 0 * 0 *":                          "month 0 is below 1",
		"0 0 * 13 *":                         "month 13 is above 12",
		"0 0 * * 8":                          "day of week 8 is above 7",
		"x * * * *":                          `"x" is no minute: expected 0-59`,
		"* x * * *":                          `"x" is no hour: expected 0-23`,
		"0 0 x * *":                          `"x" is no day of month: expected 1-31`,
		"* * * x *":                          `"x" is no month: expected 1-12 or JAN-DEC`,
		"* * * * x":                          `"x" is no day of week: expected 0-7 or SUN-SAT`,
		"* * * * SUNDAY":                     `"SUNDAY" is no day of week: expected 0-7 or SUN-SAT`,
		"* * * * UNM":                        `"UNM" is no day of week: expected 0-7 or SUN-SAT`,
		"* * * MON *":                        `"MON" is no month: expected 1-12 or JAN-DEC`,
		"0 0 L5 * *":                         `"L5" is no day of month: expected 1-31`,
		"0 0 * * L":                          `"L" is no day of week: expected 0-7 or SUN-SAT`,
		"0 0 * * L8":                         `"L8" is no day of week: expected 0-7 or SUN-SAT`,
		"L * * * *":                          `"L" is no minute: expected 0-59`,
		"0 0 L,32 * *":                       "day of month 32 is above 31",
		"TZ=: 0 0 * * *":                     `"" is no time zone: expected a name such as Europe/Berlin or UTC`,
		"? * * * *":                          `"?" is no minute: expected 0-59`,
		"*/61 * * * *":                       "minute step 61 is above 59",
		"*/60 * * * *":                       "minute step 60 is above 59",
		"0 */24 * * *":                       "hour step 24 is above 23",
		"*/0 * * * *":                        "minute step 0 is below 1",
		"*/ * * * *":                         `minute step "" is no number`,
		"*/x * * * *":                        `minute step "x" is no number`,
		"*/-1 * * * *":                       `minute step "-1" is no number`,
		"*/2/3 * * * *":                      `minute step "2/3" is no number`,
		"-5 * * * *":                         `"-5" is no minute: expected 0-59`,
		"5- * * * *":                         `"5-" is no minute: expected 0-59`,
		"1-2-3 * * * *":                      `"2-3" is no minute: expected 0-59`,
		"+5 * * * *":                         `"+5" is no minute: expected 0-59`,
		"1,,2 * * * *":                       `"" is no minute: expected 0-59`,
		"1, * * * *":                         `"" is no minute: expected 0-59`,
		"**  * * * *":                        `"**" is no minute: expected 0-59`,
		"50-10 * * * *":                      `minute range "50-10" runs backwards`,
		"* * * * 6-0":                        `day of week range "6-0" runs backwards`,
		"9999999999999 * * * *":              `"9999999999999" is no minute: expected 0-59`,
		"0 0 30 2 *":                         "never fires: February has no day 30",
		"0 0 31 2,4,6 *":                     "never fires: February, April and June have no day 31",
		"0 0 30,31 FEB *":                    "never fires: February has no day 30",
		"0 0 31 4 ?":                         "never fires: April has no day 31",
		"@every -5s":                         "@every -5s is below 1s",
		"@every 0s":                          "@every 0s is below 1s",
		"@every 20ms":                        "@every 20ms is below 1s",
		"@every 1500ms":                      "@every 1500ms is no whole number of seconds",
		"@every 5":                           `"5" is no duration: expected one such as @every 90s, @every 5m or @every 1h30m`,
		"@every":                             `"" is no duration: expected one such as @every 90s, @every 5m or @every 1h30m`,
		"@every 5 m":                         `"5 m" is no duration: expected one such as @every 90s, @every 5m or @every 1h30m`,
		"@often":                             `"@often" is no schedule: expected five fields, @yearly, @monthly, @weekly, @daily, @hourly, @every DURATION or @reboot`,
		"@daily 5":                           `"@daily" takes nothing behind it, not "5"`,
		"TZ=UTC":                             "is empty: expected five fields, or @daily and the like",
		"TZ=":                                `"" is no time zone: expected a name such as Europe/Berlin or UTC`,
		"TZ= * * * * *":                      `"" is no time zone: expected a name such as Europe/Berlin or UTC`,
		"CRON_TZ=x":                          `"x" is no time zone: expected a name such as Europe/Berlin or UTC`,
		"CRON_TZ=Mars/X 0 * * *":             `"Mars/X" is no time zone: expected a name such as Europe/Berlin or UTC`,
		"TZ=../../etc 0 0 * * *":             `"../../etc" is no time zone: expected a name such as Europe/Berlin or UTC`,
		strings.Repeat("y", 99) + " * * * *": `"` + strings.Repeat("y", 40) + `..." is no minute: expected 0-59`,
	} {
		_, err := Parse(spec)
		if err == nil {
			t.Errorf("Parse(%q): no error, want %q", spec, want)
		} else if err.Error() != want {
			t.Errorf("Parse(%q):\n got %s\nwant %s", spec, err, want)
		}
	}
}

// Schedules that say the same in different words.
func TestParseSame(t *testing.T) {
	for spec, same := range map[string]string{
		"0 0 * * 7":                   "0 0 * * 0",
		"0 0 * * SUN":                 "0 0 * * 0",
		"0 0 * * sun,Mon":             "0 0 * * 0,1",
		"0 0 * * 5-7":                 "0 0 * * 5,6,0",
		"0 0 * * FRI-SUN":             "0 0 * * 5,6,0",
		"0 0 * * MON-FRI":             "0 0 * * 1-5",
		"0 0 * * 1-7/2":               "0 0 * * 0,1,3,5",
		"0 0 * * 0-7/7":               "0 0 * * 0",
		"0 0 1 jan-mar *":             "0 0 1 1-3 *",
		"0 0 ? * ?":                   "0 0 * * *",
		"05 010 * * *":                "5 10 * * *",
		"\t5  10\t*\u00a0* * ":        "5 10 * * *",
		"5/15 * * * *":                "5,20,35,50 * * * *",
		"10-30/10 * * * *":            "10,20,30 * * * *",
		"@hourly":                     "0 * * * *",
		"@daily":                      "0 0 * * *",
		"@midnight":                   "0 0 * * *",
		"@weekly":                     "0 0 * * 0",
		"@monthly":                    "0 0 1 * *",
		"@yearly":                     "0 0 1 1 *",
		"@annually":                   "0 0 1 1 *",
		"@every 60s":                  "@every\t1m",
		"0 0 * * L7,lsun":             "0 0 * * L0",
		"0 0 L,1,l * *":               "0 0 1,L * *",
		"TZ=:Asia/Tokyo 0 9 * * *":    "TZ=Asia/Tokyo 0 9 * * *",
		"CRON_TZ=Asia/Tokyo  @hourly": "TZ=Asia/Tokyo 0 * * * *",
	} {
		a, errA := Parse(spec)
		b, errB := Parse(same)
		if errA != nil || errB != nil {
			t.Errorf("Parse(%q): %v; Parse(%q): %v", spec, errA, same, errB)
			continue
		}
		zoneA, zoneB := a.zone.String(), b.zone.String()
		a.zone, b.zone = nil, nil
		if a != b || zoneA != zoneB {
			t.Errorf("%q is %+v, %q is %+v", spec, a, same, b)
		}
	}
}

func TestAtReboot(t *testing.T) {
	s, err := Parse("@reboot")
	if err != nil || !s.AtReboot() {
		t.Errorf("@reboot: %v, %v", s.AtReboot(), err)
	}
	if s, err := Parse("@daily"); err != nil || s.AtReboot() {
		t.Errorf("@daily: %v, %v", s.AtReboot(), err)
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse("*/5 1-6 1,15 * MON-FRI"); err != nil {
			b.Fatal(err)
		}
	}
}
