package archive

import (
	"archive/tar"
	"errors"
	"fmt"
	"hash/maphash"
	"path"
	"strings"
)

// rules are what every entry must obey. Then unpacking touches nothing outside the
// directory that it unpacks into, and no entry replaces another one.
type rules struct {
	limits  Limits
	bytes   int64
	entries int64
	// seen has the kind of each path so far, by the hash of the path. Paths themselves
	// would take many times the memory.
	seen map[uint64]letter
	seed maphash.Seed
}

func newRules(limits Limits) *rules {
	return &rules{limits: limits, seen: map[uint64]letter{}, seed: maphash.MakeSeed()}
}

func (r *rules) key(name string) uint64 { return maphash.String(r.seed, name) }

// letter stands for a kind of entry: f, d, s or h.
type letter byte

const (
	fileLetter     letter = 'f'
	dirLetter      letter = 'd'
	symlinkLetter  letter = 's'
	hardlinkLetter letter = 'h'
)

func (l letter) String() string {
	switch l {
	case dirLetter:
		return string(Dir)
	case symlinkLetter:
		return string(Symlink)
	case hardlinkLetter:
		return string(Hardlink)
	}
	return string(File)
}

// check says what is wrong with an entry.
func (r *rules) check(e *Entry) error {
	name := string(e.Path)
	if r.entries++; r.limits.Entries > 0 && r.entries > r.limits.Entries {
		return fmt.Errorf("holds more than %d entries (IMAGE_RESTORE_MAX_FILES)", r.limits.Entries)
	}
	if e.Size < 0 || r.limits.Bytes > 0 && e.Size > r.limits.Bytes-r.bytes {
		return fmt.Errorf("holds more than %d bytes (IMAGE_RESTORE_MAX_SIZE)", r.limits.Bytes)
	}
	r.bytes += e.Size
	for parent := path.Dir(name); parent != "."; parent = path.Dir(parent) {
		kind, ok := r.seen[r.key(parent)]
		if ok && kind != dirLetter {
			return fmt.Errorf("%q is below %q, which is a %s", name, parent, kind)
		}
		if ok {
			break // the directories above were checked with the entry that named this one
		}
		r.seen[r.key(parent)] = dirLetter
	}
	if e.Kind == Hardlink && r.seen[r.key(string(e.Target))] != fileLetter {
		return fmt.Errorf("%q is a hard link to %q, which is no file that came before it", name, e.Target)
	}
	was, ok := r.seen[r.key(name)]
	if ok && (was != dirLetter || e.Kind != Dir) {
		return fmt.Errorf("holds %q twice", name)
	}
	r.seen[r.key(name)] = letter(e.Kind[0])
	return nil
}

// cleanPath returns the path of an entry, or of a hard link's target, in the one
// form that is used from here on, "." for the directory that everything is in.
func cleanPath(name string) (string, error) {
	switch {
	case name == "":
		return "", errors.New("holds an entry without a name")
	case strings.HasPrefix(name, "/"):
		return "", fmt.Errorf("%q is an absolute path", name)
	case strings.Contains(name, "\x00"):
		return "", fmt.Errorf("%q holds a NUL byte", name)
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return "", fmt.Errorf("%q leads outside", name)
		}
	}
	return path.Clean(name), nil
}

// kindOf returns the kind of a tar entry.
func kindOf(h *tar.Header) (Kind, error) {
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeGNUSparse, tar.TypeCont:
		return File, nil
	case tar.TypeDir:
		return Dir, nil
	case tar.TypeSymlink:
		return Symlink, nil
	case tar.TypeLink:
		return Hardlink, nil
	case tar.TypeChar, tar.TypeBlock:
		return "", fmt.Errorf("%q is a device", h.Name)
	case tar.TypeFifo:
		return "", fmt.Errorf("%q is a named pipe", h.Name)
	}
	return "", fmt.Errorf("%q is of the unknown type %q", h.Name, h.Typeflag)
}
