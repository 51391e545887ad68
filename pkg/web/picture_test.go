package web

import (
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/abrander/go-supervisord"

	"github.com/ZPascal/container-manager/test/testenv"
)

// listened gives the container an event listener, and files that are older than the step
// of a file system's clock.
func (r *rig) listened() *rig {
	r.t.Helper()
	r.all = append(r.all[:2], supervisord.ProcessInfo{Name: "health", Group: "health", State: supervisord.StateRunning, StateName: "RUNNING", Pid: 43})
	testenv.Mkdir(r.t, filepath.Join(r.Config.RunDir, "stopped"))
	testenv.Mkdir(r.t, filepath.Join(r.Config.RunDir, "supervisord"))
	r.settle()
	return r
}

// signs are the paths of all signs.
func (r *rig) signs() []string {
	all, _ := signsOf(r.Config, r.all)
	return slices.Sorted(maps.Keys(all))
}

func (r *rig) settle() {
	r.t.Helper()
	for _, path := range r.signs() {
		if !testenv.Exists(path) {
			testenv.Write(r.t, path, "RUNNING", 0o600)
		}
		if err := os.Chtimes(path, time.Time{}, r.now.Add(-time.Hour)); err != nil {
			r.t.Fatal(err)
		}
	}
}

func (r *rig) wantAsked(n int32) {
	r.t.Helper()
	if got := r.asked.Load(); got != n {
		r.t.Errorf("supervisord was asked %d times, want %d", got, n)
	}
}

// kubelet, which asks once in 10 s, does not wait for supervisord.
func TestKubeletDoesNotWait(t *testing.T) {
	r := newRig(t).listened()
	r.want(200, "ok", "/readyz")
	r.now = r.now.Add(renewed - time.Second)
	for range 10 {
		r.want(200, "ok", "/readyz")
	}
	r.wantAsked(1)
	// supervisord hangs, and no file tells of it. The answer comes at once all the same, and
	// the next one says so.
	r.now = r.now.Add(6 * time.Second)
	r.err = errNoAnswer
	r.want(200, "ok", "/readyz")
	testenv.WaitFor(t, "the news", func() bool { return r.get("/readyz").Code == http.StatusServiceUnavailable })
	r.wantAsked(2)
	r.now = r.now.Add(kept)
	r.err = nil
	r.want(200, "ok", "/readyz")
	r.wantAsked(3)
}

func TestMetricsAreOfTheMoment(t *testing.T) {
	r := newRig(t).listened()
	r.want(200, "ok", "/readyz")
	for i, path := range []string{"/metrics", "/"} {
		r.now = r.now.Add(stale)
		r.want(200, "1.2.3", path)
		r.wantAsked(int32(i + 2))
	}
}

// A change that a file tells of shows in the next answer, unless supervisord was asked in
// the second before.
func TestChangeShows(t *testing.T) {
	r := newRig(t).listened()
	for _, path := range r.signs() {
		r.all[0].State, r.all[0].StateName = supervisord.StateRunning, "RUNNING"
		r.later()
		r.settle()
		r.want(200, "ok", "/readyz")
		r.all[0].State, r.all[0].StateName = supervisord.StateFatal, "FATAL"
		news := path
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			news = filepath.Join(path, "news")
		}
		testenv.Write(t, news, "", 0o600)
		r.want(200, "ok", "/readyz")
		r.now = r.now.Add(stale)
		if w := r.get("/readyz"); w.Code != http.StatusServiceUnavailable {
			t.Errorf("a change of %s does not show", path)
		}
		if err := os.Remove(news); err != nil {
			t.Fatal(err)
		}
	}
}

// Somebody who asks often waits for nothing after a change either.
func TestChangeShowsBesideTheAnswers(t *testing.T) {
	r := newRig(t).listened()
	r.want(200, "ok", "/readyz")
	for range 4 {
		r.now = r.now.Add(fresh)
		r.want(200, "ok", "/readyz")
	}
	r.all[0].State, r.all[0].StateName = supervisord.StateFatal, "FATAL"
	if err := os.Remove(filepath.Join(r.Config.RunDir, "stopped")); err != nil {
		t.Fatal(err)
	}
	r.now = r.now.Add(stale - time.Millisecond)
	r.want(200, "ok", "/readyz")
	testenv.WaitFor(t, "the news", func() bool { return r.get("/readyz").Code == http.StatusServiceUnavailable })
	r.wantAsked(2)
}

// Without a sign that can be relied on, a picture is used as long as any other.
func TestSignsThatTellNothing(t *testing.T) {
	for name, spoil := range map[string]func(*rig){
		"no event listener":                     func(r *rig) { r.all = r.all[:len(r.all)-1] },
		"the event listener is down":            func(r *rig) { r.all[len(r.all)-1].State = supervisord.StateBackoff },
		"a program without a file of its state": func(r *rig) { r.all[0].Name = hostile },
		"no such file": func(r *rig) {
			if err := os.Remove(filepath.Join(r.Config.ProcessStateDir, "supervisor.app.state")); err != nil {
				r.t.Fatal(err)
			}
		},
		"a change just now": func(r *rig) {
			if err := os.Chtimes(filepath.Join(r.Config.ProcessStateDir, "supervisor.app.state"), time.Time{}, r.now.Add(-time.Millisecond)); err != nil {
				r.t.Fatal(err)
			}
		},
		"a change to come": func(r *rig) {
			if err := os.Chtimes(r.Config.RunDir+"/health", time.Time{}, r.now.Add(time.Hour)); err != nil {
				r.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t).listened()
			spoil(r)
			r.get("/readyz")
			r.now = r.now.Add(stale)
			r.get("/readyz")
			r.wantAsked(2)
		})
	}
}
