package cron

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestParse(t *testing.T) {
	const crontab = "\ufeff# jobs\r\n" +
		"\r\n" +
		"  \t # indented\n" +
		"A=1\n" +
		" B = two words  \r\n" +
		"* * * * * echo 100% \"%d\" # not a comment\r\n" +
		"'C c'='x'\n" +
		"C=' quoted \"so\" '\n" +
		"\"D\"=\"it's\"\n" +
		"E=\n" +
		"A=mid\"quote\n" +
		"\t*/5\t1-3   *  * MON-FRI\t  . /env; run  >>log 2>&1\n" +
		"@hourly\thour\n" +
		"@every 30s  beat\n" +
		"@reboot once\n" +
		"TZ=Asia/Tokyo 0 9 * * * tokyo\n" +
		"@daily X=1 last without line end"
	table, err := Parse(strings.NewReader(crontab), "/etc/tab")
	if want := `/etc/tab:7: "C c" is no name of a variable: expected letters, digits and _`; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	env := []string{"A=1", "B=two words"}
	more := append(slices.Clone(env), `C= quoted "so" `, "D=it's", "E=", `A=mid"quote`)
	want := []struct {
		line          int
		spec, command string
		env           []string
	}{
		{6, "* * * * *", `echo 100% "%d" # not a comment`, env},
		{12, "*/5\t1-3   *  * MON-FRI", ". /env; run  >>log 2>&1", more},
		{13, "@hourly", "hour", more},
		{14, "@every 30s", "beat", more},
		{15, "@reboot", "once", more},
		{16, "TZ=Asia/Tokyo 0 9 * * *", "tokyo", more},
		{17, "@daily", "X=1 last without line end", more},
	}
	if len(table) != len(want) {
		t.Fatalf("%d entries, want %d: %+v", len(table), len(want), table)
	}
	for i, w := range want {
		e := table[i]
		if e.File != "/etc/tab" || e.Line != w.line || e.Spec != w.spec || e.Command != w.command || !slices.Equal(e.Env, w.env) {
			t.Errorf("entry %d:\n got %+v\nwant %+v", i, e, w)
		}
	}
	if name := table[0].Name(); name != "tab:6" {
		t.Errorf("name %s", name)
	}
}

func TestParseZones(t *testing.T) {
	const crontab = `0 9 * * * a
TZ=Asia/Tokyo
0 9 * * * b
CRON_TZ = "America/New_York"
0 9 * * * c
TZ=UTC
0 9 * * * d
TZ=Australia/Sydney 0 9 * * * e
CRON_TZ=Europe/Berlin
0 9 * * * f
`
	table, err := Parse(strings.NewReader(crontab), "tab")
	if err != nil {
		t.Fatal(err)
	}
	from := time.Date(2026, time.May, 1, 0, 0, 0, 0, time.UTC)
	want := map[string]string{
		"a": "2026-05-01 09:00 UTC", "b": "2026-05-02 09:00 JST", "c": "2026-05-01 09:00 EDT",
		"d": "2026-05-01 09:00 EDT", "e": "2026-05-02 09:00 AEST", "f": "2026-05-01 09:00 CEST",
	}
	if len(table) != len(want) {
		t.Errorf("%d entries, want %d", len(table), len(want))
	}
	for _, e := range table {
		if got := e.Schedule.Next(from).Format("2006-01-02 15:04 MST"); got != want[e.Command] {
			t.Errorf("%s: %s, want %s", e.Command, got, want[e.Command])
		}
	}
	if env := table[4].Env; !slices.Equal(env, []string{"TZ=Asia/Tokyo", "CRON_TZ=America/New_York", "TZ=UTC"}) {
		t.Errorf("environment %q", env)
	}
}

