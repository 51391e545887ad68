package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/ZPascal/container-manager/pkg/fsutil"
)

// The clock of the machine is not ours to set. What a clock that was wrong leaves behind
// when it is right again can be made: times in records, times of files, names of archives.

// clockWasWrong makes records and files of another year, kills who may know better, and
// waits until checks run and restart as ever.
func clockWasWrong(w *world) (string, error) {
	c := w.any()
	year := []string{"2038", "2001"}[w.session.random.IntN(2)]
	changed := 0
	for _, dir := range []string{c.Path("run"), c.Path("tmp"), w.backupDir()} {
		n, err := misdate(dir, year)
		if err != nil {
			return "", err
		}
		changed += n
	}
	did := fmt.Sprintf("%d files of %s in container %s", changed, year, c.name)
	for _, program := range []string{"crond", "listener"} {
		did += w.maybe(program+" killed", func() { w.hit(c, program, 9) })
	}
	if err := waitFor(bound, "the readiness check runs", func() error {
		data, err := os.ReadFile(c.Path("run/health/readiness.json"))
		if err == nil && strings.Contains(string(data), `"`+year+"-") {
			err = fmt.Errorf("its last result is of %s: %s", year, data)
		}
		return err
	}); err != nil {
		return did, err
	}
	halted, err := stopApp(w) // which a check has to restart
	if halted != "" {
		did += ", app of " + halted + " halted"
	}
	return did, err
}

var stamp = regexp.MustCompile(`"20\d\d-`)

// misdate makes all that lies below a directory, and all times in its records, of a year.
func misdate(dir, year string) (changed int, err error) {
	at, err := time.Parse("2006", year)
	if err != nil {
		return 0, err
	}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) || err == nil && !d.Type().IsRegular() {
			return nil // it has just gone
		}
		if err != nil {
			return err
		}
		switch filepath.Ext(path) {
		case ".json", ".ends", ".pause":
			data, err := os.ReadFile(path)
			if err == nil && stamp.Match(data) {
				err = overwrite(path, string(stamp.ReplaceAll(data, []byte(`"`+year+"-")))) // of the same length
			}
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		changed++
		if err := os.Chtimes(path, at, at); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	})
	return changed, err
}

// archiveAhead copies the newest archive to a name of a clock that was ahead. By hours it
// is the newest from then on. By years it never is, and a person has to remove it.
func archiveAhead(w *world) (string, error) {
	lock, err := fsutil.WaitLock(context.Background(), filepath.Join(w.backupDir(), ".lock"), func() {})
	if err != nil {
		return "", err
	}
	defer lock.Unlock() // a second time does no harm
	if err := w.checkArchives(); err != nil {
		return "", err
	}
	newest, ok := w.newest()
	if !ok {
		return "", nil
	}
	ahead := time.Now().UTC().Add(5 * time.Hour)
	if w.session.random.IntN(2) == 0 {
		ahead = ahead.AddDate(1+w.session.random.IntN(20), 0, 0)
	}
	name := ahead.Format("backup-2006-01-02_15:04:05.tar.gz")
	path := filepath.Join(w.backupDir(), name)
	data, err := os.ReadFile(filepath.Join(w.backupDir(), newest))
	if err != nil {
		return "", err
	}
	if err := errors.Join(os.WriteFile(path+".copy", data, 0o640), os.Chown(path+".copy", w.uid, w.uid), os.Rename(path+".copy", path)); err != nil {
		return "", err
	}
	if isFuture(name) {
		w.future = append(w.future, path)
	}
	if err := errors.Join(lock.Unlock(), w.checkArchives()); err != nil {
		return name, err
	}
	return name, w.restoreWithout(w.any())
}

// restoreWithout backs up and restores: no archive from the future takes part.
func (w *world) restoreWithout(c *container) error {
	if err := w.backUp(c); err != nil {
		return err
	}
	return waitFor(bound, "a restore", func() error {
		status, out := c.manager("restore")
		for _, path := range w.future {
			if strings.Contains(out, path) {
				return final{fmt.Errorf("the restore is one of %s: %s", path, out)}
			}
		}
		if status != 0 {
			return fmt.Errorf("exit status %d: %s", status, out)
		}
		return w.checkFuture()
	})
}

// isFuture reports whether the clock must have been wrong when an archive got its name.
func isFuture(name string) bool {
	return name > time.Now().UTC().AddDate(0, 6, 0).Format("backup-2006-01-02")
}

// checkFuture: archives from the future stay until a person removes them, which it does.
func (w *world) checkFuture() error {
	for _, path := range w.future {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	w.future = nil
	return nil
}
