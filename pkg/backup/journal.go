package backup

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/fsutil"
)

// A journal is a file in STORAGE_BACKUP_DIR that is there while a restore is at
// work on declared paths. It says how to take the restore back. Each restore has
// one of its own, because several containers may share the volume.
const (
	journalPrefix = ".restore-journal-" // and the restore's token
	journalSuffix = ".json"
)

type journal struct {
	Archive string `json:"archive"`
	// Stop are the programs that must not run when the restore is taken back.
	Stop []string `json:"stop,omitempty"`
	// Done says that there is nothing to take back: a first start has restored
	// the archive, and has not put that on record yet.
	Done    bool     `json:"done,omitempty"`
	Targets []target `json:"targets"`

	path string
}

// write writes the journal, and returns when it survives a power failure. Nothing that
// the journal speaks of is done before.
func (j journal) write() error {
	data, err := json.MarshalIndent(j, "", "\t")
	if err != nil {
		return err
	}
	return fsutil.WriteFile(j.path, append(data, '\n'), archiveMode)
}

// remove removes the journal, and returns when that survives a power failure.
func (j journal) remove() error {
	if err := os.Remove(j.path); err != nil {
		return err
	}
	return fsutil.SyncDir(filepath.Dir(j.path))
}

// sync makes the renames of the targets survive a power failure.
func (j journal) sync() error {
	var dirs []string
	for _, t := range j.Targets {
		for _, s := range t.Swaps {
			for _, path := range []string{s.Live, s.Kept, s.Fresh, s.Aside} {
				if path != "" {
					dirs = append(dirs, filepath.Dir(path))
				}
			}
		}
	}
	slices.Sort(dirs)
	for _, dir := range slices.Compact(dirs) {
		if err := fsutil.SyncDir(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// newJournal returns the journal of a restore that is not written yet.
func (r Runner) newJournal(archive, token string) journal {
	return journal{
		Archive: archive,
		Stop:    r.toStop(),
		path:    filepath.Join(r.Config.BackupDir, journalPrefix+token+journalSuffix),
	}
}

func isJournal(name string) bool {
	return strings.HasPrefix(name, journalPrefix) && strings.HasSuffix(name, journalSuffix)
}

// journals reads the journals of restores that did not end. Mostly there are none.
func (r Runner) journals() ([]journal, error) {
	entries, err := os.ReadDir(r.Config.BackupDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []journal
	for _, e := range entries {
		if !isJournal(e.Name()) {
			continue
		}
		j, err := readJournal(filepath.Join(r.Config.BackupDir, e.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue // its restore has just ended
		}
		if err != nil {
			return nil, err
		}
		all = append(all, j)
	}
	return all, nil
}

func readJournal(path string) (journal, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return journal{}, err
	}
	j, err := parseJournal(data)
	if err != nil {
		return j, fmt.Errorf("%s cannot be read, and says how a restore is taken back: %w", path, err)
	}
	j.path = path
	return j, nil
}

// parseJournal refuses names that no restore makes, because the files that a journal
// names are renamed.
func parseJournal(data []byte) (journal, error) {
	var j journal
	if err := json.Unmarshal(data, &j); err != nil {
		return j, err
	}
	for _, t := range j.Targets {
		if err := t.check(); err != nil {
			return journal{}, err
		}
	}
	return j, nil
}

// check compares the names of a target with those that restores make.
func (t target) check() error {
	if !isClean(t.Stage) || !isStage(filepath.Base(t.Stage)) {
		return fmt.Errorf("%q is no directory for new content", t.Stage)
	}
	if !isClean(t.Live) || !t.isBeside(t.Kept, keptMark) || !t.isBeside(t.Aside, asideMark) {
		return fmt.Errorf("the names for %q are not those of a restore", t.Live)
	}
	for _, s := range t.Swaps {
		switch {
		case !isClean(s.Live) || !config.Within(s.Live, t.Live):
			return fmt.Errorf("%q is not in %q", s.Live, t.Live)
		case s.Kept != "" && (!isClean(s.Kept) || !config.Within(s.Kept, t.Kept)),
			s.Fresh != "" && (!isClean(s.Fresh) || !strings.HasPrefix(s.Fresh, t.Stage+"/")),
			!isClean(s.Aside) || !config.Within(s.Aside, t.Aside):
			return fmt.Errorf("the names for %q are not those of a restore", s.Live)
		}
	}
	return nil
}

// isBeside reports whether a restore of the target gives this name to content that it
// moves away.
func (t target) isBeside(path, mark string) bool {
	dir := filepath.Dir(path)
	return isClean(path) && strings.Contains(filepath.Base(path), mark) && (dir == filepath.Dir(t.Live) || dir == t.Live)
}

// isClean reports whether a path is absolute and leads through no "..".
func isClean(path string) bool { return filepath.IsAbs(path) && filepath.Clean(path) == path }
