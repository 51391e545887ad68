package backup

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/ZPascal/container-manager/pkg/backup/archive"
)

// Verify reads an archive to its end and compares every sum that there is. It
// returns the head, nil when there is no manifest.
func (r Runner) Verify(ctx context.Context, path string) (*archive.Head, error) {
	head, sum, err := r.verify(ctx, path)
	if err != nil {
		if errors.Is(err, archive.ErrInvalid) {
			r.forget(path)
		}
		return head, fmt.Errorf("%s: %w", path, err)
	}
	r.note(path, head, sum)
	return head, nil
}

// forget drops what the index says of an archive that turned out to be broken.
func (r Runner) forget(path string) {
	if filepath.Dir(path) == filepath.Clean(r.Config.BackupDir) {
		r.updateIndex(func(idx index) { delete(idx, filepath.Base(path)) })
	}
}

// verify is Verify without the index. Where there is no key for an encrypted
// archive, its sum is compared with the one it had when it was made.
func (r Runner) verify(ctx context.Context, path string) (*archive.Head, string, error) {
	add, stop := r.progress("reading " + path)
	defer stop()
	head, err := archive.Verify(ctx, r.source(path), archive.Limits{}, add)
	if !errors.Is(err, errNoKey) {
		return head, "", err
	}
	rec, ok := r.readIndex()[filepath.Base(path)]
	if !ok || rec.SHA256 == "" {
		return nil, "", err
	}
	sum, readErr := fileSum(ctx, path)
	if readErr != nil {
		return nil, "", readErr
	}
	if hex.EncodeToString(sum) != rec.SHA256 {
		return nil, "", archive.Invalid(fmt.Errorf("the file has the SHA-256 %x instead of %s", sum, rec.SHA256))
	}
	return rec.Head, rec.SHA256, nil
}
