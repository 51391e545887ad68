// Package held keeps the marks that say which programs are held stopped on
// purpose, so that no health check starts them: while a backup reads their data,
// or because a person wants it so.
//
// A mark is a file below IMAGE_RUN_DIR with the process id of its holder and
// the time at which that process began. It is void once the holder is dead,
// however it died. A mark for a person has no holder and lasts until it is
// released.
package held

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/ZPascal/container-manager/pkg/fsutil"
)

// Mark says that a program is held stopped.
type Mark struct {
	Program string
	Why     string // for people: backup, restore, container-manager stop
	// PID is the holder's process, 0 when a person holds the program.
	PID int

	began uint64 // of the holder, in clock ticks since the machine booted
}

// Valid reports whether the holder still lives.
func (m Mark) Valid() bool {
	if m.PID == 0 {
		return true
	}
	began, err := startTime(m.PID)
	return err == nil && began == m.began
}

func dir(runDir string) string { return filepath.Join(runDir, "held") }

// path is that of a program's mark; any name will do for a program.
func path(runDir, program string) string { return filepath.Join(dir(runDir), url.PathEscape(program)) }

// Hold marks a program as held by this process.
func Hold(runDir, program, why string) error {
	began, err := startTime(os.Getpid())
	if err != nil {
		return err
	}
	return write(runDir, Mark{program, why, os.Getpid(), began})
}

// HoldForGood marks a program as held by a person.
func HoldForGood(runDir, program, why string) error {
	return write(runDir, Mark{Program: program, Why: why})
}

func write(runDir string, m Mark) error {
	if err := os.Mkdir(dir(runDir), 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("cannot mark %s as held: %w%s", m.Program, err, fsutil.Advice(runDir, err))
	}
	return fsutil.Replace(path(runDir, m.Program), fmt.Appendf(nil, "%d %d %s\n", m.PID, m.began, m.Why), 0o644)
}

// Release removes a program's mark, if there is one.
func Release(runDir, program string) error {
	err := os.Remove(path(runDir, program))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Get returns a program's mark. A mark whose holder is dead counts as none.
func Get(runDir, program string) (Mark, bool) {
	m, ok := read(runDir, program)
	return m, ok && m.Valid()
}

// All returns the marks that are valid.
func All(runDir string) []Mark { return marks(runDir, Mark.Valid) }

// Orphans returns the marks whose holders died before they could start the
// programs again.
func Orphans(runDir string) []Mark {
	return marks(runDir, func(m Mark) bool { return !m.Valid() })
}

func marks(runDir string, wanted func(Mark) bool) []Mark {
	entries, _ := os.ReadDir(dir(runDir)) // without the directory there are none
	var found []Mark
	for _, e := range entries {
		program, err := url.PathUnescape(e.Name())
		if err != nil {
			continue
		}
		if m, ok := read(runDir, program); ok && wanted(m) {
			found = append(found, m)
		}
	}
	return found
}

// read reads a mark. What is none, such as one that is just being written, is
// passed over.
func read(runDir, program string) (Mark, bool) {
	data, err := os.ReadFile(path(runDir, program))
	if err != nil {
		return Mark{}, false
	}
	fields := strings.SplitN(strings.TrimSuffix(string(data), "\n"), " ", 3)
	if len(fields) != 3 {
		return Mark{}, false
	}
	pid, err := strconv.Atoi(fields[0])
	began, err2 := strconv.ParseUint(fields[1], 10, 64)
	if err != nil || err2 != nil || pid < 0 {
		return Mark{}, false
	}
	return Mark{program, fields[2], pid, began}, true
}

// startTime returns when a process began, by field 22 of /proc/PID/stat; see
// proc(5). Together with the number it names one process for good. A zombie is
// dead.
func startTime(pid int) (uint64, error) {
	file := fmt.Sprintf("/proc/%d/stat", pid)
	data, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	// The name, in parentheses, may hold blanks and parentheses itself.
	rest := string(data[strings.LastIndexByte(string(data), ')')+1:])
	fields := strings.Fields(rest) // from the third field on
	if len(fields) < 20 || fields[0] == "Z" {
		return 0, fmt.Errorf("%s tells no start time", file)
	}
	return strconv.ParseUint(fields[19], 10, 64)
}
