package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/log"
)

// journalName is a file in STORAGE_BACKUP_DIR that is there while a restore is
// at work on declared paths. It says how to take it all back.
const journalName = ".restore-journal.json"

type journal struct {
	Archive string   `json:"archive"`
	Stages  []string `json:"stages"` // directories to remove
	Kept    []string `json:"kept"`   // former content
	Moves   []move   `json:"moves"`  // in the order in which they are done
}

func (r Runner) journalPath() string { return filepath.Join(r.Config.BackupDir, journalName) }

// write makes the journal survive a power failure before anything that it
// speaks of is done.
func (r Runner) writeJournal(j journal) error {
	data, err := json.MarshalIndent(j, "", "\t")
	if err != nil {
		return err
	}
	return fsutil.WriteFile(r.journalPath(), append(data, '\n'), archiveMode)
}

// commit ends a restore: from here on nothing is taken back.
func (r Runner) commit(j journal) error {
	if err := syncParents(j.Moves); err != nil {
		return err
	}
	if err := os.Remove(r.journalPath()); err != nil {
		return err
	}
	if err := fsutil.SyncDir(r.Config.BackupDir); err != nil {
		return err
	}
	for _, stage := range j.Stages {
		r.remove(stage)
	}
	for _, kept := range j.Kept {
		_ = unix.Rmdir(kept) // unless there is something in it, or it is no directory
		if exists(kept) {
			r.Log.Info().Msgf("what was there before is kept as %s: remove it when you no longer need it", kept)
		}
	}
	return nil
}

func syncParents(moves []move) error {
	dirs := map[string]bool{}
	for _, m := range moves {
		dirs[filepath.Dir(m.From)], dirs[filepath.Dir(m.To)] = true, true
	}
	for dir := range dirs {
		if err := fsutil.SyncDir(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// undo takes a restore back, whole or half done, and ends it.
func (r Runner) undo(j journal) error {
	stamp := time.Now().Format(stampFormat)
	for _, m := range slices.Backward(j.Moves) {
		setAside, err := m.undo(stamp)
		if err != nil {
			return fmt.Errorf("cannot take the restore of %s back: %w; %s says what is left to be done", j.Archive, err, r.journalPath())
		}
		if setAside != "" {
			r.Log.Warn().Msgf("%s was made again while its content was away: that is now %s", m.From, setAside)
		}
	}
	if err := syncParents(j.Moves); err != nil {
		return err
	}
	for _, stage := range j.Stages {
		r.remove(stage)
	}
	for _, kept := range j.Kept {
		r.removeEmpty(kept)
	}
	if err := os.Remove(r.journalPath()); err != nil {
		return err
	}
	return fsutil.SyncDir(r.Config.BackupDir)
}

// removeEmpty removes a tree of directories that hold nothing else.
func (r Runner) removeEmpty(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if e.IsDir() {
			r.removeEmpty(filepath.Join(dir, e.Name()))
		}
	}
	_ = unix.Rmdir(dir)
}

// takeBack takes back what a restore that was killed has done. The caller has the
// lock.
func (r Runner) takeBack() error {
	data, err := os.ReadFile(r.journalPath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var j journal
	if err := json.Unmarshal(data, &j); err != nil {
		return fmt.Errorf("%s cannot be read, and says how a restore is taken back: %w", r.journalPath(), err)
	}
	r.Log.Warn().Msgf("a restore of %s was killed: taking it back", j.Archive)
	return r.undo(j)
}

// Recover takes back what a restore that was killed has left half done. It is
// for every start of a container, before anything uses the storage; mostly there
// is nothing to do.
func Recover(ctx context.Context, c config.Config, l log.Logger) error {
	r := Runner{Config: c, Log: l}
	if !exists(r.journalPath()) {
		return nil
	}
	lock, err := r.waitLock(ctx, "recovery")
	if err != nil {
		return err
	}
	defer lock.Unlock()
	return r.takeBack()
}
