package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/ZPascal/container-manager/pkg/fsutil"
)

// full takes all room of the volume while something is done, which may fail.
func (w *world) full(fill func(dir string) error) (string, error) {
	c := w.any()
	w.forgetLines()
	defer w.forgetLines() // what supervisord could not write
	var dirs []string
	for _, dir := range []string{w.storage, w.data} {
		if dir == w.storage || w.dataMount {
			dirs = append(dirs, filepath.Join(dir, ".filler"))
		}
	}
	if w.session.random.IntN(3) == 0 && w.dataMount {
		dirs = dirs[1:]
	}
	during := w.session.random.IntN(2) == 0
	job := []string{"backup", "restore", "restart", "container"}[w.session.random.IntN(4)]
	var done chan string
	act := func() {
		switch job {
		case "restart":
			done = c.background("restart", "app")
		case "container":
			done = make(chan string, 1)
			err := c.kill()
			done <- fmt.Sprint("kill: ", errors.Join(err, c.start()))
		default:
			done = c.background(job)
		}
	}
	if during {
		act()
		w.moment(job)
	}
	for _, dir := range dirs {
		if err := errors.Join(os.Mkdir(dir, 0o700), fill(dir)); err != nil {
			return "", err
		}
	}
	if !during {
		act()
	}
	w.moment("disk full")
	said := ""
	select {
	case said = <-done:
	case <-time.After(3 * time.Second):
	}
	for _, dir := range dirs {
		if err := os.RemoveAll(dir); err != nil {
			return "", err
		}
	}
	if said == "" {
		said = <-done
	}
	w.log("%s", said)
	if job == "container" && c.lives() {
		// Either it has come up, or it ends with an error: both is right.
		_ = waitFor(bound, "the start has failed, or not", func() error {
			_, err := ask(c.socket(), pingRequest, time.Second)
			if !c.lives() {
				return nil
			}
			return err
		})
	}
	return fmt.Sprintf("%s in container %s, filled meanwhile: %v, %d file systems", job, c.name, during, len(dirs)), nil
}

func fillBytes(dir string) error {
	f, err := os.Create(filepath.Join(dir, "zeros"))
	if err != nil {
		return err
	}
	defer f.Close()
	for size := 1 << 20; size > 0; {
		if _, err := f.Write(make([]byte, size)); err != nil {
			size /= 16
		}
	}
	return nil
}

func fillInodes(dir string) error {
	for i := 0; ; i++ {
		if err := os.WriteFile(filepath.Join(dir, strconv.Itoa(i)), nil, 0o600); err != nil {
			return nil
		}
	}
}

// spoil truncates, overwrites or removes a file of ours that need not be right.
func spoil(w *world) (string, error) {
	c := w.any()
	patterns := []string{
		c.Path("run/health/*"), c.Path("run/health/*/*"), c.Path("tmp/supervisor.*.state"), c.Path("tmp/supervisor.*.pid"),
		filepath.Join(w.backupDir(), ".index.json"), filepath.Join(w.backupDir(), ".lock"), c.Path("run/env"), c.Path("run/logging/stdout.positions"),
		filepath.Join(w.storage, ".run-once.completed"),
	}
	var files []string
	for _, pattern := range patterns {
		found, _ := filepath.Glob(pattern)
		for _, path := range found {
			if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() {
				files = append(files, path)
			}
		}
	}
	if len(files) == 0 {
		return "", nil
	}
	path := files[w.session.random.IntN(len(files))]
	if strings.HasSuffix(path, "stdout.positions") {
		w.forgetLines()
		defer w.forgetLines()
	}
	how := "truncated"
	var err error
	switch w.session.random.IntN(3) {
	case 0:
		err = os.Truncate(path, 0)
	case 1:
		how, err = "cut in half", cutInHalf(path)
	default:
		how, err = "overwritten", overwrite(path, "\x00\xffnot what you expect {[\n")
	}
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	// What is spoilt is read, and written again with the next event.
	for _, program := range []string{"app", "crond", "listener", "follower", "filebeat"} {
		w.hit(c, program, 9)
	}
	return fmt.Sprintf("%s %s, and programs killed", path, how), err
}

func cutInHalf(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return os.Truncate(path, info.Size()/2)
}

