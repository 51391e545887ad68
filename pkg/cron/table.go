// Package cron reads crontabs and runs their jobs.
//
// A crontab is read line by line into a Table (Parse): schedules of pkg/schedule
// with a command behind, NAME=value lines for the environment of the jobs below
// them, and # comments. A Runner holds a table, hands its schedules to
// robfig/cron, runs each job as a process group of its own, and takes up what
// changes: the files, and the clock.
package cron

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/schedule"
)

// Table is the jobs of one or more crontabs, in their order.
type Table []Entry

// Entry is a job: a line of a crontab with a schedule and a command.
type Entry struct {
	File     string
	Line     int               // from 1 up
	Spec     string            // the schedule as written
	Schedule schedule.Schedule // in the crontab's time zone, if it sets one
	Command  string            // for sh -c
	Env      []string          // NAME=value, as the lines above set it
	Title    string            // the name that the crontab gives it, if it does
	// SetLabels sets these.
	Label  string
	Titled bool // the label is a name, and no place
}

// Name is what a log calls the job: its crontab's base name and its line.
func (e Entry) Name() string {
	return filepath.Base(e.File) + ":" + strconv.Itoa(e.Line)
}

// cutRepeated takes out the entries that repeat one above them: with the same
// schedule, command and environment.
func (t Table) cutRepeated() (distinct, repeated Table) {
	type job struct{ spec, zone, command, env string }
	seen := make(map[job]bool, len(t))
	distinct = slices.DeleteFunc(t, func(e Entry) bool {
		j := job{strings.Join(strings.Fields(e.Spec), " "), e.Schedule.Zone(), e.Command, strings.Join(e.Env, "\n")}
		if seen[j] {
			repeated = append(repeated, e)
			return true
		}
		seen[j] = true
		return false
	})
	return distinct, repeated
}

// Problem is a line that cannot be used.
type Problem struct {
	File   string
	Line   int
	Reason string
}

func (p Problem) String() string { return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Reason) }

// Problems are the bad lines of one or more crontabs. As an error it comes with
// a table of all the other lines.
type Problems []Problem

// mostShown is how many bad lines are shown: more are a file of another kind.
const mostShown = 20

// Lines returns one line of text for each of the first problems, and one with
// the number of those that are not shown.
func (p Problems) Lines() []string {
	lines := make([]string, 0, mostShown+1)
	for i, problem := range p {
		if i == mostShown {
			lines = append(lines, fmt.Sprintf("and %d more bad lines, %d in all", len(p)-mostShown, len(p)))
			break
		}
		lines = append(lines, problem.String())
	}
	return lines
}

func (p Problems) Error() string { return strings.Join(p.Lines(), "\n") }

// ReadFile reads a crontab. When lines of it are bad the error is Problems, and
// the table holds the others.
func ReadFile(path string) (Table, error) {
	// Opening a named pipe would wait for a writer.
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot read the crontab: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "read", Path: path, Err: errors.New("is no regular file")}
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the crontab: %w", err)
	}
	return Parse(f, path)
}

// ReadFiles reads crontabs into one table. Whoever appends to a crontab may do it
// twice, and an old image may copy the crontab to another place: a file that is
// named twice, even by different names, is read once, and an entry that repeats
// one above it is in repeated instead of the table.
func ReadFiles(paths []string) (table, repeated Table, err error) {
	var problems Problems
	var read []fs.FileInfo
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil {
			if isAmong(info, read) {
				continue
			}
			read = append(read, info)
		}
		entries, err := ReadFile(path)
		var bad Problems
		if err != nil && !errors.As(err, &bad) {
			return nil, nil, err
		}
		table, problems = append(table, entries...), append(problems, bad...)
	}
	table, repeated = table.cutRepeated()
	if len(problems) > 0 {
		return table, repeated, problems
	}
	return table, repeated, nil
}

func isAmong(info fs.FileInfo, files []fs.FileInfo) bool {
	for _, f := range files {
		if os.SameFile(info, f) {
			return true
		}
	}
	return false
}
