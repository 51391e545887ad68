// Package script finds the executables that lie in a directory, checks them,
// and runs one: in a process group of its own, with its output streamed line
// by line, a time limit, and its last lines in the error.
package script

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/fsutil"
)

// File is a candidate of a directory: something that is meant to be run.
type File struct {
	Name string // base name
	Path string
	// Empty files do nothing: a child image's way to switch a step off.
	Empty bool
	// OneLine files hold nothing but `#!/usr/bin/container-manager script`:
	// whoever comes across one calls the function that their name stands for.
	OneLine bool

	head []byte // the first bytes, as far as needed to tell what it is
	err  error  // why it could not be read
}

// headSize is enough for the `#!` line that Linux reads (256 bytes).
const headSize = 256

// elfMagic begins a program; see elf(5).
const elfMagic = "\x7fELF"

// Find returns the candidates of dir in file-name order: *.py, *.sh, and any
// other file that begins with `#!` or the ELF magic. A file without an extension
// that may not be read is one as well: what it begins with cannot be known, and
// Check says so. Hidden files are none, nor is what editors and package managers
// leave beside a file: *~, .bak, .orig, .rej, .swp, .dpkg-* and .rpm*. Execute bits
// do not select. A directory that is missing has no candidates.
func Find(dir string) ([]File, error) {
	names, err := fsutil.List(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot list %s: %w", dir, err)
	}
	files := make([]File, 0, len(names))
	for _, name := range names {
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
		f.OneLine = isOneLine(f.head)
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
		// What has no telling name may be a directory, or data that is none of
		// ours to read when it has an extension; a dangling link has lost what it
		// stood for.
		return isDangling(f.Path) || path.Ext(f.Name) == "" && errors.Is(f.err, fs.ErrPermission)
	default:
		return hasShebang(f.head) || bytes.HasPrefix(f.head, []byte(elfMagic))
	}
}

func isDangling(file string) bool {
	_, err := os.Stat(file)
	return errors.Is(err, fs.ErrNotExist)
}

// Check says why the current user cannot run the file, and what to do.
func (f File) Check() error {
	if f.err != nil {
		return fmt.Errorf("%s %w", f.Path, f.err)
	}
	if f.Empty || f.OneLine {
		return nil
	}
	if unix.Faccessat(unix.AT_FDCWD, f.Path, unix.X_OK, unix.AT_EACCESS) != nil {
		return fmt.Errorf("%s is not executable for uid %d: chmod 755 it in the image", f.Path, os.Geteuid())
	}
	if hasShebang(f.head) {
		return f.checkInterpreter()
	}
	if ext := path.Ext(f.Name); ext == ".py" || ext == ".sh" {
		return fmt.Errorf("%s:1: has no #! line: begin it with %s", f.Path, map[string]string{".py": "#!/usr/bin/python3", ".sh": "#!/bin/sh"}[ext])
	}
	return nil
}

func (f File) checkInterpreter() error {
	line, _, _ := bytes.Cut(f.head[2:], []byte("\n"))
	fields := strings.Fields(string(line))
	if len(fields) == 0 {
		return fmt.Errorf("%s:1: the #! line names no interpreter", f.Path)
	}
	if bytes.HasSuffix(line, []byte("\r")) {
		return fmt.Errorf("%s:1: the #! line ends in a carriage return: save the file with Unix line ends", f.Path)
	}
	interpreter := fields[0]
	if unix.Faccessat(unix.AT_FDCWD, interpreter, unix.X_OK, unix.AT_EACCESS) != nil {
		return fmt.Errorf("%s:1: the interpreter %s is missing or not executable: install it, or name another one", f.Path, interpreter)
	}
	return nil
}

// isOneLine reports whether a file is `#!/ANY/PATH/container-manager script`
// and nothing else.
func isOneLine(head []byte) bool {
	if !hasShebang(head) || len(head) == headSize {
		return false
	}
	fields := strings.Fields(string(head[2:]))
	return len(fields) == 2 && path.Base(fields[0]) == "container-manager" && fields[1] == "script" &&
		!slices.Contains(head[:len(head)-1], '\n')
}

func hasShebang(head []byte) bool { return bytes.HasPrefix(head, []byte("#!")) }

func kind(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "directory"
	case m&fs.ModeNamedPipe != 0:
		return "named pipe"
	case m&fs.ModeSocket != 0:
		return "socket"
	}
	return "device"
}
