package pid1

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/pkg/proc"
	"github.com/ZPascal/container-manager/test/testenv"
)

// Whoever asks is told when nobody is there to be asked, and no other process is ended.
func TestAskWithoutAFirstProcess(t *testing.T) {
	other := exec.Command("sleep", "1000")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Process.Kill(); _ = other.Wait() }()
	stat, err := proc.ReadStat(other.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	// A process that has the number of a first process that is dead.
	later, err := json.Marshal(proc.ID{PID: other.Process.Pid, Start: stat.Start - 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, first := range []string{"", "{", "[]", "{}", `{"PID":-1}`, string(later)} {
		run := t.TempDir()
		testenv.Write(t, firstPath(run), first, 0o644)
		if err := Ask(run, StatusRestarts, "why"); err == nil || !strings.HasPrefix(err.Error(), "no first process waits to be told that the container is to end") {
			t.Errorf("%q: error %v", first, err)
		}
		if e, ok := wasAsked(run); ok {
			t.Errorf("%q: it was asked for %+v", first, e)
		}
	}
	if err := Ask(t.TempDir(), StatusRestarts, "why"); err == nil {
		t.Error("there is no directory, and no error")
	}
	if stat, err := proc.ReadStat(other.Process.Pid); err != nil || stat.HasEnded() {
		t.Error("another process was ended")
	}
}

func TestWasAsked(t *testing.T) {
	for content, want := range map[string]string{
		"": "", "{": "", `{"status":0,"why":"x"}`: "", `{"status":-1}`: "",
		`{"status":13,"why":"it does not help"}`: "it does not help: the container ends with status 13",
	} {
		run := t.TempDir()
		testenv.Write(t, askedPath(run), content, 0o644)
		e, ok := wasAsked(run)
		if ok != (want != "") || ok && e.line() != want {
			t.Errorf("%q: %v, %+v", content, ok, e)
		}
	}
}
