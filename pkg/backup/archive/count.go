package archive

import (
	"context"
	"io"
	"os"
)

// Counts is what Count has found.
type Counts struct {
	Files      int
	Bytes      int64 // of their content
	Unreadable int   // what Add would warn of
}

// Count walks as Add does, and archives nothing.
func Count(ctx context.Context, dir *os.Root, name string, skip Skip) (Counts, error) {
	var c Counts
	err := newTree(ctx, &c, skip).add(dir, name, ".", name)
	return c, err
}

func (c *Counts) write(_ context.Context, e *Entry, _ io.Reader) error {
	if e.Kind == File {
		c.Files++
		c.Bytes += e.Size
	}
	return nil
}

func (c *Counts) warn(_ string, lost bool, _ error) {
	if lost {
		c.Unreadable++
	}
}

// sink takes what a walk finds: a Writer, or a Counts.
type sink interface {
	write(ctx context.Context, e *Entry, content io.Reader) error
	// warn reports a path that could not be read. lost is false for a path that has
	// changed while it was read.
	warn(path string, lost bool, why error)
}
