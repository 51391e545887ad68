package backup

import (
	"encoding/json"
	"os"
	"path/filepath"
	"time"

	"github.com/ZPascal/container-manager/pkg/backup/archive"
	"github.com/ZPascal/container-manager/pkg/fsutil"
)

// indexName is a file in STORAGE_BACKUP_DIR that says what is known of the archives
// beside it, so that they need not be read again. Without the index they are read once
// more; nothing else depends on it.
const indexName = ".index.json"

// index has a record for each archive that was read whole.
type index map[string]record

type record struct {
	// Size and ModTime tell the file that was read from a later one of the same name.
	Size     int64         `json:"size"`
	ModTime  time.Time     `json:"mtime"`
	Verified time.Time     `json:"verified"`
	SHA256   string        `json:"sha256,omitempty"` // of the file, when it is encrypted
	Head     *archive.Head `json:"head,omitempty"`   // when it has one
}

func (r Runner) indexPath() string { return filepath.Join(r.Config.BackupDir, indexName) }

func (r Runner) readIndex() index {
	var idx index
	data, err := os.ReadFile(r.indexPath())
	if err != nil || json.Unmarshal(data, &idx) != nil || idx == nil { // null is JSON too
		return index{}
	}
	return idx
}

// get returns the record of an archive, if that is still the file it was.
func (idx index) get(a Archive) (record, bool) {
	rec, ok := idx[a.Name]
	return rec, ok && rec.Size == a.Size && rec.ModTime.Equal(a.ModTime)
}

// updateIndex changes the index, and drops archives that are gone. A failure costs time
// later, and nothing else.
func (r Runner) updateIndex(change func(index)) {
	idx := r.readIndex()
	change(idx)
	for name := range idx {
		if _, err := os.Lstat(filepath.Join(r.Config.BackupDir, name)); err != nil {
			delete(idx, name)
		}
	}
	data, err := json.Marshal(idx)
	if err == nil {
		err = fsutil.WriteFile(r.indexPath(), append(data, '\n'), archiveMode)
	}
	if err != nil {
		r.Log.Warn().Msgf("cannot note what is known of the archives: %v", err)
	}
}

// note records that an archive was read whole just now.
func (r Runner) note(path string, head *archive.Head, sum string) {
	info, err := os.Lstat(path)
	if err != nil || filepath.Dir(path) != filepath.Clean(r.Config.BackupDir) {
		return
	}
	r.updateIndex(func(idx index) {
		idx[filepath.Base(path)] = record{info.Size(), info.ModTime(), time.Now().Round(time.Second), sum, head}
	})
}
