package backup

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/pkg/backup/archive"
	"github.com/ZPascal/container-manager/pkg/fsutil"
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
	must(v.t, s.plan(v.t.Context(), in.Head))
	must(v.t, s.unpack(in))
	for i := range s.journal.Targets {
		must(v.t, s.journal.Targets[i].plan(nil))
	}
	must(v.t, s.journal.write())
	for _, t := range s.journal.Targets {
		for _, s := range t.Swaps {
			for _, half := range halves(s) {
				if all++; all <= renames {
					must(v.t, half.do())
				}
			}
		}
	}
	return all
}

// halves are the renames of a swap, one by one.
func halves(s swap) []swap {
	var all []swap
	if s.Kept != "" {
		all = append(all, swap{Live: s.Live, Kept: s.Kept})
	}
	if s.Fresh != "" {
		all = append(all, swap{Live: s.Live, Fresh: s.Fresh})
	}
	return all
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
		must(t, v.Recover(t.Context()))
		if got := v.state(); got != before {
			t.Errorf("killed after %d of %d renames:\n%s\nwant\n%s", renames, all, got, before)
		}
		v.wantLog("a restore of " + path + " was killed: taking it back")
		must(t, v.Recover(t.Context())) // nothing to do
		// The staging directory goes with the next backup or restore.
		_, err := v.Restore(t.Context(), Latest)
		must(t, err)
		v.noLeftovers()
		if renames == all {
			return
		}
	}
}

// TestRecoverAgain takes back what was taken back, for one target, two, or all.
func TestRecoverAgain(t *testing.T) {
	for undone := range 3 {
		v, path, before := inOtherState(t)
		v.halfRestored(path, 99)
		js, err := v.journals()
		must(t, err)
		for _, target := range js[0].Targets[:undone] {
			must(t, target.takeBack())
		}
		write(t, filepath.Join(v.Config.ConfDir, "since"), "written since")
		must(t, v.Recover(t.Context()))
		if undone == 0 {
			before, _, _ = strings.Cut(before, "conf: ")
		}
		if got := v.state(); !strings.Contains(got, lastLine(before)) {
			t.Errorf("taken back %d before:\n%s\nwant\n%s", undone, got, before)
		}
		v.wantSomewhere("written since")
	}
}

func lastLine(text string) string {
	return text[strings.LastIndexByte(strings.TrimSuffix(text, "\n"), '\n')+1:]
}

// wantSomewhere fails unless there is a file with the content in the storage.
func (v *volume) wantSomewhere(content string) {
	v.t.Helper()
	found := false
	must(v.t, filepath.WalkDir(v.Config.StorageBaseDir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && d.Name() != "body" {
			data, err := os.ReadFile(path)
			found = found || err == nil && string(data) == content
		}
		return nil
	}))
	if !found {
		v.t.Fatalf("%q is lost", content)
	}
}

// TestRecoverSetsAside is about directories that were made anew while their
// content was away.
func TestRecoverSetsAside(t *testing.T) {
	v, path, _ := inOtherState(t)
	v.halfRestored(path, 2) // the configuration is in place, the data is away
	must(t, os.MkdirAll(filepath.Join(v.Config.DataDir, "empty"), 0o755))
	write(t, filepath.Join(v.Config.DataDir, "empty", "f"), "by an app that was started too early")
	must(t, v.Recover(t.Context()))
	if got := tree(t, v.Config.DataDir); got != "cache/x.tmp=worthless db/table=new rows extra=new" {
		t.Errorf("the data is %s", got)
	}
	aside, err := filepath.Glob(v.Config.DataDir + asideMark + "*")
	must(t, err)
	if len(aside) != 1 || tree(t, aside[0]) != "empty/f=by an app that was started too early" {
		t.Errorf("set aside: %q", aside)
	}
	v.wantLog(fmt.Sprintf("what was in place of %s when the restore was taken back is kept as %s", v.Config.DataDir, aside[0]))

	v, path, before := inOtherState(t)
	v.halfRestored(path, 2)                    // the configuration is in place, the data is away
	must(t, os.Mkdir(v.Config.DataDir, 0o755)) // empty: it just goes
	must(t, v.Recover(t.Context()))
	if got := v.state(); got != before {
		t.Errorf("there is\n%s\nwant\n%s", got, before)
	}
}

