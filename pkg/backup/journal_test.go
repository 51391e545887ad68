package backup

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/ZPascal/container-manager/pkg/backup/archive"
)

// halfRestored does what a restore does, up to and with the given number of
// renames, and stops there as if it had been killed. It returns how many there
// are in all.
func (v *volume) halfRestored(path string, renames int) (all int) {
	v.t.Helper()
	content, err := v.newStaging()
	must(v.t, err)
	s := &restoring{Runner: v.Runner, path: path, content: content, result: Result{Archive: path}}
	in, err := archive.Open(v.t.Context(), s.source(path), s.limits())
	must(v.t, err)
	defer in.Close()
	must(v.t, s.plan(in.Head))
	must(v.t, s.unpack(in))
	for _, p := range s.placements {
		moves, err := p.moves(nil)
		must(v.t, err)
		s.journal.Moves = append(s.journal.Moves, moves...)
	}
	must(v.t, s.writeJournal(s.journal))
	for _, m := range s.journal.Moves[:min(renames, len(s.journal.Moves))] {
		must(v.t, m.do())
	}
	return len(s.journal.Moves)
}

// inOtherState makes a volume with a backup, and then another content.
func inOtherState(t *testing.T) (v *volume, archive, before string) {
	t.Helper()
	v = withPaths(t)
	made, err := v.Backup(t.Context())
	must(t, err)
	write(t, filepath.Join(v.Config.DataDir, "db", "table"), "new rows")
	write(t, filepath.Join(v.Config.DataDir, "extra"), "new")
	must(t, os.RemoveAll(v.Config.ConfDir))
	return v, made.Archive, v.state()
}

// TestRecover kills a restore after each of its renames. The next start of the
// container finds everything as it was.
func TestRecover(t *testing.T) {
	for renames := 0; ; renames++ {
		v, path, before := inOtherState(t)
		all := v.halfRestored(path, renames)
		must(t, Recover(t.Context(), v.Config, v.Log))
		if got := v.state(); got != before {
			t.Errorf("killed after %d of %d renames:\n%s\nwant\n%s", renames, all, got, before)
		}
		v.wantLog("a restore of " + path + " was killed: taking it back")
		must(t, Recover(t.Context(), v.Config, v.Log)) // nothing to do
		// The staging directory goes with the next backup or restore.
		_, err := v.Restore(t.Context(), Latest)
		must(t, err)
		v.noLeftovers()
		if renames == all {
			return
		}
	}
}

// TestRecoverAfterRecover kills the recovery as well, after each of its renames.
func TestRecoverAfterRecover(t *testing.T) {
	for undone := 0; ; undone++ {
		v, path, before := inOtherState(t)
		all := v.halfRestored(path, 99)
		var j journal
		unmarshal(t, read(t, v.journalPath()), &j)
		slices.Reverse(j.Moves)
		for _, m := range j.Moves[:undone] {
			_, err := m.undo("stamp")
			must(t, err)
		}
		must(t, Recover(t.Context(), v.Config, v.Log))
		if got := v.state(); got != before {
			t.Errorf("killed after %d of %d renames back:\n%s\nwant\n%s", undone, all, got, before)
		}
		if undone == all {
			return
		}
	}
}

// TestRecoverSetsAside is about directories that were made anew while their
// content was away.
func TestRecoverSetsAside(t *testing.T) {
	v, path, _ := inOtherState(t)
	v.halfRestored(path, 2) // the configuration is in place, the data is away
	must(t, os.MkdirAll(filepath.Join(v.Config.DataDir, "empty"), 0o755))
	write(t, filepath.Join(v.Config.DataDir, "empty", "f"), "by an app that was started too early")
	must(t, Recover(t.Context(), v.Config, v.Log))
	if got := tree(t, v.Config.DataDir); got != "cache/x.tmp=worthless db/table=new rows extra=new" {
		t.Errorf("the data is %s", got)
	}
	aside, err := filepath.Glob(v.Config.DataDir + ".recreated-*")
	must(t, err)
	if len(aside) != 1 || tree(t, aside[0]) != "empty/f=by an app that was started too early" {
		t.Errorf("set aside: %q", aside)
	}
	v.wantLog(fmt.Sprintf("%s was made again while its content was away: that is now %s", v.Config.DataDir, aside[0]))

	v, path, before := inOtherState(t)
	v.halfRestored(path, 2)                    // the configuration is in place, the data is away
	must(t, os.Mkdir(v.Config.DataDir, 0o755)) // empty: it just goes
	must(t, Recover(t.Context(), v.Config, v.Log))
	if got := v.state(); got != before {
		t.Errorf("there is\n%s\nwant\n%s", got, before)
	}
}

func TestBrokenJournal(t *testing.T) {
	v := withPaths(t)
	write(t, v.journalPath(), "{")
	wantError(t, Recover(t.Context(), v.Config, v.Log), v.journalPath()+" cannot be read, and says how a restore is taken back")
	_, err := v.Backup(t.Context())
	wantError(t, err, v.journalPath())
}
