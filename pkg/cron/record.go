package cron

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/ZPascal/container-manager/pkg/proc"
)

// record keeps in a directory which jobs are running. When cron is killed, the next cron
// reads the record, so that it does not start a job that still runs.
//
// A running job is an empty file. All that it says is its name, JOB-PID-START, with
// a sum of the entry and the process; see proc.ID. So it is whole after a kill.
type record struct {
	dir  string               // empty when nothing can be recorded
	left map[string][]proc.ID // what a former cron has left running, by the sum of the entry
}

// openRecord reads what a former cron has left, and forgets what has ended since.
// Without a container there is no place for the record: then nothing is recorded.
func openRecord(dir string) (*record, error) {
	err := os.Mkdir(dir, 0o755)
	switch {
	case dir == "" || errors.Is(err, fs.ErrNotExist):
		return &record{}, nil
	case err != nil && !errors.Is(err, fs.ErrExist):
		return &record{}, fmt.Errorf("cannot record which jobs are running: %w", err)
	}
	r := &record{dir: dir, left: map[string][]proc.ID{}}
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		job, id, ok := parseRunning(e.Name())
		switch {
		case ok && id.Lives():
			r.left[job] = append(r.left[job], id)
		case ok:
			err = errors.Join(err, os.Remove(filepath.Join(dir, e.Name())))
		}
	}
	return r, err
}

// leftRunning returns the process of an entry that a former cron has started and
// that still runs.
func (r *record) leftRunning(e Entry) (proc.ID, bool) {
	for _, id := range r.left[sum(e)] {
		if id.Lives() {
			return id, true
		}
	}
	return proc.ID{}, false
}

// begin records that an entry runs as a process; end takes that back.
func (r *record) begin(e Entry, pid int) (end func(), err error) {
	end = func() {}
	if r.dir == "" {
		return end, nil
	}
	stat, err := proc.ReadStat(pid)
	if errors.Is(err, fs.ErrNotExist) {
		return end, nil // it has ended already
	}
	if err != nil {
		return end, fmt.Errorf("cannot record that the job is running: %w", err)
	}
	path := filepath.Join(r.dir, fmt.Sprintf("%s-%d-%d", sum(e), pid, stat.Start))
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return end, fmt.Errorf("cannot record that the job is running: %w", err)
	}
	return func() { _ = os.Remove(path) }, f.Close()
}

func parseRunning(name string) (job string, id proc.ID, ok bool) {
	fields := strings.Split(name, "-")
	if len(fields) != 3 {
		return "", proc.ID{}, false
	}
	pid, pidErr := strconv.Atoi(fields[1])
	start, startErr := strconv.ParseUint(fields[2], 10, 64)
	return fields[0], proc.ID{PID: pid, Start: start}, pidErr == nil && startErr == nil
}

// sum tells entries apart. It does not depend on their lines in the crontab.
func sum(e Entry) string {
	h := fnv.New64a()
	for _, part := range append([]string{e.File, e.Spec, e.Schedule.Zone(), e.Command}, e.Env...) {
		_, _ = h.Write(append([]byte(part), 0)) // never fails
	}
	return fmt.Sprintf("%016x", h.Sum64())
}