// TestBrokenJournal has journals that name what no restore makes. They are refused,
// and what they name stays. All of it lies below the test's own directory, because a
// journal that is believed by mistake is acted upon.
func TestBrokenJournal(t *testing.T) {
	v := withPaths(t)
	path := v.newJournal("", "token").path
	dir := t.TempDir()
	write(t, filepath.Join(dir, "victim", "precious"), "precious")
	must(t, os.MkdirAll(filepath.Join(dir, "victim", "empty"), 0o755))
	const stage = ".restore-2026-01-02_03:04:05-abcdef"
	const names = `"kept": "DIR/x.before-restore-y", "aside": "DIR/x.taken-back-y"`
	for _, dirs := range []string{stage, "x.before-restore-y", "x.taken-back-y"} { // so that a way through them leads on
		must(t, os.MkdirAll(filepath.Join(dir, dirs), 0o755))
	}
	before := tree(t, dir)
	target := func(swaps string) string {
		return `{"targets": [{"stage": "DIR/` + stage + `", "live": "DIR/x", ` + names + `, "swaps": [` + swaps + `]}]}`
	}
	for _, text := range []string{
		"{",
		`{"targets": [{"stage": "DIR/victim"}]}`,
		`{"targets": [{"stage": "DIR/` + stage + `", "live": "DIR/x", "kept": "DIR/victim", "aside": "DIR/x.taken-back-y"}]}`,
		target(`{"live": "DIR/victim", ` + names + `}`),
		target(`{"live": "DIR/x/../victim", ` + names + `}`),
		target(`{"live": "DIR/x", "kept": "DIR/victim", "aside": "DIR/x.taken-back-y"}`),
		target(`{"live": "DIR/x", "kept": "DIR/x.before-restore-y/../victim", "aside": "DIR/x.taken-back-y"}`),
		target(`{"live": "DIR/x", "aside": "DIR/victim/.taken-back-y"}`),
		target(`{"live": "DIR/x", "fresh": "DIR/` + stage + `/../victim", ` + names + `}`),
	} {
		write(t, path, strings.ReplaceAll(text, "DIR", dir))
		wantError(t, v.Recover(t.Context()), path+" cannot be read, and says how a restore is taken back")
		_, err := v.Backup(t.Context())
		wantError(t, err, path)
		if got := tree(t, dir); got != before || !fsutil.Exists(filepath.Join(dir, "victim", "empty")) {
			t.Errorf("%s: there is\n%s", text, got)
		}
	}
}

// TestForeignJournal is about two containers that share the archives, and each
// have a data directory of their own.
func TestForeignJournal(t *testing.T) {
	v, path, _ := inOtherState(t)
	before := tree(t, v.Config.DataDir)
	v.halfRestored(path, 99)
	elsewhere := t.TempDir() // what the other container does not see
	hidden := []string{v.Config.DataDir}
	for _, pattern := range []string{"*" + keptMark + "*"} {
		found, err := filepath.Glob(v.Config.DataDir + pattern)
		must(t, err)
		hidden = append(hidden, found...)
	}
	stages := besidePaths(v.Config.BackupPaths, isStage)
	hidden = append(hidden, stages...)
	rename := func(from, to string) {
		for _, path := range hidden {
			must(t, os.Rename(filepath.Join(from, filepath.Base(path)), filepath.Join(to, filepath.Base(path))))
		}
	}
	rename(v.Config.StorageBaseDir, elsewhere)
	write(t, filepath.Join(v.Config.DataDir, "f"), "of the other container")
	must(t, v.Recover(t.Context()))
	v.wantLog("a restore of "+path+" was killed in another container: ", "is left to that one, because there is no "+stages[0]+" here")
	_, err := v.Backup(t.Context())
	must(t, err)
	if got := tree(t, v.Config.DataDir); got != "f=of the other container" {
		t.Errorf("the data of the other container is %s", got)
	}

	must(t, os.RemoveAll(v.Config.DataDir))
	rename(elsewhere, v.Config.StorageBaseDir)
	must(t, v.Recover(t.Context()))
	if got := tree(t, v.Config.DataDir); got != before {
		t.Errorf("the data is %s, want %s", got, before)
	}
	v.noLeftovers()
}
