// Package stopmark keeps the marks of programs that are stopped on purpose.
//
// Whoever stops a program makes a mark before, and removes it when the program
// has been started again. The mark says what the program is stopped for, and who
// starts it again: a process, or a person. When that process dies, the process that
// finds its mark starts the program; see Watch.
//
// A mark is an empty file below IMAGE_RUN_DIR. All that it says is its name:
// PURPOSE-PID-START-PROGRAM, where START, the time at which the process began,
// tells it from a later one of the same number. So a mark is whole at any time,
// needs no room on a full disk, and nobody removes another's by mistake.
package stopmark

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
	"github.com/ZPascal/container-manager/pkg/proc"
)

// Purpose is what a program is stopped for.
type Purpose string

// The purposes.
const (
	Restart Purpose = "restart"
	Backup  Purpose = "backup"
	Restore Purpose = "restore"
	Person  Purpose = "person" // for as long as a person wants it so
)

// Mark says that a program is stopped.
type Mark struct {
	Program string // its full name; see supervisor.Name
	For     Purpose
	Holder  proc.ID // who starts it again; zero where a person does

	path string
}

// IsOrphan reports whether the holder is dead.
func (m Mark) IsOrphan() bool { return m.For != Person && !m.Holder.Lives() }

// Holds reports whether the program is to stay stopped. A dead holder's mark does
// not count, except the mark of a restore, which has to be taken back first.
func (m Mark) Holds() bool { return m.For == Restore || !m.IsOrphan() }

// String says who keeps the program stopped, as in "app is held stopped ...".
func (m Mark) String() string {
	switch {
	case m.For == Person:
		return "is held stopped (container-manager stop): container-manager start starts it"
	case m.IsOrphan():
		return fmt.Sprintf("is left stopped by process %d (%s), which is dead", m.Holder.PID, m.For)
	}
	return fmt.Sprintf("is held stopped by process %d (%s)", m.Holder.PID, m.For)
}

// Dir is where the marks lie.
func Dir(runDir string) string { return filepath.Join(runDir, "stopped") }

func (m Mark) name() string {
	return fmt.Sprintf("%s-%d-%d-%s", m.For, m.Holder.PID, m.Holder.Start, url.PathEscape(m.Program))
}

// parse is the reverse of name. A file of another name is no mark.
func parse(name string) (m Mark, ok bool) {
	fields := strings.SplitN(name, "-", 4)
	if len(fields) != 4 {
		return m, false
	}
	pid, pidErr := strconv.Atoi(fields[1])
	start, startErr := strconv.ParseUint(fields[2], 10, 64)
	program, nameErr := url.PathUnescape(fields[3])
	m = Mark{Program: program, For: Purpose(fields[0]), Holder: proc.ID{PID: pid, Start: start}}
	switch m.For {
	case Restart, Backup, Restore:
		ok = pid > 0
	case Person:
		ok = pid == 0 && start == 0
	}
	return m, ok && program != "" && errors.Join(pidErr, startErr, nameErr) == nil
}

// Hold marks a program as stopped by this process, or by a person.
func Hold(runDir, program string, purpose Purpose) error {
	m := Mark{Program: program, For: purpose}
	if err := m.sign(); err != nil {
		return err
	}
	if err := os.Mkdir(Dir(runDir), 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return cannotMark(runDir, program, err)
	}
	f, err := os.OpenFile(filepath.Join(Dir(runDir), m.name()), os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return cannotMark(runDir, program, err)
	}
	return f.Close()
}

func cannotMark(runDir, program string, err error) error {
	return fmt.Errorf("cannot mark %s as stopped: %w%s", program, err, fsutil.Advice(runDir, err))
}

// sign makes this process the holder, unless a person is.
func (m *Mark) sign() (err error) {
	if m.For != Person {
		m.Holder, err = proc.Self()
	}
	return err
}

// TakeOver makes this process the holder in place of a dead one, and reports
// whether it has: of several processes one does.
func (m Mark) TakeOver() bool {
	if !m.IsOrphan() {
		return false
	}
	mine := m
	return mine.sign() == nil && os.Rename(m.path, filepath.Join(filepath.Dir(m.path), mine.name())) == nil
}

// Release removes this process's marks on a program, which runs again, and with
// them those of dead holders.
func Release(runDir, program string) error {
	self, err := proc.Self()
	return errors.Join(err, remove(runDir, program, func(m Mark) bool { return m.Holder == self || m.IsOrphan() }))
}

// ReleasePerson removes a person's mark on a program.
func ReleasePerson(runDir, program string) error {
	return remove(runDir, program, func(m Mark) bool { return m.For == Person })
}

func remove(runDir, program string, unwanted func(Mark) bool) (err error) {
	for _, m := range All(runDir) {
		if m.Program == program && unwanted(m) {
			if e := os.Remove(m.path); !errors.Is(e, fs.ErrNotExist) {
				err = errors.Join(err, e)
			}
		}
	}
	return err
}

// Get returns the mark that holds a program, if there is one.
func Get(runDir, program string) (Mark, bool) {
	for _, m := range All(runDir) {
		if m.Program == program && m.Holds() {
			return m, true
		}
	}
	return Mark{}, false
}

// Orphans returns the marks whose holders died before they could start the
// programs again.
func Orphans(runDir string) []Mark {
	var orphans []Mark
	for _, m := range All(runDir) {
		if m.IsOrphan() {
			orphans = append(orphans, m)
		}
	}
	return orphans
}

// All returns all marks, sorted: what is held for a backup comes first.
func All(runDir string) []Mark {
	entries, _ := os.ReadDir(Dir(runDir)) // without the directory there are no marks
	var marks []Mark
	for _, entry := range entries {
		if m, ok := parse(entry.Name()); ok {
			m.path = filepath.Join(Dir(runDir), entry.Name())
			marks = append(marks, m)
		}
	}
	return marks
}
