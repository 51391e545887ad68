package scriptdir

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// Check says why the current user cannot run the file as a process, and what to
// do about it.
func (f File) Check() error {
	if f.err != nil {
		return fmt.Errorf("%s %w", f.Path, f.err)
	}
	if f.Empty {
		return fmt.Errorf("%s is empty: it does nothing", f.Path)
	}
	if unix.Faccessat(unix.AT_FDCWD, f.Path, unix.X_OK, unix.AT_EACCESS) != nil {
		return &NotExecutableError{f.Path}
	}
	if hasShebang(f.head) {
		return f.checkInterpreter()
	}
	if ext := path.Ext(f.Name); ext == ".py" || ext == ".sh" {
		return fmt.Errorf("%s:1: has no #! line: begin it with %s", f.Path, map[string]string{".py": "#!/usr/bin/python3", ".sh": "#!/bin/sh"}[ext])
	}
	return nil
}

// NotExecutableError says that the current user may not execute a file.
type NotExecutableError struct{ Path string }

func (e *NotExecutableError) Error() string {
	return fmt.Sprintf("%s is not executable for uid %d: chmod 755 it in the image", e.Path, os.Geteuid())
}

// NeedsBinary reports whether a built-in file cannot be run by its path: it has
// no execute bits, or the binary is not where its first line says. Then
// `container-manager script PATH` runs it.
func (f File) NeedsBinary() bool { return f.Builtin && f.Check() != nil }

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
		return &NoInterpreterError{f.Path, interpreter}
	}
	return nil
}

// NoInterpreterError says that what a script's first line names cannot be run.
type NoInterpreterError struct{ Path, Interpreter string }

func (e *NoInterpreterError) Error() string {
	return fmt.Sprintf("%s:1: the interpreter %s is missing or not executable: install it, or name another one", e.Path, e.Interpreter)
}

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
