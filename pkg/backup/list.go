package backup

import (
	"context"
	"errors"
	"time"

	"github.com/ZPascal/container-manager/pkg/backup/archive"
)

// Listed is what is known of an archive without reading it whole.
type Listed struct {
	Name         string     `json:"name"`
	Time         *time.Time `json:"time"` // null when the name has no time in it
	Size         int64      `json:"size"` // of the archive
	Files        *int64     `json:"files"`
	Bytes        *int64     `json:"bytes"`    // in files
	Verified     *time.Time `json:"verified"` // when it was last read whole
	Image        string     `json:"image"`
	ImageVersion string     `json:"image_version"`
	App          string     `json:"app"`
	AppVersion   string     `json:"app_version"`
	Incomplete   bool       `json:"incomplete"`
	Encrypted    bool       `json:"encrypted"`
	Problem      string     `json:"problem,omitempty"` // why it cannot be read
}

// List describes the archives of STORAGE_BACKUP_DIR, the newest first.
func (r Runner) List(ctx context.Context) ([]Listed, error) {
	archives, err := Archives(r.Config.BackupDir)
	if err != nil {
		return nil, err
	}
	idx := r.readIndex()
	list := make([]Listed, 0, len(archives))
	for _, a := range archives {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		list = append(list, r.describe(a, idx))
	}
	return list, nil
}

func (r Runner) describe(a Archive, idx index) Listed {
	l := Listed{Name: a.Name, Size: a.Size, Encrypted: a.Encrypted()}
	if !a.Time.IsZero() {
		l.Time = &a.Time
	}
	rec, known := idx.get(a)
	head := rec.Head
	if known {
		l.Verified = &rec.Verified
	} else {
		var err error
		if head, err = archive.ReadHead(r.source(a.Path)); err != nil && !errors.Is(err, errNoKey) {
			l.Problem = err.Error()
		}
	}
	if head != nil {
		l.Files, l.Bytes = &head.Files, &head.Bytes
		l.Image, l.ImageVersion, l.App, l.AppVersion = head.Image, head.ImageVersion, head.App, head.AppVersion
		l.Incomplete = !head.Complete()
	}
	return l
}
