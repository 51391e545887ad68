package archive

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// entry checks a header, against the manifest too. It returns nil for the top directory
// of the archive.
func (r *Reader) entry(h *tar.Header) (*Entry, error) {
	kind, err := kindOf(h)
	if err != nil {
		return nil, err
	}
	e := &Entry{Kind: kind, Mode: Mode(h.Mode & 0o7777), UID: h.Uid, GID: h.Gid, ModTime: h.ModTime}
	name, err := r.path(h.Name, kind)
	if err != nil {
		return nil, err
	}
	if name == "." {
		if kind != Dir {
			return nil, fmt.Errorf("%q is a %s, and no directory", h.Name, kind)
		}
		return nil, nil
	}
	e.Path = Name(name)
	switch kind {
	case File:
		e.Size = h.Size
	case Symlink:
		if h.Linkname == "" {
			return nil, fmt.Errorf("%q is a link to nowhere", name)
		}
		e.Target = Name(h.Linkname)
	case Hardlink:
		target, err := r.path(h.Linkname, kind)
		if err != nil {
			return nil, fmt.Errorf("the target of the hard link %q: %w", name, err)
		}
		e.Target = Name(target)
	}
	r.left = e.Size
	r.hash.Reset()
	if r.lines != nil {
		if err := r.match(e); err != nil {
			return nil, err
		}
	}
	r.entries++
	return e, r.rules.check(e)
}

// stampDir is the form of the name of the one directory that older archives have around
// everything.
const stampDir = "backup-2006-01-02_15:04:05"

func isStampDir(name string) bool {
	_, err := time.Parse(stampDir, name)
	return err == nil
}

// path cleans a path and takes one leading backup-STAMP directory off.
func (r *Reader) path(name string, kind Kind) (string, error) {
	name, err := cleanPath(name)
	if err != nil || name == "." || r.lines != nil {
		return name, err
	}
	first, rest, below := strings.Cut(name, "/")
	if r.entries == 0 && r.prefix == "" && isStampDir(first) && (below || kind == Dir) {
		r.prefix = first
	}
	switch {
	case r.prefix == "":
		return name, nil
	case first != r.prefix:
		return "", fmt.Errorf("%q is beside %q, which holds the rest", name, r.prefix)
	case !below:
		return ".", nil
	}
	return rest, nil
}

// match compares an entry with the manifest's line for it, and takes from the line the
// values that only the manifest has.
func (r *Reader) match(e *Entry) error {
	line, err := readLine(r.lines)
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%q is not in the manifest", e.Path)
	}
	if err != nil {
		return err
	}
	want := &Entry{}
	if err := json.Unmarshal(line, want); err != nil {
		return fmt.Errorf("the manifest is broken: %w", err)
	}
	switch {
	case want.Path != e.Path:
		return fmt.Errorf("holds %q where the manifest has %q", e.Path, want.Path)
	case want.Kind != e.Kind || want.Size != e.Size || want.Target != e.Target || want.Mode != e.Mode:
		return fmt.Errorf("%q is not what the manifest says: %s of %d bytes, mode %04o, instead of %s of %d bytes, mode %04o",
			e.Path, e.Kind, e.Size, uint32(e.Mode), want.Kind, want.Size, uint32(want.Mode))
	}
	r.expect = want
	e.ModTime, e.SHA256, e.Xattrs = want.ModTime, want.SHA256, want.Xattrs
	return nil
}
