package health

import (
	"strings"
	"testing"
	"time"

	"github.com/ZPascal/container-manager/pkg/proc"

	"github.com/abrander/go-supervisord"

	"github.com/ZPascal/container-manager/pkg/stopmark"
)

func TestRefusal(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 500e6, time.UTC)
	ago := func(d time.Duration) int { return int(now.Add(-d).Unix()) }
	in := func(state supervisord.ProcessState, start int) supervisord.ProcessInfo {
		names := map[supervisord.ProcessState]string{
			supervisord.StateRunning: "RUNNING", supervisord.StateStarting: "STARTING", supervisord.StateBackoff: "BACKOFF",
			supervisord.StateStopping: "STOPPING", supervisord.StateFatal: "FATAL", supervisord.StateExited: "EXITED", supervisord.StateStopped: "STOPPED",
		}
		return supervisord.ProcessInfo{Group: "app", Name: "app", State: state, StateName: names[state], Start: start}
	}
	running := in(supervisord.StateRunning, ago(time.Hour))
	since := now.Add(-2 * time.Second)
	for name, test := range map[string]struct {
		situation
		want string // part of it; "" for none
	}{
		"running":  {situation{process: running}, ""},
		"stopped":  {situation{process: in(supervisord.StateStopped, 0)}, ""},
		"exited":   {situation{process: in(supervisord.StateExited, ago(time.Hour))}, ""},
		"fatal":    {situation{process: in(supervisord.StateFatal, ago(time.Hour))}, ""},
		"starting": {situation{process: in(supervisord.StateStarting, ago(time.Second))}, "is STARTING"},
		"backoff":  {situation{process: in(supervisord.StateBackoff, ago(time.Hour))}, "is BACKOFF"},
		"stopping": {situation{process: in(supervisord.StateStopping, ago(time.Hour))}, "is STOPPING"},

		"held by a person":            {situation{process: running, mark: &stopmark.Mark{For: stopmark.Person}}, "is held stopped (container-manager stop): container-manager start starts it"},
		"held by a restore":           {situation{process: running, mark: &stopmark.Mark{For: stopmark.Restore, Holder: proc.ID{PID: 7}}}, "is left stopped by process 7 (restore), which is dead"},
		"started before the probe":    {situation{process: in(supervisord.StateRunning, ago(4*time.Second)), since: since}, ""},
		"started during the probe":    {situation{process: in(supervisord.StateRunning, ago(time.Second)), since: since}, "was started anew while its probe ran"},
		"ended again since the probe": {situation{process: in(supervisord.StateFatal, ago(time.Second)), since: since}, "was started anew while its probe ran"},
		"restarted during the probe":  {situation{process: running, since: since, record: Record{Restarts: 1, Last: since.Add(time.Second)}}, "was restarted while its probe ran"},
		"restarted before the probe":  {situation{process: running, since: since, record: Record{Restarts: 1, Last: since.Add(-time.Second)}}, ""},

		"in its grace":         {situation{process: in(supervisord.StateRunning, ago(9*time.Second)), grace: 10 * time.Second}, "was started less than 10s ago (IMAGE_HEALTH_GRACE)"},
		"after its grace":      {situation{process: in(supervisord.StateRunning, ago(11*time.Second)), grace: 10 * time.Second}, ""},
		"dead in its grace":    {situation{process: in(supervisord.StateFatal, ago(time.Second)), grace: 10 * time.Second}, ""},
		"too soon after three": {situation{process: running, record: Record{Restarts: 3, InARow: 3, Last: now.Add(-7 * time.Second)}}, "was restarted 3 times in a row: not again before 1s have gone by"},
		"late after three":     {situation{process: running, record: Record{Restarts: 3, InARow: 3, Last: now.Add(-8 * time.Second)}}, ""},

		"started by a clock that was ahead":   {situation{process: in(supervisord.StateRunning, ago(-time.Hour)), since: since, grace: 10 * time.Second}, ""},
		"restarted by a clock that was ahead": {situation{process: running, since: since, record: Record{Restarts: 3, InARow: 3, Last: now.Add(time.Hour)}}, ""},
	} {
		test.now = now
		got := test.refusal()
		if (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// TestFlapping restarts whenever it may, once a second for an hour.
func TestFlapping(t *testing.T) {
	var r Record
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var at []time.Duration
	for second := range 3600 {
		if moment := now.Add(time.Duration(second) * time.Second); r.wait(moment) == 0 {
			r = r.restarted(moment, "test", true)
			at = append(at, moment.Sub(now))
		}
	}
	// 2, 4, 8, ... 256 seconds after one another, then 300.
	if len(at) < 15 || len(at) > 20 {
		t.Errorf("%d restarts in an hour, at %v", len(at), at)
	}
	for i, want := range []time.Duration{0, 2 * time.Second, 6 * time.Second, 14 * time.Second, 30 * time.Second} {
		if at[i] != want {
			t.Errorf("restart %d comes after %s, want %s", i+1, at[i], want)
		}
	}
	if last := at[len(at)-1] - at[len(at)-2]; last != maxDelay {
		t.Errorf("the last two are %s apart, want %s", last, maxDelay)
	}
	if r.Restarts != len(at) {
		t.Errorf("%d restarts are on record, want %d", r.Restarts, len(at))
	}
}

func TestForgiveness(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	r := Record{Restarts: 4, InARow: 4, Last: now} // has to wait for 16 seconds
	if again := r.restarted(now.Add(160*time.Second), "", true); again.InARow != 5 {
		t.Errorf("after 160s it is restart %d in a row, want 5", again.InARow)
	}
	if again := r.restarted(now.Add(161*time.Second), "", true); again.InARow != 1 || again.Restarts != 5 {
		t.Errorf("after 161s it is restart %d in a row, %d in all, want 1 and 5", again.InARow, again.Restarts)
	}
	if again := r.restarted(now.Add(time.Second), "", false); again.InARow != 4 || again.Restarts != 5 {
		t.Errorf("after a person's it is restart %d in a row, %d in all, want 4 and 5", again.InARow, again.Restarts)
	}
	if wait := r.wait(now.Add(-24 * time.Hour)); wait != 0 {
		t.Errorf("after the clock was set back it has to wait for %s", wait)
	}
}
