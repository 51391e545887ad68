package backoff

import (
	"testing"
	"time"

	"github.com/abrander/go-supervisord"

	"github.com/ZPascal/container-manager/pkg/supervisorconf"
	"github.com/ZPascal/container-manager/test/testenv"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestPausesGrow(t *testing.T) {
	const limit = 10 * time.Second
	var r Record
	for _, want := range []time.Duration{0, 1, 2, 4, 8, 10, 10} {
		r = r.Ended(now, time.Minute, limit)
		if got := r.Left(now, limit); got != want*time.Second {
			t.Errorf("end %d: a pause of %s, want %d s", r.InARow, got, want)
		}
	}
	if r = r.Ended(now, calm, limit); r.InARow != 1 || r.Left(now, limit) != 0 {
		t.Errorf("after ten minutes: %+v", r)
	}
	if got := (Record{InARow: 1 << 40}).Ended(now, 0, limit).Left(now, limit); got != limit {
		t.Errorf("the longest pause is %s", got)
	}
	if got := pause(3, 100*time.Millisecond); got != 100*time.Millisecond {
		t.Errorf("the pause is %s", got)
	}
}

func TestClockThatWasSetBack(t *testing.T) {
	r := Record{InARow: 3, Next: now}
	if got := r.Left(now.Add(-time.Hour), time.Minute); got != time.Minute {
		t.Errorf("%s are left", got)
	}
	if got := r.Left(now.Add(time.Hour), time.Minute); got != 0 || !r.IsOverdue(now.Add(time.Hour)) || r.IsOverdue(now) {
		t.Errorf("%s are left", got)
	}
	if got := r.Text(now.Add(-40 * time.Second)); got != "starts again in 40s (IMAGE_RESTART_BACKOFF)" {
		t.Error(got)
	}
}

func TestRecords(t *testing.T) {
	dir := t.TempDir()
	testenv.Mkdir(t, dir+"/health/programs")
	exited := supervisord.ProcessInfo{Name: "a/b", Group: "g", State: supervisord.StateExited}
	if _, ok := Of(dir, exited); ok {
		t.Error("it is in a pause, and has no record")
	}
	if err := (Record{InARow: 2, Next: now}).Write(dir, "g:a/b"); err != nil {
		t.Fatal(err)
	}
	if r, ok := Of(dir, exited); !ok || r.InARow != 2 || !r.Next.Equal(now) {
		t.Errorf("%+v, %v", r, ok)
	}
	running := exited
	running.State = supervisord.StateRunning
	if _, ok := Of(dir, running); ok {
		t.Error("what runs is in a pause")
	}
	for _, damaged := range []string{"", "{", `{"in_a_row":-1}`, `{"next":"soon"}`, "\x00"} {
		testenv.Write(t, path(dir, "g:a/b"), damaged, 0o600)
		if r, ok := Of(dir, exited); ok {
			t.Errorf("%q: %+v", damaged, r)
		}
	}
}

func TestAutorestart(t *testing.T) {
	for options, want := range map[string][2]bool{ // after an expected end, and after another
		"":                                      {false, true},
		"autorestart = Unexpected":              {false, true},
		"autorestart = true":                    {true, true},
		"autorestart = 1":                       {true, true},
		"autorestart = no":                      {false, false},
		"autorestart = maybe":                   {false, false},
		"autorestart = false\n" + Key + "=true": {true, true},
		"autorestart = false\n" + Key + "=unexpected": {false, true},
	} {
		file := t.TempDir() + "/x.conf"
		testenv.Write(t, file, "[program:app]\ncommand = app\n"+options+"\n", 0o644)
		conf, err := supervisorconf.Load(file, func(string) (string, bool) { return "", false })
		if err != nil {
			t.Fatal(err)
		}
		s := conf.Section("program:app")
		if got := [2]bool{StartsAgain(s, true), StartsAgain(s, false)}; got != want {
			t.Errorf("%q: %v, want %v", options, got, want)
		}
	}
}
