package archive

import (
	"context"
	"errors"
	"io"
)

// Verify reads an archive to its end. It returns the head, nil when there is no
// manifest.
func Verify(ctx context.Context, open Source, limits Limits, progress func(n int)) (*Head, error) {
	r, err := Open(ctx, open, limits)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	r.Progress = progress
	for {
		if _, err := r.Next(); errors.Is(err, io.EOF) {
			return r.Head, nil
		} else if err != nil {
			return r.Head, err
		}
	}
}
