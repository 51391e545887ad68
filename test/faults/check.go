package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// check holds the invariants against a world that has settled.
func (w *world) check() error {
	for what, invariant := range map[string]func() error{
		"what was in place is in place or kept": w.checkData,
		"no backup is lost or half written":     w.checkArchives,
		"marker, records and data agree":        w.checkFirstStart,
		"no line of a log is lost":              w.checkLines,
		// At the full minute crond has pipes to several jobs, for as long as they run.
		"nothing grows":                         func() error { return waitFor(bound, "usage as before", w.checkUsage) },
		"no secret is where others may read it": w.checkSecret,
	} {
		if err := invariant(); err != nil {
			return fmt.Errorf("not true any more: %s: %w", what, err)
		}
	}
	return nil
}

// checkData looks for each number that the app has acknowledged, in the live data
// and in what restores have kept.
func (w *world) checkData() error {
	w.mu.Lock()
	acked := make([]uint64, 0, len(w.acked))
	for n := range w.acked {
		acked = append(acked, n)
	}
	w.mu.Unlock()
	found, err := w.numbers(w.storage)
	if err != nil {
		return err
	}
	return missing(acked, found)
}

func missing(wanted []uint64, found map[uint64]bool) error {
	var lost []uint64
	for _, n := range wanted {
		if !found[n] {
			lost = append(lost, n)
		}
	}
	if len(lost) > 0 {
		return fmt.Errorf("%d of %d acknowledged numbers are lost: %v", len(lost), len(wanted), lost[:min(10, len(lost))])
	}
	return nil
}

// numbers reads all data files below a directory. What lies in a stage was never in
// place, and does not count.
func (w *world) numbers(dir string) (map[uint64]bool, error) {
	found := map[uint64]bool{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a backup's staging directory
		}
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".restore-") || d.Name() == "backup") {
			return fs.SkipDir
		}
		if d.Name() != "numbers" || !d.Type().IsRegular() {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		parseNumbers(data, found)
		return nil
	})
	return found, err
}

func parseNumbers(data []byte, found map[uint64]bool) {
	for line := range bytes.Lines(data) {
		var n uint64
		if _, err := fmt.Sscanf(string(line), recordFormat, &n); err == nil {
			found[n] = true
		}
	}
}

// checkFirstStart: the marker is there, so what it stands for has been done, and
// there are no records any more. A step is run again only if it was killed.
func (w *world) checkFirstStart() error {
	if _, err := os.Stat(filepath.Join(w.storage, ".run-once.completed")); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(w.storage, ".run-once.steps")); err == nil {
		return errors.New("there are both, the marker and the records of a first start")
	}
	once, _ := os.ReadFile(filepath.Join(w.storage, "once"))
	begun := strings.Count(string(once), "begun")
	if !strings.Contains(string(once), "done") || begun > 1+w.kills {
		return fmt.Errorf("after %d kills the step of the first start has written %q", w.kills, once)
	}
	return nil
}

// checkLines looks for the line of each number that was acknowledged: in the app's
// logs, with IMAGE_LOG_STDOUT in the container's output, and with a Redis there.
func (w *world) checkLines() error {
	for _, c := range w.containers {
		w.mu.Lock()
		wanted := w.logged[c]
		w.logged[c] = nil
		w.mu.Unlock()
		sources := map[string]func() map[uint64]bool{"its logs": func() map[uint64]bool {
			logs, _ := filepath.Glob(c.appLog() + "*")
			return parseLines(logs...)
		}}
		if w.stdoutLog {
			sources["the container's output"] = func() map[uint64]bool { return parseLines(c.output) }
		}
		if w.redis != nil {
			sources["Redis"] = w.redis.look
		}
		for name, found := range sources {
			err := waitFor(bound, name, func() error { return missing(wanted, found()) })
			if err != nil {
				return fmt.Errorf("the app of container %s: %w", c.name, err)
			}
		}
	}
	return nil
}

func parseLines(files ...string) map[uint64]bool {
	found := map[uint64]bool{}
	for _, file := range files {
		data, _ := os.ReadFile(file)
		for line := range strings.Lines(string(data)) {
			parseLine(line, found)
		}
	}
	return found
}

// parseLine finds what the app has said in a line, whatever stands around it.
func parseLine(line string, found map[uint64]bool) {
	_, text, ok := strings.Cut(line, "app line ")
	var n uint64
	if _, err := fmt.Sscanf(text, "%d", &n); ok && err == nil {
		found[n] = true
	}
}

// usage is what a process takes.
type usage struct {
	kind            string
	descriptors     int
	threads, memory int // kB
}

// checkUsage compares the processes that stay with what they took when they were
// first seen.
func (w *world) checkUsage() error {
	for _, c := range w.containers {
		for _, p := range c.processes() {
			switch p.name {
			case "crond", "listener", "follower":
			default:
				continue
			}
			now, key, ok := readUsage(p)
			if !ok {
				continue
			}
			first, seen := w.usage[key]
			if !seen {
				w.usage[key] = now
				continue
			}
			if now.descriptors > first.descriptors+12 || now.threads > first.threads+20 || now.memory > first.memory+40_000 {
				return fmt.Errorf("%s of container %s took %+v when it was first seen, and takes %+v", p.name, c.name, first, now)
			}
		}
	}
	return nil
}

// readUsage also returns a key that tells the process from a later one with its id.
func readUsage(p process) (u usage, key string, ok bool) {
	dir := fmt.Sprintf("/proc/%d/", p.pid)
	files, err := os.ReadDir(dir + "fd")
	text, err2 := os.ReadFile(dir + "status")
	stat, err3 := os.ReadFile(dir + "stat")
	if errors.Join(err, err2, err3) != nil {
		return u, "", false // it has just ended
	}
	u = usage{kind: p.name, descriptors: len(files)}
	for line := range strings.Lines(string(text)) {
		_, _ = fmt.Sscanf(line, "VmRSS: %d", &u.memory)
		_, _ = fmt.Sscanf(line, "Threads: %d", &u.threads)
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')'):]))
	return u, fmt.Sprintf("%d %s", p.pid, fields[20]), true
}

// checkSecret looks for the planted value where it must not be.
func (w *world) checkSecret() error {
	dirs := []string{w.storage}
	for _, c := range w.containers {
		for _, p := range c.processes() {
			if strings.Contains(p.args, w.secret) {
				return fmt.Errorf("the command line of process %d has it: %s", p.pid, p.args)
			}
		}
		dirs = append(dirs, c.Path("run"), c.Path("tmp"), c.output)
	}
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return nil // it has just gone
			}
			info, err := d.Info()
			if err != nil {
				return nil
			}
			isLog := path == dir || strings.Contains(path, "/logs-")
			if info.Mode().Perm()&0o044 == 0 && !isLog {
				return nil
			}
			data, _ := os.ReadFile(path)
			if bytes.Contains(data, []byte(w.secret)) {
				return fmt.Errorf("%s (%s) has it", path, info.Mode())
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
