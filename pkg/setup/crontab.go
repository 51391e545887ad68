package setup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/log"
)

// Crontab is the path of the image's crontab.
func Crontab(c config.Config) string { return filepath.Join(c.RunDir, "cron", "kubernetes") }

// CrontabLink is the path at which steps of child images know the crontab.
func CrontabLink(c config.Config) string { return filepath.Join(c.CronDir, "kubernetes") }

// AdoptCrontab is for the start, once all steps have run and before the image tree
// is locked. A step that uses `sed -i` or mv on the link to the crontab leaves a
// file in its place. That becomes the crontab, and the link is put back: crond
// would read both. Where it cannot be put back, that is said.
func AdoptCrontab(c config.Config, l log.Logger) error {
	stays, err := adopt(c)
	if stays {
		l.Warn().Msgf("%s is a file that cannot be replaced by a link to %s: crond reads both", CrontabLink(c), Crontab(c))
	}
	return err
}

// adopt makes the crontab of a file in the place of its link. It reports whether
// that stays because the tree is read-only: then no step of this start wrote it.
// Each step that adds to the crontab adopts first: the file was made from what
// earlier steps wrote, and knows nothing of later ones.
func adopt(c config.Config) (stays bool, err error) {
	link, crontab := CrontabLink(c), Crontab(c)
	if link == crontab || !isFile(link) {
		return false, nil
	}
	content, err := fsutil.ReadFile(link)
	if err == nil {
		err = relink(crontab, link)
	}
	if err != nil {
		if isReadOnly(err) {
			return true, nil
		}
		return false, err
	}
	return false, fsutil.Update(crontab, content, 0o644)
}

func appendCrontab(c config.Config, lines string) error {
	if _, err := adopt(c); err != nil {
		return err
	}
	path := Crontab(c)
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_APPEND|unix.O_CREAT|unix.O_CLOEXEC, 0o644)
	if err != nil {
		return fmt.Errorf("cannot add to the crontab %s: %w", path, err)
	}
	f := os.NewFile(uintptr(fd), path) // one of os.OpenFile's would be prepared for polling
	if lacksNewline(f) {
		lines = "\n" + lines
	}
	_, err = f.WriteString(lines)
	return errors.Join(err, f.Chmod(0o644), f.Close())
}

// lacksNewline reports whether the last line of a file, which a step wrote, has no
// end: it would become one with the next.
func lacksNewline(f *os.File) bool {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return false
	}
	last := make([]byte, 1)
	_, err = f.ReadAt(last, info.Size()-1)
	return err == nil && last[0] != '\n'
}
