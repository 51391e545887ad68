package setup

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/fsutil"
)

// OwnCrontab is the file that keeps an image's own lines of the crontab. Where our
// base images have set the links up, what a Dockerfile writes to
// $IMAGE_CRON_DIR/kubernetes ends up in it.
func OwnCrontab(c config.Config) string { return CrontabLink(c) + ".own" }

// ownMark stands in the crontab in front of the image's own lines.
const ownMark = "# The image's own lines:\n"

// keepOwn puts aside the file that a child image brought in place of the link to the
// crontab, so that the link can be put back and a second start finds the file's lines
// as they were. A read-only tree keeps its file, and so does one that has it mounted there.
func keepOwn(c config.Config) error {
	link, own := CrontabLink(c), OwnCrontab(c)
	if link == Crontab(c) || !fsutil.IsFile(link) || fsutil.IsMountPoint(link) {
		return nil
	}
	err := unlocked(filepath.Dir(link), func() error {
		kept, err := linesOf(own)
		if err != nil {
			return err
		}
		if kept == "" {
			return os.Rename(link, own)
		}
		added, err := linesOf(link)
		if err != nil {
			return err
		}
		if err := fsutil.Replace(own, []byte(kept+added), 0o644); err != nil {
			return err
		}
		return os.Remove(link)
	})
	if isReadOnly(err) {
		return nil
	}
	return err
}

// ownLines are the image's own lines of the crontab.
func ownLines(c config.Config) (string, error) {
	lines, err := linesOf(OwnCrontab(c))
	if link := CrontabLink(c); err == nil && link != Crontab(c) && fsutil.IsFile(link) {
		var more string
		more, err = linesOf(link)
		lines += more
	}
	return lines, err
}

// linesOf reads a crontab; one without jobs, or without a file, is "".
func linesOf(path string) (string, error) {
	data, err := fsutil.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			return endLine(strings.ReplaceAll(string(data), "\r\n", "\n")), nil
		}
	}
	return "", nil
}

// withoutJobs removes built-in jobs from an image's own lines when our lines have the
// same jobs: somebody has pasted them in.
func withoutJobs(own, ours string) string {
	var jobs []string
	for line := range strings.Lines(ours) {
		jobs = append(jobs, builtInJob(line))
	}
	var kept strings.Builder
	for line := range strings.Lines(own) {
		if job := builtInJob(line); job == "" || !slices.Contains(jobs, job) {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// builtInJob returns the schedule of a built-in job and what it runs, or "" for any
// other line. Whole lines cannot be compared, because the Python version wrote them
// differently.
func builtInJob(line string) string {
	fields := strings.Fields(line)
	words := 5
	switch {
	case strings.HasPrefix(line, "@every"):
		words = 2
	case strings.HasPrefix(line, "@"):
		words = 1
	}
	if len(fields) <= words || strings.HasPrefix(line, "#") {
		return ""
	}
	command := strings.Join(fields[words:], " ")
	for _, name := range []string{"backup.py", "check-liveness.py", "check-readiness.py", "logrotate-global.conf"} {
		if strings.Contains(command, "/"+name) {
			return strings.Join(fields[:words], " ") + " " + name
		}
	}
	return ""
}
