package backup

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/stopmark"
	"github.com/ZPascal/container-manager/test/testenv"
)

// supervisor is one whose programs do nothing but be running.
type supervisor struct {
	running map[string]bool
	refuse  string // a call that fails, such as "stop web"
	calls   []string
	pids    map[int]string
	marked  func(name string) bool
	unheld  []string // programs that were stopped without being marked as held
}

func (s *supervisor) call(ctx context.Context, verb, name string) error {
	s.calls = append(s.calls, verb+" "+name)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if !s.marked(name) {
		s.unheld = append(s.unheld, verb+" "+name)
	}
	if s.refuse == verb+" "+name {
		return errors.New("refused")
	}
	s.running[name] = verb == "start"
	return nil
}

func (s *supervisor) Running(_ context.Context, name string) ([]string, error) {
	if name == "all" {
		return []string{"web", "worker"}, nil
	}
	running, ok := s.running[name]
	if !ok {
		return nil, fmt.Errorf("there is no program %s", name)
	}
	if !running {
		return nil, nil
	}
	return []string{name}, nil
}

func (s *supervisor) Stop(ctx context.Context, name string) error { return s.call(ctx, "stop", name) }

func (s *supervisor) Start(ctx context.Context, name string) error { return s.call(ctx, "start", name) }

func (s *supervisor) PIDs(context.Context) (map[int]string, error) { return s.pids, nil }

func withPrograms(t *testing.T, names ...string) (*volume, *supervisor) {
	t.Helper()
	v := withPaths(t)
	s := &supervisor{running: map[string]bool{"web": true, "worker": true, "idle": false}}
	s.marked = func(name string) bool {
		_, ok := stopmark.Get(v.Config.RunDir, name)
		return ok
	}
	v.Programs, v.Config.BackupStop = s, names
	return v, s
}

func (s *supervisor) want(t *testing.T, v *volume, calls ...string) {
	t.Helper()
	if !slices.Equal(s.calls, calls) {
		t.Errorf("calls %q, want %q", s.calls, calls)
	}
	if len(s.unheld) > 0 {
		t.Errorf("without a mark: %q", s.unheld)
	}
	for name := range s.running {
		if _, ok := stopmark.Get(v.Config.RunDir, name); ok {
			t.Errorf("%s is still held", name)
		}
	}
}

func TestProgramsAreStopped(t *testing.T) {
	v, s := withPrograms(t, "web", "idle", "worker")
	log := filepath.Join(v.Config.RunDir, "stopped-programs")
	v.backupScript("a.sh", "echo staged >>"+log)
	_, err := v.Backup(t.Context())
	must(t, err)
	s.want(t, v, "stop web", "stop worker", "start worker", "start web")
	v.wantLog("idle does not run: it stays as it is")
	s.calls = nil
	_, err = v.Restore(t.Context(), Latest)
	must(t, err)
	s.want(t, v, "stop web", "stop worker", "start worker", "start web")
}

func TestProgramsStartWhateverHappens(t *testing.T) {
	t.Run("a script fails", func(t *testing.T) {
		v, s := withPrograms(t, "web")
		v.backupScript("a.sh", "exit 1")
		_, err := v.Backup(t.Context())
		wantError(t, err, "a.sh ended with exit status 1")
		s.want(t, v, "stop web", "start web")
	})
	t.Run("the backup is ended", func(t *testing.T) {
		v, s := withPrograms(t, "web")
		ctx, cancel := context.WithCancelCause(t.Context())
		why := errors.New("SIGTERM")
		ready := filepath.Join(v.Config.RunDir, "ready")
		v.backupScript("a.sh", "mkfifo "+ready+"; exec cat "+ready)
		go func() {
			testenv.WaitFor(t, "the script to begin", func() bool { return fsutil.Exists(ready) })
			cancel(why)
		}()
		_, err := v.Backup(ctx)
		if !errors.Is(err, why) {
			t.Errorf("error %v", err)
		}
		s.want(t, v, "stop web", "start web")
		v.noLeftovers()
	})
	t.Run("one cannot be stopped", func(t *testing.T) {
		v, s := withPrograms(t, "web", "worker")
		s.refuse = "stop worker"
		_, err := v.Backup(t.Context())
		wantError(t, err, "cannot stop worker (IMAGE_BACKUP_STOP_PROGRAMS): refused")
		s.want(t, v, "stop web", "stop worker", "start worker", "start web")
	})
	t.Run("one is unknown", func(t *testing.T) {
		v, s := withPrograms(t, "web", "wbe")
		_, err := v.Backup(t.Context())
		wantError(t, err, "cannot tell whether wbe runs (IMAGE_BACKUP_STOP_PROGRAMS): there is no program wbe")
		s.want(t, v, "stop web", "start web")
	})
	t.Run("one cannot be started", func(t *testing.T) {
		v, s := withPrograms(t, "web", "worker")
		s.refuse = "start worker"
		made, err := v.Backup(t.Context())
		must(t, err)
		if made.Problems != 1 {
			t.Errorf("%d problems", made.Problems)
		}
		v.wantLog("cannot start worker, which was stopped for this: refused")
		s.want(t, v, "stop web", "stop worker", "start worker", "start web")
	})
	t.Run("the restore fails", func(t *testing.T) {
		v, s := withPrograms(t, "web")
		_, err := v.Backup(t.Context())
		must(t, err)
		s.calls = nil
		before := v.state()
		v.restoreScript("a.sh", "exit 1")
		_, err = v.Restore(t.Context(), Latest)
		wantError(t, err, "a.sh ended with exit status 1")
		s.want(t, v, "stop web", "start web")
		if v.state() != before {
			t.Error("the restore was not taken back")
		}
	})
}

func TestGroupIsStopped(t *testing.T) {
	v, s := withPrograms(t, "all")
	_, err := v.Backup(t.Context())
	must(t, err)
	s.want(t, v, "stop web", "stop worker", "start worker", "start web")
}

// TestStoppedByAPerson leaves a program alone that somebody wants stopped.
func TestStoppedByAPerson(t *testing.T) {
	v, s := withPrograms(t, "idle")
	must(t, stopmark.Hold(v.Config.RunDir, "idle", stopmark.Person))
	_, err := v.Backup(t.Context())
	must(t, err)
	if len(s.calls) > 0 {
		t.Errorf("calls %q", s.calls)
	}
	if _, ok := stopmark.Get(v.Config.RunDir, "idle"); !ok {
		t.Error("the mark is gone")
	}
}

// TestKilledRunLeftProgramsStopped starts them with the next run.
func TestKilledRunLeftProgramsStopped(t *testing.T) {
	v, s := withPrograms(t)
	s.running["web"] = false
	holder := helper(t, "hold", v.Config.RunDir, "web")
	out, err := holder.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	s.marked = func(string) bool { return true } // by one who is dead
	_, err = v.Backup(t.Context())
	must(t, err)
	s.want(t, v, "start web")
	v.wantLog("a run that was killed has left web stopped")
	if !s.running["web"] || strings.Count(v.log.String(), "starting web") != 1 {
		t.Error("web was not started")
	}
}
