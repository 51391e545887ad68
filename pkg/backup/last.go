package backup

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/fsutil"
)

// lastName is a file in STORAGE_BACKUP_DIR that says how the last backup went. It lies
// beside the archives, because whoever asks after a night wants to know it in the next
// container too.
const lastName = ".last-backup.json"

// Status is how a backup went.
type Status string

// The statuses.
const (
	Running    Status = "running"
	Done       Status = "ok"
	Incomplete Status = "incomplete" // there is an archive, but not all is as it should be
	Failed     Status = "failed"     // there is no new archive
)

// Run is one backup.
type Run struct {
	Began    time.Time  `json:"began"`
	Ended    *time.Time `json:"ended,omitempty"`
	Seconds  float64    `json:"seconds,omitempty"`
	Status   Status     `json:"status"`
	Archive  string     `json:"archive,omitempty"` // its name
	Size     int64      `json:"size,omitempty"`    // of the archive
	Files    int64      `json:"files,omitempty"`
	Bytes    int64      `json:"bytes,omitempty"` // in these files
	Problems int        `json:"problems,omitempty"`
	Error    string     `json:"error,omitempty"`
}

// Last is what is known of the last backups.
type Last struct {
	Last *Run `json:"last,omitempty"`
	// LastSuccess is the last one with which all was as it should be.
	LastSuccess *Run `json:"last_success,omitempty"`
}

// lastPaths are where the record may lie. The second place is for a volume that cannot be
// written.
func lastPaths(c config.Config) []string {
	return []string{filepath.Join(c.BackupDir, lastName), filepath.Join(c.RunDir, "cron", "last-backup.json")}
}

// ReadLast returns what is known of the last backups. A run that was killed has failed.
func ReadLast(c config.Config) Last {
	var newest Last
	for _, path := range lastPaths(c) {
		if l := readLast(path); l.Last != nil && (newest.Last == nil || l.Last.Began.After(newest.Last.Began)) {
			newest = l
		}
	}
	if newest.Last != nil && newest.Last.Status == Running && !isLocked(c) {
		newest.Last.Status, newest.Last.Error = Failed, "it was killed before it could end"
	}
	return newest
}

// readLast reads a record; one that is damaged says nothing.
func readLast(path string) Last {
	var l Last
	data, err := fsutil.ReadFile(path)
	if err != nil || json.Unmarshal(data, &l) != nil || !l.Last.isSound() || !l.LastSuccess.isSound() {
		return Last{}
	}
	return l
}

func (r *Run) isSound() bool {
	return r == nil || !r.Began.IsZero() && min(r.Size, r.Files, r.Bytes, int64(r.Problems)) >= 0
}

// isLocked reports whether a backup or restore is at work.
func isLocked(c config.Config) bool {
	lock, err := fsutil.TryLock(filepath.Join(c.BackupDir, lockName))
	if err == nil {
		_ = lock.Unlock()
	}
	return errors.Is(err, fsutil.ErrLocked)
}

// lastMode lets the container's user read the record of a backup that root has made by
// hand. It holds names, times and sizes.
const lastMode fs.FileMode = 0o644

// keep writes down how a backup goes. Without the record only those who ask know less.
func (r Runner) keep(run Run) {
	last := ReadLast(r.Config)
	last.Last = &run
	if run.Status == Done {
		last.LastSuccess = &run
	}
	data, err := json.Marshal(last)
	if err != nil {
		return
	}
	data = append(data, '\n')
	for _, path := range lastPaths(r.Config) {
		if err = fsutil.WriteFile(path, data, lastMode); err == nil {
			return
		}
	}
	r.Log.Warn().Msgf("how this backup went is not recorded: %v", err)
}

// endedWith completes the record of a run.
func (run Run) endedWith(result Result, m *making, err error) Run {
	now := time.Now().UTC().Truncate(time.Millisecond)
	run.Ended, run.Seconds, run.Problems = &now, now.Sub(run.Began).Seconds(), result.Problems
	if err != nil {
		run.Status, run.Error = Failed, err.Error()
		return run
	}
	run.Status = Done
	if result.Problems > 0 {
		run.Status = Incomplete
	}
	run.Archive = filepath.Base(result.Archive)
	if info, err := os.Stat(result.Archive); err == nil {
		run.Size = info.Size()
	}
	run.Files, run.Bytes = m.head.Files, m.head.Bytes
	return run
}
