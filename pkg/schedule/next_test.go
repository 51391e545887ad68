package schedule

import (
	"testing"
	"time"
)

func mustParse(t testing.TB, spec string) Schedule {
	t.Helper()
	s, err := Parse(spec)
	if err != nil {
		t.Fatalf("Parse(%q): %v", spec, err)
	}
	return s
}

func mustLoad(t testing.TB, zone string) *time.Location {
	t.Helper()
	loc, err := LoadZone(zone)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// The form of the times below: with the offset, which tells the two 02:30 of an
// autumn night apart.
const form = "2006-01-02 15:04:05 -0700"

func TestNext(t *testing.T) {
	const berlin, lordHowe, sydney = "Europe/Berlin", "Australia/Lord_Howe", "Australia/Sydney"
	for _, tt := range []struct {
		name, zone, spec, from string
		want                   []string
	}{
		{
			"minutes", "UTC", "*/20 * * * *", "2026-05-01 10:00:00 +0000",
			[]string{"2026-05-01 10:20:00 +0000", "2026-05-01 10:40:00 +0000", "2026-05-01 11:00:00 +0000"},
		},
		{"within a minute", "UTC", "* * * * *", "2026-05-01 10:00:59 +0000", []string{"2026-05-01 10:01:00 +0000"}},
		{"year end", "UTC", "59 23 31 12 *", "2026-12-31 23:59:00 +0000", []string{"2027-12-31 23:59:00 +0000"}},
		{
			"leap day", "UTC", "0 0 29 2 *", "2026-01-01 00:00:00 +0000",
			[]string{"2028-02-29 00:00:00 +0000", "2032-02-29 00:00:00 +0000"},
		},
		{"leap day around 2100", "UTC", "0 0 29 2 *", "2096-03-01 00:00:00 +0000", []string{"2104-02-29 00:00:00 +0000"}},
		{
			"either day field", "UTC", "0 0 13 * FRI", "2026-02-01 00:00:00 +0000",
			[]string{"2026-02-06 00:00:00 +0000", "2026-02-13 00:00:00 +0000", "2026-02-20 00:00:00 +0000", "2026-02-27 00:00:00 +0000", "2026-03-06 00:00:00 +0000", "2026-03-13 00:00:00 +0000"},
		},
		{
			"an impossible day, saved by the other field", "UTC", "0 0 30 2 MON", "2026-02-17 00:00:00 +0000",
			[]string{"2026-02-23 00:00:00 +0000", "2027-02-01 00:00:00 +0000"},
		},
		{
			"the last day", "UTC", "0 2 L * *", "2027-12-31 02:00:00 +0000",
			[]string{"2028-01-31 02:00:00 +0000", "2028-02-29 02:00:00 +0000", "2028-03-31 02:00:00 +0000", "2028-04-30 02:00:00 +0000"},
		},
		{
			"the last day and another", "UTC", "0 0 15,L 2 *", "2026-01-01 00:00:00 +0000",
			[]string{"2026-02-15 00:00:00 +0000", "2026-02-28 00:00:00 +0000", "2027-02-15 00:00:00 +0000"},
		},
		{
			"the last Friday", "UTC", "0 0 * * L5", "2026-01-01 00:00:00 +0000",
			[]string{"2026-01-30 00:00:00 +0000", "2026-02-27 00:00:00 +0000", "2026-03-27 00:00:00 +0000", "2026-04-24 00:00:00 +0000", "2026-05-29 00:00:00 +0000"},
		},
		{
			"the last Friday or the first", "UTC", "0 0 1 * L5", "2026-01-01 00:00:00 +0000",
			[]string{"2026-01-30 00:00:00 +0000", "2026-02-01 00:00:00 +0000", "2026-02-27 00:00:00 +0000"},
		},
		{
			"the last Friday and all Mondays", "UTC", "0 0 * * 1,L5", "2026-01-26 00:00:00 +0000",
			[]string{"2026-01-30 00:00:00 +0000", "2026-02-02 00:00:00 +0000"},
		},
		{
			"every minute of the last Friday", "UTC", "* * * * L5", "2026-01-30 23:58:30 +0000",
			[]string{"2026-01-30 23:59:00 +0000", "2026-02-27 00:00:00 +0000", "2026-02-27 00:01:00 +0000"},
		},
		{"Sunday as 7", "UTC", "0 0 * * 7", "2026-02-01 00:00:00 +0000", []string{"2026-02-08 00:00:00 +0000"}},
		{
			"every", "UTC", "@every 90s", "2026-05-01 10:00:00 +0000",
			[]string{"2026-05-01 10:01:30 +0000", "2026-05-01 10:03:00 +0000"},
		},
		{"a zone of its own", "UTC", "TZ=Asia/Tokyo 0 9 * * *", "2026-05-01 00:00:00 +0000", []string{"2026-05-02 09:00:00 +0900"}},

		{
			"spring, skipped", berlin, "30 2 * * *", "2026-03-28 12:00:00 +0100",
			[]string{"2026-03-29 03:00:00 +0200", "2026-03-30 02:30:00 +0200"},
		},
		{
			"spring, skipped, a year later", berlin, "30 2 * * *", "2027-03-27 12:00:00 +0100",
			[]string{"2027-03-28 03:00:00 +0200", "2027-03-29 02:30:00 +0200"},
		},
		{
			"spring, skipped twice and due", berlin, "0,30 2,3 * * *", "2026-03-28 12:00:00 +0100",
			[]string{"2026-03-29 03:00:00 +0200", "2026-03-29 03:30:00 +0200", "2026-03-30 02:00:00 +0200"},
		},
		{
			"spring, before the change", berlin, "59 1 * * *", "2026-03-28 12:00:00 +0100",
			[]string{"2026-03-29 01:59:00 +0100", "2026-03-30 01:59:00 +0200"},
		},
		{
			"spring, after the change", berlin, "0 3 * * *", "2026-03-28 12:00:00 +0100",
			[]string{"2026-03-29 03:00:00 +0200", "2026-03-30 03:00:00 +0200"},
		},
		{
			"spring, on another day", berlin, "30 2 * * MON", "2026-03-28 12:00:00 +0100",
			[]string{"2026-03-30 02:30:00 +0200"},
		},
		{
			"spring, only that day", berlin, "30 2 29 3 *", "2026-03-28 12:00:00 +0100",
			[]string{"2026-03-29 03:00:00 +0200", "2027-03-29 02:30:00 +0200"},
		},
		{
			"spring, a rhythm", berlin, "*/30 * * * *", "2026-03-29 01:00:00 +0100",
			[]string{"2026-03-29 01:30:00 +0100", "2026-03-29 03:00:00 +0200"},
		},
		{
			"spring, a rhythm of one hour of the day", berlin, "*/30 2 * * *", "2026-03-28 02:30:00 +0100",
			[]string{"2026-03-30 02:00:00 +0200"},
		},
		{"spring, hours", berlin, "15 */2 * * *", "2026-03-29 00:15:00 +0100", []string{"2026-03-29 04:15:00 +0200"}},

		{
			"autumn, repeated", berlin, "30 2 * * *", "2026-10-24 12:00:00 +0200",
			[]string{"2026-10-25 02:30:00 +0200", "2026-10-26 02:30:00 +0100"},
		},
		{
			"autumn, repeated, a year later", berlin, "30 2 * * *", "2027-10-30 12:00:00 +0200",
			[]string{"2027-10-31 02:30:00 +0200", "2027-11-01 02:30:00 +0100"},
		},
		{"autumn, asked between the two", berlin, "30 2 * * *", "2026-10-25 02:10:00 +0100", []string{"2026-10-26 02:30:00 +0100"}},
		{
			"autumn, after the change", berlin, "0 3 * * *", "2026-10-24 12:00:00 +0200",
			[]string{"2026-10-25 03:00:00 +0100", "2026-10-26 03:00:00 +0100"},
		},
		{
			"autumn, a rhythm", berlin, "*/30 * * * *", "2026-10-25 01:30:00 +0200",
			[]string{"2026-10-25 02:00:00 +0200", "2026-10-25 02:30:00 +0200", "2026-10-25 02:00:00 +0100", "2026-10-25 02:30:00 +0100", "2026-10-25 03:00:00 +0100"},
		},
		{"autumn, every hour by name of all", berlin, "0 0-23 * * *", "2026-10-25 02:00:00 +0200", []string{"2026-10-25 02:00:00 +0100"}},
		{
			"autumn, every", berlin, "@every 30m", "2026-10-25 02:30:00 +0200",
			[]string{"2026-10-25 02:00:00 +0100", "2026-10-25 02:30:00 +0100"},
		},

		// Lord Howe Island changes by half an hour, at 02:00.
		{
			"half an hour, skipped", lordHowe, "15 2 * * *", "2026-10-03 12:00:00 +1030",
			[]string{"2026-10-04 02:30:00 +1100", "2026-10-05 02:15:00 +1100"},
		},
		{"half an hour, not skipped", lordHowe, "45 2 * * *", "2026-10-03 12:00:00 +1030", []string{"2026-10-04 02:45:00 +1100"}},
		{
			"half an hour, repeated", lordHowe, "45 1 * * *", "2026-04-04 12:00:00 +1100",
			[]string{"2026-04-05 01:45:00 +1100", "2026-04-06 01:45:00 +1030"},
		},
		{
			"half an hour, not repeated", lordHowe, "15 1 * * *", "2026-04-05 01:00:00 +1100",
			[]string{"2026-04-05 01:15:00 +1100", "2026-04-06 01:15:00 +1030"},
		},
		{
			"half an hour, a rhythm", lordHowe, "*/15 * * * *", "2026-04-05 01:30:00 +1100",
			[]string{"2026-04-05 01:45:00 +1100", "2026-04-05 01:30:00 +1030", "2026-04-05 01:45:00 +1030", "2026-04-05 02:00:00 +1030"},
		},

		{
			"southern spring", sydney, "30 2 * * *", "2026-10-03 12:00:00 +1000",
			[]string{"2026-10-04 03:00:00 +1100", "2026-10-05 02:30:00 +1100"},
		},
		{
			"midnight skipped", "Africa/Cairo", "@daily", "2026-04-23 12:00:00 +0200",
			[]string{"2026-04-24 01:00:00 +0300", "2026-04-25 00:00:00 +0300"},
		},
		{
			"midnight repeated", "America/Havana", "30 0 * * *", "2026-10-31 12:00:00 -0400",
			[]string{"2026-11-01 00:30:00 -0400", "2026-11-02 00:30:00 -0500"},
		},
		{
			"a whole day skipped", "Pacific/Apia", "0 5 30 12 *", "2011-12-29 12:00:00 -1000",
			[]string{"2011-12-31 00:00:00 +1400", "2012-12-30 05:00:00 +1400"},
		},
		{"a whole day skipped, a rhythm", "Pacific/Apia", "0 * 30 12 *", "2011-12-29 12:00:00 -1000", []string{"2012-12-30 00:00:00 +1400"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := mustParse(t, tt.spec)
			at, err := time.Parse(form, tt.from)
			if err != nil {
				t.Fatal(err)
			}
			at = at.In(mustLoad(t, tt.zone))
			for _, want := range tt.want {
				if at = s.Next(at); at.Format(form) != want {
					t.Fatalf("%s: %s, want %s", tt.spec, at.Format(form), want)
				}
			}
		})
	}
}

// Whoever asks at any moment of a night with a change is told the same times.
func TestNextFromEverywhere(t *testing.T) {
	zone := mustLoad(t, "Europe/Berlin")
	for _, night := range []time.Time{
		time.Date(2026, time.March, 28, 20, 0, 0, 0, zone),
		time.Date(2026, time.October, 24, 20, 0, 0, 0, zone),
	} {
		for _, spec := range []string{"30 2 * * *", "0 3 * * *", "*/7 * * * *", "10 * * * *", "*/20 2 * * *", "0,59 1-3 * * *"} {
			s := mustParse(t, spec)
			due := s.Next(night)
			for at := night; at.Before(night.Add(12 * time.Hour)); at = at.Add(30 * time.Second) {
				if !at.Before(due) {
					due = s.Next(due)
				}
				if got := s.Next(at); !got.Equal(due) {
					t.Fatalf("%s: from %s: %s, want %s", spec, at.Format(form), got.Format(form), due.Format(form))
				}
			}
		}
	}
}

func TestNextNever(t *testing.T) {
	if next := mustParse(t, "@reboot").Next(time.Now()); !next.IsZero() {
		t.Errorf("@reboot has a next time: %s", next)
	}
}

func TestIn(t *testing.T) {
	from := time.Date(2026, time.May, 1, 0, 0, 0, 0, time.UTC)
	tokyo, berlin := mustLoad(t, "Asia/Tokyo"), mustLoad(t, "Europe/Berlin")
	if got, want := mustParse(t, "0 9 * * *").In(berlin).Next(from).Format(form), "2026-05-01 09:00:00 +0200"; got != want {
		t.Errorf("in a zone: %s, want %s", got, want)
	}
	if got, want := mustParse(t, "TZ=Asia/Tokyo 0 10 * * *").In(berlin).Next(from).Format(form), "2026-05-01 10:00:00 +0900"; got != want {
		t.Errorf("with a zone of its own: %s, want %s (%s)", got, want, tokyo)
	}
}

func FuzzNext(f *testing.F) {
	for _, spec := range []string{"*/5 * * * *", "30 2 * * *", "0 0 29 2 *", "0 0 30 2 1", "@every 1h", "TZ=Asia/Tokyo 0 5-7 * * FRI-7", "TZ=", "CRON_TZ=UTC @daily", "@reboot"} {
		f.Add(spec, int64(1774742400), uint8(0))
	}
	zones := []*time.Location{mustLoad(f, "Europe/Berlin"), mustLoad(f, "Australia/Lord_Howe"), mustLoad(f, "Africa/Casablanca"), mustLoad(f, "Pacific/Apia"), time.UTC}
	f.Fuzz(func(t *testing.T, spec string, seconds int64, zone uint8) {
		s, err := Parse(spec)
		if err != nil {
			if err.Error() == "" {
				t.Error("an error without words")
			}
			return
		}
		const years9999 = 253402300799
		at := time.Unix(seconds%years9999, 0).In(zones[int(zone)%len(zones)])
		next := s.Next(at)
		if next.IsZero() {
			return
		}
		if !next.After(at) {
			t.Errorf("%q: %s is not after %s", spec, next, at)
		}
		if again := s.Next(next.Add(-1)); s.every == 0 && !again.Equal(next) {
			t.Errorf("%q: from %s: %s, but from just before that: %s", spec, at, next, again)
		}
	})
}

func BenchmarkNext(b *testing.B) {
	zone := mustLoad(b, "Europe/Berlin")
	for _, spec := range []string{"*/5 * * * *", "2 1 * * *", "0 0 29 2 *"} {
		b.Run(spec, func(b *testing.B) {
			s, from := mustParse(b, spec), time.Date(2026, time.March, 1, 0, 0, 0, 0, zone)
			b.ReportAllocs()
			for b.Loop() {
				if s.Next(from).IsZero() {
					b.Fatal("never")
				}
			}
		})
	}
}