// overwrite keeps the file's owner and mode.
func overwrite(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// spoilArchive spoils the newest archive, when there is another one that is whole,
// and restores: it takes the one before.
func spoilArchive(w *world) (string, error) {
	did, err := w.spoilNewest()
	if did == "" || err != nil {
		return did, err
	}
	status, out := w.any().manager("restore")
	w.log("restore: %d %s", status, out)
	if status != 0 && status != 4 {
		err = fmt.Errorf("restore ends with %d: %s", status, out)
	}
	return did + ", and restored", err
}

// spoilNewest has the lock, so that no backup counts as whole what is being spoilt.
func (w *world) spoilNewest() (string, error) {
	lock, err := fsutil.WaitLock(context.Background(), filepath.Join(w.backupDir(), ".lock"), func() {})
	if err != nil {
		return "", err
	}
	defer lock.Unlock()
	if err := w.checkArchives(); err != nil {
		return "", err
	}
	names := w.archives()
	if len(w.known) < 2 || w.corrupted[names[0]] {
		return "", nil
	}
	path := filepath.Join(w.backupDir(), names[0])
	w.corrupted[names[0]] = true
	delete(w.known, names[0])
	if w.session.random.IntN(2) == 0 {
		return names[0] + " overwritten", overwrite(path, "no archive")
	}
	return names[0] + " cut in half", cutInHalf(path)
}

// orphan makes marks and records of processes that are dead, and others that are
// nonsense.
func orphan(w *world) (string, error) {
	c := w.any()
	dir := c.Path("run/stopped")
	name := []string{"restart-999999-1-app", "backup-999999-2-app", "restore-999999-3-app", "restart-999999-4-nobody", "backup-1-1-crond", "nonsense", "restart-x-y-app"}[w.session.random.IntN(7)]
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	path := filepath.Join(dir, name)
	err := errors.Join(os.Chown(dir, w.uid, w.uid), os.WriteFile(path, nil, 0o644))
	if chown := os.Chown(path, w.uid, w.uid); !errors.Is(chown, fs.ErrNotExist) { // the listener may have taken it over
		err = errors.Join(err, chown)
	}
	return name + " in container " + c.name, err
}

// discard has a person remove what restores have kept. Nobody writes meanwhile.
func discard(w *world) (string, error) {
	w.pause.Lock()
	defer w.pause.Unlock()
	if err := w.checkData(); err != nil {
		return "", err
	}
	for _, c := range w.containers { // the app of one may still write to what the other has moved away
		if err := waitFor(bound, "the app is restarted", func() error {
			if status, out := c.manager("restart", "app"); status != 0 {
				return fmt.Errorf("exit status %d: %s", status, out)
			}
			return nil
		}); err != nil {
			return "", err
		}
	}
	live, err := os.ReadFile(filepath.Join(w.data, "numbers"))
	if err != nil {
		return "", err
	}
	numbers := map[uint64]bool{}
	parseNumbers(live, numbers)
	c := w.any()
	if err := waitFor(bound, "restore --discard", func() error {
		if status, out := c.manager("restore", "--discard"); status != 0 {
			return fmt.Errorf("exit status %d: %s", status, out)
		}
		return nil
	}); err != nil {
		return "", err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for n := range w.acked {
		if !numbers[n] {
			delete(w.acked, n)
		}
	}
	kept, _ := filepath.Glob(filepath.Join(w.storage, "data.before-restore-*"))
	if len(kept) > 0 {
		return "", fmt.Errorf("restore --discard has left %v", kept)
	}
	return "container " + c.name, nil
}

// processLimit runs a backup or restore that cannot have as many processes and
// threads as it needs. Root has no such limit.
func processLimit(w *world) (string, error) {
	if w.uid == 0 {
		return "", nil
	}
	c := w.any()
	threads := 0
	for _, c := range w.containers {
		for _, p := range append(c.processes(), process{pid: c.first.Process.Pid}) {
			tasks, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", p.pid))
			threads += len(tasks)
		}
	}
	limit := threads + w.session.random.IntN(16)
	job := []string{"backup", "restore"}[w.session.random.IntN(2)]
	status, out := c.exec("prlimit", "--nproc="+strconv.Itoa(limit), w.session.binary, job)
	w.log("%s: exit status %d: %s", job, status, out)
	return fmt.Sprintf("%s in container %s with %d more", job, c.name, limit-threads), nil
}

// backUpAndRestore shows that all is well, and tells how long each takes.
func backUpAndRestore(w *world) (string, error) {
	c := w.any()
	if err := w.backUp(c); err != nil {
		return "a backup", err
	}
	err := waitFor(bound, "a restore", func() error {
		status, out := w.timed("restore", func() (int, string) { return c.manager("restore") })
		if status != 0 {
			return fmt.Errorf("exit status %d: %s", status, out)
		}
		return nil
	})
	return "container " + c.name, err
}
