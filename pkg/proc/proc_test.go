package proc

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestParse(t *testing.T) {
	const rest = " 1 7 7 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0\n"
	for line, want := range map[string]Stat{
		"42 (sh) S" + rest:         {'S', 1, 7, 4711},
		"42 (a) b (c)) T" + rest:   {'T', 1, 7, 4711},
		"42 (new\nline) Z" + rest:  {'Z', 1, 7, 4711},
		"":                         {},
		"42 (sh)":                  {},
		"42 (sh) S 1 7":            {},
		"42 (sh) running" + rest:   {},
		"42 (sh) S one" + rest[2:]: {},
	} {
		got, ok := parse(line)
		if ok != (want != Stat{}) || ok && got != want {
			t.Errorf("%q: %+v, %v, want %+v", line, got, ok, want)
		}
	}
}

func TestHasEnded(t *testing.T) {
	for state, want := range map[byte]bool{'R': false, 'S': false, 'D': false, 'T': false, 'Z': true, 'X': true} {
		if got := (Stat{State: state}).HasEnded(); got != want {
			t.Errorf("%c: %v, want %v", state, got, want)
		}
	}
}

func TestList(t *testing.T) {
	if pids := List(); !slices.Contains(pids, os.Getpid()) {
		t.Errorf("%v lacks this process, %d", pids, os.Getpid())
	}
}

func FuzzParse(f *testing.F) {
	f.Add("42 (sh) S 1 7 7 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0\n")
	f.Fuzz(func(_ *testing.T, line string) { parse(line) })
}

func TestSelf(t *testing.T) {
	id, err := Self()
	if err != nil || id.PID != os.Getpid() || id.Start == 0 || !id.Lives() {
		t.Errorf("%+v, %v", id, err)
	}
	id.Start--
	if id.Lives() {
		t.Error("a process that began at another time is taken for this one")
	}
}

func TestAwait(t *testing.T) {
	sleep := exec.CommandContext(t.Context(), "sleep", "1000")
	if err := sleep.Start(); err != nil {
		t.Fatal(err)
	}
	stat, err := ReadStat(sleep.Process.Pid)
	if err != nil || stat.Parent != os.Getpid() || stat.Group != unix.Getpgrp() {
		t.Fatalf("%+v, %v", stat, err)
	}
	id := ID{sleep.Process.Pid, stat.Start}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	id.Await(ctx)
	if ctx.Err() == nil || !id.Lives() {
		t.Errorf("it did not wait (%v)", ctx.Err())
	}
	time.AfterFunc(10*time.Millisecond, func() { _ = sleep.Process.Kill() })
	id.Await(t.Context())
	if id.Lives() { // it is a zombie now
		t.Error("it lives")
	}
	_ = sleep.Wait()
	id.Await(t.Context()) // at once
	ID{os.Getpid(), 1}.Await(t.Context())
}
