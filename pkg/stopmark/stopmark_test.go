package stopmark

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/ZPascal/container-manager/pkg/proc"
	"github.com/ZPascal/container-manager/test/testenv"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// holders are other processes that hold marks.
func TestMain(m *testing.M) {
	testenv.Main(m, map[string]func([]string) int{
		// hold RUN-DIR PROGRAM PURPOSE: marks the program, and lives until it is killed.
		"hold": func(args []string) int {
			if err := Hold(args[1], args[2], Purpose(args[3])); err != nil {
				return 1
			}
			time.Sleep(time.Hour)
			return 0
		},
	})
}

// hold returns a process that holds a mark.
func hold(t *testing.T, run, program string, purpose Purpose) *exec.Cmd {
	t.Helper()
	cmd := testenv.Command(t, os.Environ(), "hold", run, program, string(purpose))
	must(t, cmd.Start())
	testenv.WaitFor(t, program+" is marked", func() bool {
		return slices.ContainsFunc(All(run), func(m Mark) bool { return m.Program == program && m.Holder.PID == cmd.Process.Pid })
	})
	return cmd
}

// kill kills a process. It stays a zombie for a while, as of a parent that is busy.
func kill(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	must(t, cmd.Process.Kill())
	_, err := cmd.Process.Wait()
	must(t, err)
}

func TestHold(t *testing.T) {
	run := t.TempDir()
	const program = "group:web-1/ %,\n"
	if m, ok := Get(run, program); ok {
		t.Errorf("held before it was: %+v", m)
	}
	must(t, Hold(run, program, Backup))
	must(t, Hold(run, program, Backup))
	self, err := proc.Self()
	must(t, err)
	m, ok := Get(run, program)
	if !ok || m.Holder != self || m.For != Backup || m.Program != program || m.IsOrphan() {
		t.Errorf("mark %+v, %v", m, ok)
	}
	if _, ok := Get(run, "web"); ok || len(All(run)) != 1 {
		t.Errorf("marks %+v", All(run))
	}
	must(t, Release(run, program))
	must(t, Release(run, program))
	if len(All(run)) > 0 {
		t.Errorf("held after its release: %+v", All(run))
	}
}

func TestHoldWithoutRunDir(t *testing.T) {
	run := filepath.Join(t.TempDir(), "none")
	if err := Hold(run, "web", Backup); err == nil || testenv.Exists(run) {
		t.Errorf("error %v", err)
	}
}

func TestDeadHolder(t *testing.T) {
	for _, purpose := range []Purpose{Restart, Backup, Restore} {
		run := t.TempDir()
		holder := hold(t, run, "web", purpose)
		if m, ok := Get(run, "web"); !ok || m.IsOrphan() || m.TakeOver() {
			t.Errorf("%s: the mark of a living holder is void: %+v", purpose, m)
		}
		must(t, Release(run, "web")) // that is another's
		if _, ok := Get(run, "web"); !ok {
			t.Errorf("%s: another has released the mark", purpose)
		}
		kill(t, holder)
		// What a restore has left half done has to be taken back before anything runs.
		if m, ok := Get(run, "web"); ok != (purpose == Restore) {
			t.Errorf("%s: the mark of a dead holder: %+v, %v", purpose, m, ok)
		}
		orphans := Orphans(run)
		if len(orphans) != 1 || orphans[0].Program != "web" || orphans[0].For != purpose {
			t.Fatalf("%s: orphans %+v", purpose, orphans)
		}
		if !orphans[0].TakeOver() || orphans[0].TakeOver() {
			t.Errorf("%s: not taken over once", purpose)
		}
		if m, ok := Get(run, "web"); !ok || m.Holder.PID != os.Getpid() || m.For != purpose || len(All(run)) != 1 {
			t.Errorf("%s: taken over it is %+v, %v", purpose, m, ok)
		}
		must(t, Release(run, "web"))
		if len(All(run)) > 0 {
			t.Errorf("%s: marks %+v", purpose, All(run))
		}
	}
}

// TestNumberOfAnother is about a dead holder whose process id another process
// has been given since.
func TestNumberOfAnother(t *testing.T) {
	self, err := proc.Self()
	must(t, err)
	self.Start--
	if m := (Mark{Program: "web", For: Backup, Holder: self}); m.Holds() || !m.IsOrphan() {
		t.Errorf("the mark holds: %+v", m)
	}
}

// TestSeveral is about a program that several want stopped.
func TestSeveral(t *testing.T) {
	run := t.TempDir()
	holder := hold(t, run, "web", Restore)
	must(t, Hold(run, "web", Restart))
	must(t, Hold(run, "web", Person))
	if n := len(All(run)); n != 3 {
		t.Errorf("%d marks", n)
	}
	must(t, Release(run, "web"))
	must(t, ReleasePerson(run, "web"))
	if m, ok := Get(run, "web"); !ok || m.For != Restore || m.Holder.PID != holder.Process.Pid {
		t.Errorf("mark %+v, %v", m, ok)
	}
}

func TestPersonHolds(t *testing.T) {
	run := t.TempDir()
	must(t, Hold(run, "web", Person))
	must(t, Release(run, "web"))
	if m, ok := Get(run, "web"); !ok || m.For != Person || m.IsOrphan() {
		t.Errorf("mark %+v, %v", m, ok)
	}
	must(t, ReleasePerson(run, "web"))
	if len(All(run)) > 0 {
		t.Errorf("marks %+v", All(run))
	}
}

func TestString(t *testing.T) {
	self, err := proc.Self()
	must(t, err)
	for want, m := range map[string]Mark{
		"is held stopped (container-manager stop): container-manager start starts it": {For: Person},
		"is left stopped by process 7 (restore), which is dead":                       {For: Restore, Holder: proc.ID{PID: 7}},
		fmt.Sprintf("is held stopped by process %d (backup)", self.PID):               {For: Backup, Holder: self},
	} {
		if got := m.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{
		"backup-4711-123456-web", "person-0-0-group:web", "restore-1-2-a%2Fb", "restart-1-2-a-b-c",
		"", "web", "backup", "backup-1-2", "backup-1-2-", "backup-0-0-web", "person-1-2-web", "other-1-2-web",
		"backup--1-2-web", "backup-x-2-web", "backup-1-x-web", "backup-1-2-%zz", "backup-1-18446744073709551615-web",
		".backup-1-2-web", "backup-99999999999999999999-2-web",
	} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		m, ok := parse(name)
		if !ok {
			return
		}
		if again, ok := parse(m.name()); !ok || again != m {
			t.Errorf("%q is %+v, whose own name is %q", name, m, m.name())
		}
		if m.Program == "" || (m.For == Person) != (m.Holder.PID == 0) {
			t.Errorf("%q is %+v", name, m)
		}
	})
}

// TestOtherFiles has files in the directory that are no marks.
func TestOtherFiles(t *testing.T) {
	run := t.TempDir()
	for _, name := range []string{"web", "backup-1-2-", ".backup-1-2-web"} {
		testenv.Write(t, filepath.Join(Dir(run), name), "", 0o644)
	}
	if marks := All(run); len(marks) > 0 {
		t.Errorf("marks %+v", marks)
	}
}
