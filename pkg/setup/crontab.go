package setup

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/fsutil"
)

// Crontab is the path of the image's crontab.
func Crontab(c config.Config) string { return filepath.Join(c.RunDir, "cron", "kubernetes") }

// CrontabLink is the path at which child images know the crontab.
func CrontabLink(c config.Config) string { return filepath.Join(c.CronDir, "kubernetes") }

// Crontabs returns the crontabs to read. The image's crontab has two names, one of
// which is a link to the other. A script of the Python version may have replaced the
// link by a file with jobs. When the link could not be put back, both files are read.
func Crontabs(c config.Config, named []string) []string {
	link, rendered := CrontabLink(c), Crontab(c)
	switch {
	case link == rendered || !fsutil.IsFile(link):
		return named
	case slices.Contains(named, rendered) && holds(rendered, link):
		return named
	case !slices.Contains(named, link):
		return append(slices.Clone(named), link)
	case fsutil.IsFile(rendered):
		return append(slices.Clone(named), rendered)
	}
	return named
}

// holds reports whether all lines of a file stand in a crontab already, as those of a file
// in the link's place that could not be moved do. Reading them twice would run jobs twice
// when a variable stands above them in the crontab only.
func holds(crontab, file string) bool {
	lines, err := linesOf(file)
	text, readErr := fsutil.ReadFile(crontab)
	return err == nil && readErr == nil && strings.Contains(string(text), lines)
}

// AdoptCrontab is for the start, once all steps have run and before the image tree is
// locked. A step that uses `sed -i` or mv on the link to the crontab leaves a file in
// its place. That becomes the crontab, and the link is put back. When a step has begun
// the crontab afresh, AdoptCrontab adds the image's own lines again.
func AdoptCrontab(c config.Config) error {
	if err := adopt(c); err != nil {
		return err
	}
	own, err := ownLines(c)
	if err != nil || own == "" {
		return err
	}
	return editCrontab(c, func(text string) string {
		if strings.Contains(text, ownMark) {
			return text
		}
		return text + ownMark + own
	})
}

// adopt makes a file that lies in the place of the link the crontab, and puts the link
// back. In a read-only tree the file stays, because no step of this start wrote it. Each
// built-in step that adds to the crontab adopts first, because the file has the lines of
// the steps before it, but will not have those of later steps.
func adopt(c config.Config) error {
	link, crontab := CrontabLink(c), Crontab(c)
	if link == crontab || !fsutil.IsFile(link) {
		return nil
	}
	content, err := fsutil.ReadFile(link)
	if err == nil {
		err = relink(crontab, link)
	}
	switch {
	case isReadOnly(err):
		return nil
	case err != nil:
		return err
	}
	return fsutil.Update(crontab, content, 0o644)
}

// beginCrontab begins the crontab afresh, with nothing but the image's own lines.
func beginCrontab(c config.Config) error {
	if err := os.Remove(Crontab(c)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot begin the crontab afresh: %w", err)
	}
	own, err := ownLines(c)
	if err != nil || own == "" {
		return err
	}
	return fsutil.Update(Crontab(c), []byte(ownMark+own), 0o644)
}

// addToCrontab adds built-in lines in front of the image's own, because a variable that
// the image sets holds for all lines behind it.
func addToCrontab(c config.Config, lines string) error {
	if err := adopt(c); err != nil {
		return err
	}
	return editCrontab(c, func(text string) string {
		ours, own, found := strings.Cut(text, ownMark)
		if !found {
			return text + lines
		}
		return ours + lines + ownMark + withoutJobs(own, lines)
	})
}

// editCrontab changes the crontab in place. That is safe, because nobody reads it before
// the exec, and the next start makes it anew. It ends the last line when a step has
// forgotten to.
func editCrontab(c config.Config, edit func(string) string) error {
	path := Crontab(c)
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CREAT|unix.O_CLOEXEC, 0o644)
	if err != nil {
		return fmt.Errorf("cannot add to the crontab %s: %w", path, err)
	}
	f := os.NewFile(uintptr(fd), path) // os.OpenFile would prepare it for polling, which costs a system call
	old, err := io.ReadAll(f)
	if err == nil {
		if text := edit(endLine(string(old))); text != string(old) {
			_, err = f.WriteAt([]byte(text), 0)
			err = errors.Join(err, f.Truncate(int64(len(text))))
		}
	}
	return errors.Join(err, f.Chmod(0o644), f.Close())
}

func endLine(text string) string {
	if text != "" && !strings.HasSuffix(text, "\n") {
		return text + "\n"
	}
	return text
}