func TestParseRefuses(t *testing.T) {
	for line, want := range map[string]string{
		"61 * * * * x":             "minute 61 is above 59",
		"0 0 30 2 * x":             "never fires: February has no day 30",
		"* * * * *":                `no command behind the schedule "* * * * *"`,
		"* * * * * \t ":            `no command behind the schedule "* * * * *"`,
		"@daily":                   `no command behind the schedule "@daily"`,
		"@every 5s":                `no command behind the schedule "@every 5s"`,
		"@every -5s x":             "@every -5s is below 1s",
		"@every":                   `"" is no duration: expected one such as @every 90s, @every 5m or @every 1h30m`,
		"@never x":                 `"@never" is no schedule: expected five fields, @yearly, @monthly, @weekly, @daily, @hourly, @every DURATION or @reboot`,
		"* * * *":                  "has 4 of five fields: minute, hour, day of month, month, day of week",
		"<html>":                   "has 1 of five fields: minute, hour, day of month, month, day of week",
		"hello crontab":            "has 2 of five fields: minute, hour, day of month, month, day of week",
		"* * * * root x":           `"root" is no day of week: expected 0-7 or SUN-SAT`,
		"a\x00b":                   "holds a NUL byte",
		"* * * * * a\x00b":         "holds a NUL byte",
		"A.B=c":                    `"A.B" is no name of a variable: expected letters, digits and _`,
		`A="b`:                     `the value of A has no closing "`,
		"A='b":                     "the value of A has no closing '",
		`A="b" c`:                  `the value of A goes on behind its closing "`,
		`"A`:                       "has 1 of five fields: minute, hour, day of month, month, day of week",
		"TZ=Mars":                  `TZ="Mars" is no time zone: expected a name such as Europe/Berlin or UTC`,
		"TZ=":                      `TZ="" is no time zone: expected a name such as Europe/Berlin or UTC`,
		"CRON_TZ='x y'":            `CRON_TZ="x y" is no time zone: expected a name such as Europe/Berlin or UTC`,
		"CRON_TZ=Mars 0 0 * * x":   `CRON_TZ="Mars" is no time zone: expected a name such as Europe/Berlin or UTC`,
		"TZ= * * * * * x":          `TZ="" is no time zone: expected a name such as Europe/Berlin or UTC`,
		"TZ=UTC * * * * *":         `no command behind the schedule "* * * * *"`,
		strings.Repeat("x", 1<<20): "is longer than 65536 bytes",
	} {
		table, err := Parse(strings.NewReader("@daily before\n"+line+"\n@daily after\n"), "tab")
		if err == nil || err.Error() != "tab:2: "+want {
			t.Errorf("%.60q:\n got %v\nwant tab:2: %s", line, err, want)
		}
		var problems Problems
		if !errors.As(err, &problems) || len(problems) != 1 || problems[0].Line != 2 {
			t.Errorf("%.60q: %#v is not one problem of line 2", line, err)
		}
		if len(table) != 2 || table[1].Command != "after" || table[1].Line != 3 {
			t.Errorf("%.60q: the other lines are not all there: %+v", line, table)
		}
	}
}

func TestParseManyBadLines(t *testing.T) {
	_, err := Parse(strings.NewReader(strings.Repeat("x y\n", 10_000)), "tab")
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 21 || lines[0] != "tab:1: has 2 of five fields: minute, hour, day of month, month, day of week" ||
		lines[20] != "and 9980 more bad lines, 10000 in all" {
		t.Errorf("%d lines: %q", len(lines), lines)
	}
}

func TestParseLongLastLine(t *testing.T) {
	table, err := Parse(strings.NewReader("@daily a\n"+strings.Repeat("y", maxLine+5)), "tab")
	if want := "tab:2: is longer than 65536 bytes"; err == nil || err.Error() != want || len(table) != 1 {
		t.Errorf("%v, %d entries; want %s", err, len(table), want)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, unix.EIO }

func TestParseReadError(t *testing.T) {
	_, err := Parse(brokenReader{}, "tab")
	if want := "cannot read the crontab tab: input/output error"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestReadFiles(t *testing.T) {
	dir := t.TempDir()
	a, b, link := filepath.Join(dir, "a"), filepath.Join(dir, "b"), filepath.Join(dir, "link")
	write(t, a, "@daily a\nbad\n")
	write(t, b, "@daily b\n@daily  a\nTZ=UTC\n@daily a\nX=1\n@daily b\n")
	if err := os.Symlink(a, link); err != nil {
		t.Fatal(err)
	}
	table, repeated, err := ReadFiles([]string{a, b, link, a})
	if want := a + ":2: has 1 of five fields: minute, hour, day of month, month, day of week"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	// The second @daily a is the same as the first; another time zone or environment
	// makes another job.
	if got, want := names(table), "a:1 b:1 b:4 b:6"; got != want {
		t.Errorf("table %s, want %s", got, want)
	}
	if got, want := names(repeated), "b:2"; got != want {
		t.Errorf("repeated %s, want %s", got, want)
	}
}

func names(table Table) string {
	var names []string
	for _, e := range table {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

func TestReadFileRefuses(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	gone := filepath.Join(dir, "gone")
	for path, want := range map[string]string{
		dir:  fmt.Sprintf("cannot read the crontab: read %s: is no regular file", dir),
		pipe: fmt.Sprintf("cannot read the crontab: read %s: is no regular file", pipe),
		gone: fmt.Sprintf("cannot read the crontab: open %s: no such file or directory", gone),
	} {
		if _, err := ReadFile(path); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", path, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"* * * * * a\n", "A = 'b'\n", "TZ=UTC 0 0 * * * a", "@every 5s a", "'", "\"=", "=", "A", "TZ=", "\x00", "\ufeff"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		table, err := Parse(strings.NewReader(text), "tab")
		var problems Problems
		if err != nil && !errors.As(err, &problems) {
			t.Fatal(err)
		}
		if lines := strings.Count(text, "\n") + 1; len(table)+len(problems) > lines {
			t.Errorf("%d entries and %d problems in %d lines", len(table), len(problems), lines)
		}
		for _, e := range table {
			if e.Command == "" || e.Spec == "" || strings.ContainsAny(e.Command, "\n\x00") {
				t.Errorf("entry %+v", e)
			}
		}
	})
}

func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
