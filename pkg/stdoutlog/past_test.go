package stdoutlog

import (
	"compress/gzip"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ZPascal/container-manager/test/testenv"
)

// rotations makes a log of twelve numbered lines: two in a packed file with a date, four
// in another packed one, three in an older file and three in the log itself, the last
// without its end.
func rotations(t *testing.T, r *rig, line func(n int) string) {
	t.Helper()
	text := func(from, to int) string {
		var b strings.Builder
		for n := from; n <= to; n++ {
			b.WriteString(line(n) + "\n")
		}
		return b.String()
	}
	pack := func(name, text string) {
		f, err := os.Create(r.path(name))
		r.must(err)
		w := gzip.NewWriter(f)
		_, err = w.Write([]byte(text))
		r.must(err)
		r.must(w.Close())
		r.must(f.Close())
	}
	pack("app.log.3.gz", text(1, 2))
	pack("app.log.2.gz", text(3, 6))
	testenv.Write(t, r.path("app.log.1"), text(7, 9), 0o644)
	testenv.Write(t, r.path("app.log"), strings.TrimSuffix(text(10, 12), "\n"), 0o644)
	for i, name := range []string{"app.log.3.gz", "app.log.2.gz", "app.log.1", "app.log"} {
		at := start.Add(time.Duration(i+1) * time.Hour)
		r.must(os.Chtimes(r.path(name), at, at))
	}
}

var start = time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)

// past returns what Past writes.
func (r *rig) past(p Past, positions string) string {
	r.t.Helper()
	file, err := os.CreateTemp(r.dir, "out")
	r.must(err)
	defer file.Close()
	p.Out, err = newOutput(int(file.Fd()))
	r.must(err)
	p.Sources, p.Zone = r.sources, time.UTC
	r.must(p.Write(positions))
	return testenv.Read(r.t, file.Name())
}

func TestPastLines(t *testing.T) {
	r := newRig(t, "app")
	rotations(t, r, func(n int) string { return fmt.Sprint(n) })
	for lines, want := range map[int]string{
		0: "", 1: "12", 3: "10 11 12", 4: "9 10 11 12", 7: "6 7 8 9 10 11 12", 100: "1 2 3 4 5 6 7 8 9 10 11 12", AllLines: "1 2 3 4 5 6 7 8 9 10 11 12",
	} {
		if got := strings.Join(strings.Fields(r.past(Past{Plain: true, Lines: lines}, "")), " "); got != want {
			t.Errorf("%d lines: %s, want %s", lines, got, want)
		}
	}
	if got, want := r.past(Past{Lines: 2}, ""), "app | 11\napp | 12\n"; got != want {
		t.Errorf("with names: %q, want %q", got, want)
	}
	testenv.Write(t, r.path("app.log.2.gz"), "no gzip", 0o644)
	file, err := os.Open(os.DevNull)
	r.must(err)
	defer file.Close()
	out, err := newOutput(int(file.Fd()))
	r.must(err)
	if err := (Past{Sources: r.sources, Out: out, Lines: 7}).Write(""); err == nil || !strings.Contains(err.Error(), "app.log.2.gz: ") {
		t.Errorf("a damaged file: %v", err)
	}
	r.must(os.Remove(r.path("app.log")))
	if got := r.past(Past{Lines: 2, Plain: true}, ""); got != "8\n9\n" {
		t.Errorf("between two files: %q", got)
	}
}

func TestPastSince(t *testing.T) {
	for about, line := range map[string]func(at time.Time) string{
		"the container manager's": func(at time.Time) string { return at.Format(time.DateTime) + "\tINFO" },
		"supervisord's":           func(at time.Time) string { return at.Format(time.DateTime) + ",123 INFO" },
		"with a T":                func(at time.Time) string { return at.In(time.FixedZone("", 7200)).Format(time.RFC3339Nano) + " x" },
		"in UTC":                  func(at time.Time) string { return at.Format("2006-01-02T15:04:05.000Z") },
		"without a colon": func(at time.Time) string {
			return "[" + at.In(time.FixedZone("", -3600)).Format("2006-01-02 15:04:05 -0700") + "]"
		},
		"with slashes": func(at time.Time) string { return at.Format("2006/01/02 15:04:05") + " [error]" },
		"a web server's": func(at time.Time) string {
			return `127.0.0.1 - - [` + at.Format("02/Jan/2006:15:04:05 -0700") + `] "GET /"`
		},
		"JSON": func(at time.Time) string { return `{"level":"info","time":"` + at.Format(time.RFC3339) + `"}` },
	} {
		r := newRig(t, "app")
		rotations(t, r, func(n int) string {
			if n == 9 {
				return "9 goes on"
			}
			return line(start.Add(time.Duration(n)*20*time.Minute)) + " " + fmt.Sprint(n)
		})
		for since, want := range map[int]int{0: 12, 7: 6, 8: 5, 9: 3, 12: 1, 13: 0} { // line 9 belongs to line 8
			got := r.past(Past{Plain: true, Lines: AllLines, Since: start.Add(time.Duration(since) * 20 * time.Minute)}, "")
			if n := strings.Count(got, "\n"); n != want {
				t.Errorf("%s: since line %d there are %d lines, want %d:\n%s", about, since, n, want, got)
			}
		}
	}
	// Where no line has a time, the files' count.
	r := newRig(t, "app")
	rotations(t, r, func(n int) string { return fmt.Sprint(n) })
	for hours, want := range map[int]string{0: "1 2 3 4 5 6 7 8 9 10 11 12", 3: "7 8 9 10 11 12", 4: "10 11 12", 5: ""} {
		got := r.past(Past{Plain: true, Lines: AllLines, Since: start.Add(time.Duration(hours) * time.Hour)}, "")
		if got := strings.Join(strings.Fields(got), " "); got != want {
			t.Errorf("since %d hours: %s, want %s", hours, got, want)
		}
	}
}

// A Follower goes on where Past has ended, also when the log is rotated in between.
func TestPastAndThenFollow(t *testing.T) {
	r := newRig(t, "app")
	testenv.Write(t, r.path("app.log"), "1\n2\nhalf", 0o644)
	if got := r.past(Past{Lines: 5, Follow: true}, r.path("positions")); got != "app | 1\napp | 2\n" {
		t.Errorf("Past wrote %q", got)
	}
	r.write("app.log", " a line\n")
	r.must(os.Rename(r.path("app.log"), r.path("app.log.1")))
	testenv.Write(t, r.path("app.log"), "4\n", 0o644)
	r.read()
	end := r.follow()
	r.shows("app | half a line\napp | 4\n")
	end()
}
