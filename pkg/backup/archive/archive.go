// Package archive reads and writes the files that hold a backup: a tar archive,
// compressed with gzip, that any tar unpacks.
//
// An archive of ours begins with an entry named ManifestName. Its first line is
// the Head, a JSON object that describes the whole; then follows a line with an
// Entry for everything in the archive, in the order in which it comes. So one
// block read from the front tells what an archive is, and reading it to its end
// proves every file against its size, mode and SHA-256.
//
// The manifest stands in front although the sums are known only at the end. See
// Writer.Finish for how that works without reading anything twice or keeping it in
// memory.
//
// Archives without a manifest, made by plain `tar czf`, are read as well; then only the
// sums of gzip can be checked. An archive is invalid when an entry could reach outside
// the directory that it is unpacked into.
package archive

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"syscall"
	"time"
	"unicode/utf8"
)

// ManifestName is the name of the first entry.
const ManifestName = ".backup-manifest.jsonl"

// PathsDir is where an archive has the paths of Head.Paths: /storage/data is below
// IMAGE_BACKUP_PATHS/storage/data. Scripts must not stage a directory of this name.
const PathsDir = "IMAGE_BACKUP_PATHS"

// formatName and formatVersion are what a manifest of ours begins with.
const (
	formatName    = "container-manager-backup"
	formatVersion = 1
)

// ErrInvalid marks errors that are the archive's own fault. A full disk and a file
// that cannot be opened are not.
var ErrInvalid = errors.New("the archive is invalid")

// Invalid marks an error as one of the archive.
func Invalid(err error) error { return invalidf("%w", err) }

func invalidf(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrInvalid, fmt.Errorf(format, args...))
}

// Head describes an archive as a whole.
type Head struct {
	Format       string    `json:"format"`
	Version      int       `json:"version"`
	Image        string    `json:"image,omitempty"`
	ImageVersion string    `json:"image_version,omitempty"`
	App          string    `json:"app,omitempty"`
	AppVersion   string    `json:"app_version,omitempty"`
	Started      time.Time `json:"started"`
	Finished     time.Time `json:"finished"`
	// Paths are the directories and files of the container that the archive
	// holds below PathsDir. The rest was staged by scripts.
	Paths   []string `json:"paths,omitempty"`
	Entries int64    `json:"entries"` // of every kind
	Files   int64    `json:"files"`   // regular files
	Bytes   int64    `json:"bytes"`   // in regular files
	// Changed counts what grew, shrank or vanished while it was read;
	// Unreadable what could not be read and is missing.
	Changed    int64 `json:"changed"`
	Unreadable int64 `json:"unreadable"`
}

// Complete reports whether the archive has everything that it should have, and nothing
// changed while it was read.
func (h Head) Complete() bool { return h.Changed == 0 && h.Unreadable == 0 }

// Kind is the kind of an entry.
type Kind string

// The kinds of entries.
const (
	File     Kind = "file"
	Dir      Kind = "dir"
	Symlink  Kind = "symlink"
	Hardlink Kind = "hardlink"
)

// Entry is one file, directory or link.
type Entry struct {
	Path    Name              `json:"path"` // relative, with slashes
	Kind    Kind              `json:"kind"`
	Mode    Mode              `json:"mode"`
	UID     int               `json:"uid"`
	GID     int               `json:"gid"`
	ModTime time.Time         `json:"mtime"`
	Size    int64             `json:"size,omitempty"`
	Target  Name              `json:"target,omitempty"` // of a link; a hard link's is a path of the archive
	SHA256  string            `json:"sha256,omitempty"` // of a file, hexadecimal
	Xattrs  map[string][]byte `json:"xattrs,omitempty"` // extended attributes of the user namespace
}

// newEntry describes a file by its stat.
func newEntry(as string, kind Kind, info fs.FileInfo) Entry {
	e := Entry{Path: Name(as), Kind: kind, ModTime: info.ModTime().UTC()}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		e.Mode, e.UID, e.GID = Mode(st.Mode&0o7777), int(st.Uid), int(st.Gid)
	}
	return e
}

// Mode is a Unix mode without the type: permissions, setuid, setgid, sticky.
type Mode uint32

// FileMode returns the mode as the standard library has it.
func (m Mode) FileMode() fs.FileMode {
	mode := fs.FileMode(m & 0o777)
	for bit, flag := range map[Mode]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky} {
		if m&bit != 0 {
			mode |= flag
		}
	}
	return mode
}

// MarshalText writes the mode in octal digits.
func (m Mode) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%04o", uint32(m)), nil }

// UnmarshalText reads octal digits.
func (m *Mode) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 8, 12)
	if err != nil {
		return fmt.Errorf("mode %q is not four octal digits", text)
	}
	*m = Mode(n)
	return nil
}

// Name is a file's name, which may hold any bytes. In JSON it is a string, or
// {"base64": "..."} when it is no UTF-8.
type Name string

type encodedName struct {
	Base64 string `json:"base64"`
}

// MarshalJSON implements json.Marshaler.
func (n Name) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(n)) {
		return json.Marshal(string(n))
	}
	return json.Marshal(encodedName{base64.StdEncoding.EncodeToString([]byte(n))})
}

// UnmarshalJSON implements json.Unmarshaler.
func (n *Name) UnmarshalJSON(data []byte) error {
	if len(data) == 0 || data[0] != '{' {
		return json.Unmarshal(data, (*string)(n))
	}
	var e encodedName
	if err := json.Unmarshal(data, &e); err != nil {
		return err
	}
	raw, err := base64.StdEncoding.DecodeString(e.Base64)
	*n = Name(raw)
	return err
}

// Limits bound what is read from an archive, so that a small one cannot fill a
// disk. 0 means no limit.
type Limits struct {
	Bytes   int64 // in files, unpacked
	Entries int64
}
