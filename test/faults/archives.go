package main

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// archiveInfo is an archive that was read whole, by us and not by the container
// manager.
type archiveInfo struct {
	size    int64
	changed time.Time
	numbers map[uint64]bool
}

// keep is the retention's number, the default.
const keep = 3

func (w *world) backupDir() string { return filepath.Join(w.storage, "backup") }

// archives returns the names of all archives, the newest first. Those from the future do
// not count.
func (w *world) archives() []string {
	paths, _ := filepath.Glob(filepath.Join(w.backupDir(), "backup-*.tar.gz"))
	var names []string
	for _, path := range paths {
		if name := filepath.Base(path); !isFuture(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	slices.Reverse(names)
	return names
}

// checkArchives reads what is new. What was whole before is still there, or has
// made room for others.
func (w *world) checkArchives() error {
	for _, name := range w.archives() {
		path := filepath.Join(w.backupDir(), name)
		info, err := os.Stat(path)
		if err != nil {
			continue // a backup has just deleted it
		}
		known, ok := w.known[name]
		if w.corrupted[name] || ok && known.size == info.Size() && known.changed.Equal(info.ModTime()) {
			continue
		}
		numbers, err := readArchive(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		w.known[name] = archiveInfo{info.Size(), info.ModTime(), numbers}
	}
	var gone []string
	for name := range w.known {
		if _, err := os.Stat(filepath.Join(w.backupDir(), name)); err == nil {
			continue
		}
		newer := 0
		for other := range w.known {
			if other > name && !w.corrupted[other] {
				newer++
			}
		}
		if newer < keep {
			return fmt.Errorf("%s is gone, and only %d are newer", name, newer)
		}
		gone = append(gone, name)
	}
	for _, name := range gone {
		delete(w.known, name)
	}
	return nil
}

// readArchive returns the numbers in an archive.
func readArchive(path string) (map[uint64]bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(bufio.NewReader(f))
	if err != nil {
		return nil, err
	}
	numbers := map[uint64]bool{}
	entries := tar.NewReader(unzipped)
	for {
		entry, err := entries.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(entries)
		if err != nil {
			return nil, err
		}
		if strings.HasSuffix(entry.Name, "/numbers") {
			parseNumbers(data, numbers)
		}
	}
	_, err = io.Copy(io.Discard, unzipped) // its sum
	return numbers, err
}

// backUp makes an archive and compares it with what was there before.
func (w *world) backUp(c *container) error {
	before, err := os.ReadFile(filepath.Join(w.data, "numbers"))
	if err != nil {
		return err
	}
	var status int
	var out string
	err = waitFor(bound, "a backup", func() error {
		status, out = w.timed("backup", func() (int, string) { return c.manager("backup") })
		if status != 0 && status != 3 {
			return fmt.Errorf("exit status %d: %s", status, out)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := w.checkArchives(); err != nil {
		return err
	}
	newest, ok := w.newest()
	if !ok {
		return fmt.Errorf("a backup has ended with %d, and there is none: %s", status, out)
	}
	live := map[uint64]bool{}
	parseNumbers(before, live)
	var wanted []uint64
	for n := range live {
		wanted = append(wanted, n)
	}
	if err := missing(wanted, w.known[newest].numbers); err != nil {
		return fmt.Errorf("%s: %w", newest, err)
	}
	return nil
}

// newest returns the newest archive that is whole.
func (w *world) newest() (string, bool) {
	for _, name := range w.archives() {
		if _, ok := w.known[name]; ok && !w.corrupted[name] {
			return name, true
		}
	}
	return "", false
}

// finish makes a last backup, verifies all, and looks for what was left behind.
func (w *world) finish() error {
	c := w.containers[0]
	if err := w.backUp(c); err != nil {
		return err
	}
	var whole []string
	for _, name := range w.archives() {
		if !w.corrupted[name] {
			whole = append(whole, filepath.Join(w.backupDir(), name))
		}
	}
	return waitFor(bound, "nothing is left behind", func() error {
		// A backup of crond may have its staging directory, or delete an archive.
		whole = slices.DeleteFunc(whole, func(path string) bool { _, err := os.Stat(path); return err != nil })
		if status, out := c.manager(append([]string{"backup", "verify"}, whole...)...); status != 0 {
			return fmt.Errorf("backup verify ends with %d: %s", status, out)
		}
		var left []string
		for _, pattern := range []string{"backup/.staging-*", "backup/*.partial", "backup/.restore-journal-*", ".restore-*", "data/.restore-*", ".run-once.steps"} {
			found, _ := filepath.Glob(filepath.Join(w.storage, pattern))
			left = append(left, found...)
		}
		if len(left) > 0 {
			return fmt.Errorf("%v", left)
		}
		return nil
	})
}
