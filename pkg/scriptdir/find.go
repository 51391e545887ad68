// Package scriptdir finds the executables that lie in a directory, says what is
// wrong with one, and runs it: as a function where it is built in, else as a
// process (see package script).
//
// A built-in file is one whose interpreter is the container manager:
//
//	#!/usr/bin/container-manager script
//
// Started as a process, it is `container-manager script FILE ARGUMENT...`, which acts by
// the base name of FILE. The container manager itself calls the function, because a
// process costs two milliseconds. It does not look at the other lines, which are for
// Python: the kernel decides by the first line too.
package scriptdir

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/script"
)

// File is a candidate of a directory: something that is meant to be run.
type File struct {
	Name string // base name
	Path string
	// Empty files do nothing: a child image's way to switch a step off.
	Empty bool
	// Builtin files have the container manager as their interpreter, and act by
	// their names.
	Builtin bool

	head []byte // the first bytes, enough to tell what kind of file it is
	err  error  // why it could not be read
}

// headSize is enough for the `#!` line that Linux reads (256 bytes).
const headSize = 256

// Find returns the candidates of dir in file-name order: *.py, *.sh, and any
// other file that begins with `#!` or the ELF magic. A file without an extension
// that may not be read counts as well: nobody can tell what it begins with, and
// Check says so. Hidden files do not count, nor does what editors and package
// managers leave beside a file: *~, .bak, .orig, .rej, .swp, .dpkg-* and .rpm*.
// Execute bits do not select: after the image tree was locked every file has them.
// A directory that is missing has no candidates.
func Find(dir string) ([]File, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot list %s: %w", dir, err)
	}
	files := make([]File, 0, len(entries))
	for _, entry := range entries {
		name := entry.Name()
		if strings.HasPrefix(name, ".") || isLeftover(name) {
			continue
		}
		if f := Inspect(filepath.Join(dir, name)); f.isCandidate() {
			files = append(files, f)
		}
	}
	return files, nil
}

func isLeftover(name string) bool {
	switch ext := path.Ext(name); {
	case strings.HasSuffix(name, "~"), ext == ".bak", ext == ".orig", ext == ".rej", ext == ".swp":
		return true
	default:
		return strings.HasPrefix(ext, ".dpkg-") || strings.HasPrefix(ext, ".rpm")
	}
}

// Inspect looks at one file without judging it; see Check.
func Inspect(file string) File {
	f := File{Name: filepath.Base(file), Path: file}
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.err = errors.New("is a link to a file that does not exist")
		if _, lerr := os.Lstat(file); lerr != nil {
			f.err = errors.New("does not exist")
		}
	case err != nil:
		f.err = unreadable(err, "the directories above it")
	case !info.Mode().IsRegular():
		f.err = fmt.Errorf("is no file but a %s", kind(info.Mode()))
	case info.Size() == 0:
		f.Empty = true
	default:
		if f.head, err = fsutil.ReadHead(file, headSize); err != nil {
			f.err = unreadable(err, "it")
		}
		f.Builtin = isBuiltin(f.head)
	}
	return f
}

// unreadable says why a file cannot be read and, where permissions are the
// reason, what to give them to.
func unreadable(err error, what string) error {
	err = fsutil.Cause(err)
	if !errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("cannot be read: %w", err)
	}
	return fmt.Errorf("cannot be read by uid %d: %w: chmod 755 %s in the image", os.Geteuid(), err, what)
}

func (f File) isCandidate() bool {
	switch ext := path.Ext(f.Name); {
	case ext == ".py" || ext == ".sh":
		return true
	case f.err != nil:
		// Its name does not tell that it is meant to be run. A directory is not. A
		// file that may not be read is mostly data if it has an extension. A link
		// that leads nowhere may have led to a script.
		return isDangling(f.Path) || path.Ext(f.Name) == "" && errors.Is(f.err, fs.ErrPermission)
	default:
		return hasShebang(f.head) || bytes.HasPrefix(f.head, []byte(script.ELFMagic))
	}
}

func isDangling(file string) bool {
	_, err := os.Stat(file)
	return errors.Is(err, fs.ErrNotExist)
}

// isBuiltin reports whether the first line of a file is
// `#!/ANY/PATH/container-manager script`.
func isBuiltin(head []byte) bool {
	line, _, whole := bytes.Cut(head, []byte("\n"))
	if !hasShebang(line) || !whole && len(head) == headSize {
		return false
	}
	fields := strings.Fields(string(line[2:]))
	return len(fields) == 2 && path.Base(fields[0]) == "container-manager" && fields[1] == "script"
}

func hasShebang(head []byte) bool { return bytes.HasPrefix(head, []byte("#!")) }
