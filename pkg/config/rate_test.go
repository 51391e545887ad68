package config

import (
	"testing"
	"time"
)

func TestRate(t *testing.T) {
	for value, want := range map[string]Rate{
		"0": {}, "5/5m": {5, 5 * time.Minute}, "1/90": {1, 90 * time.Second}, "100/1h30m": {100, 90 * time.Minute},
	} {
		r := Rate{7, time.Second}
		if err := r.Decode(value); err != nil || r != want {
			t.Errorf("%q is %v, %v", value, r, err)
		}
	}
	for _, value := range []string{"5", "5/", "/5m", "0/5m", "-1/5m", "101/5m", "5/0", "5/-1m", "5/5x", "5 / 5m", "x"} {
		var r Rate
		if err := r.Decode(value); err == nil || err.Error() != "expected a number of times, at most 100, and a duration, such as 5/10m, or 0" {
			t.Errorf("%q: %v, error %v", value, r, err)
		}
	}
}

func TestRateReached(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ago := func(gone ...time.Duration) (times []time.Time) {
		for _, d := range gone {
			times = append(times, now.Add(-d))
		}
		return times
	}
	limit := Rate{2, time.Minute}
	for _, test := range []struct {
		times []time.Time
		want  bool
	}{
		{nil, false},
		{ago(0), false},
		{ago(0, 0), true},
		{ago(time.Minute, 0), true},
		{ago(time.Minute+1, 0), false},
		{ago(-1, 0), false}, // the clock was set back
	} {
		if got := limit.Reached(now, test.times); got != test.want {
			t.Errorf("%v: %v", test.times, got)
		}
	}
	if (Rate{}).Reached(now, nil) {
		t.Error("never is reached")
	}
}
