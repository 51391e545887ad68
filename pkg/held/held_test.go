package held

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestHold(t *testing.T) {
	run := t.TempDir()
	const program = "group:web/1 %"
	if m, ok := Get(run, program); ok {
		t.Errorf("held before it was: %+v", m)
	}
	must(t, Hold(run, program, "a backup"))
	m, ok := Get(run, program)
	if !ok || m.PID != os.Getpid() || m.Why != "a backup" || m.Program != program {
		t.Errorf("mark %+v, %v", m, ok)
	}
	if orphans := Orphans(run); len(orphans) != 0 {
		t.Errorf("orphans %+v", orphans)
	}
	must(t, Release(run, program))
	must(t, Release(run, program))
	if m, ok := Get(run, program); ok {
		t.Errorf("held after its release: %+v", m)
	}
}

func TestDeadHolder(t *testing.T) {
	run := t.TempDir()
	sleep := exec.Command("sleep", "60")
	must(t, sleep.Start())
	began, err := startTime(sleep.Process.Pid)
	must(t, err)
	must(t, write(run, Mark{"web", "a backup", sleep.Process.Pid, began}))
	if _, ok := Get(run, "web"); !ok {
		t.Error("the mark of a living holder is void")
	}
	must(t, sleep.Process.Kill())
	_ = sleep.Wait()
	if m, ok := Get(run, "web"); ok {
		t.Errorf("the mark of a dead holder is valid: %+v", m)
	}
	if orphans := Orphans(run); len(orphans) != 1 || orphans[0].Program != "web" {
		t.Errorf("orphans %+v", orphans)
	}
}

// TestNumberOfAnother is about a dead holder whose process id another process
// has been given since.
func TestNumberOfAnother(t *testing.T) {
	run := t.TempDir()
	began, err := startTime(os.Getpid())
	must(t, err)
	must(t, write(run, Mark{"web", "a backup", os.Getpid(), began - 1}))
	if m, ok := Get(run, "web"); ok {
		t.Errorf("the mark is valid: %+v", m)
	}
}

func TestPersonHolds(t *testing.T) {
	run := t.TempDir()
	must(t, HoldForGood(run, "web", "container-manager stop"))
	if m, ok := Get(run, "web"); !ok || m.PID != 0 {
		t.Errorf("mark %+v, %v", m, ok)
	}
	if orphans := Orphans(run); len(orphans) != 0 {
		t.Errorf("orphans %+v", orphans)
	}
}

func TestBrokenMarks(t *testing.T) {
	run := t.TempDir()
	must(t, os.Mkdir(filepath.Join(run, "held"), 0o755))
	for _, content := range []string{"", "1", "x y z", "-1 0 z", "1 2"} {
		must(t, os.WriteFile(filepath.Join(run, "held", "web"), []byte(content), 0o644))
		if m, ok := Get(run, "web"); ok {
			t.Errorf("%q: %+v", content, m)
		}
	}
}
