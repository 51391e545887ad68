package logs

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

// countingApp counts at full speed until it is told to stop.
const countingApp = `i=0
until [ -e "$STORAGE_DATA_DIR/stop" ]; do
	seq $((i * 2000 + 1)) $((i * 2000 + 2000))
	i=$((i + 1))
done
echo end
exec sleep 1000
`

const countingConf = `[program:app]
command = /bin/sh %(ENV_IMAGE_APP_DIR)s/app.sh
redirect_stderr = true
stdout_logfile = %(ENV_SUPERVISOR_LOGS_DIR)s/app.log
stdout_logfile_maxbytes = 400MB
`

// TestRotationAtFullSpeed has a real logrotate rotate what a real supervisord
// writes: no line may be lost or doubled, however the block is written.
func TestRotationAtFullSpeed(t *testing.T) {
	for name, block := range map[string]string{
		"plain":    "\"${SUPERVISOR_LOGS_DIR}/app.log\" {\n    rotate 50\n}\n",
		"careless": "${SUPERVISOR_LOGS_DIR}/*.log {\n    rotate 50\n    compress\n    nodelaycompress\n    ifempty\n    create 0640\n    copytruncate\n}\n",
	} {
		for user, uid := range testenv.Users {
			t.Run(name+" as "+user, func(t *testing.T) {
				t.Parallel()
				c := testenv.NewContainer(t, uid, map[string]string{
					"image/supervisord/conf.d/app.conf": countingConf,
					"image/app/app.sh":                  countingApp,
					"image/logging/logrotate.d/app":     block,
				})
				if uid == 0 { // root's logrotate has to be told as whom to rotate there
					shareLogs(t, c)
				}
				l := c.Run()
				l.Says("programs are running")
				log := c.Path("storage/logs/supervisor/app.log")
				for range 4 {
					testenv.WaitFor(t, "lines in "+log, func() bool { return len(testenv.ReadIfThere(t, log)) > 0 })
					logrotate(t, c)
					logrotate(t, c) // supervisord may not have handled the first signal yet
				}
				if err := os.WriteFile(c.Path("storage/data/stop"), nil, 0o644); err != nil {
					t.Fatal(err)
				}
				// The line is in the rotated file when supervisord handles the last signal after it.
				testenv.WaitFor(t, "the app's last line", func() bool {
					return strings.HasSuffix(testenv.ReadIfThere(t, log), "end\n") || strings.HasSuffix(testenv.ReadIfThere(t, log+".1"), "end\n")
				})
				if files := counted(t, log); files < 4 {
					t.Errorf("the lines are in %d files, so there were too few rotations", files)
				}
			})
		}
	}
}

// shareLogs lets a group write to the directory of logs, as volumes that several
// containers share have it.
func shareLogs(t *testing.T, c *testenv.Container) {
	t.Helper()
	dir := c.Path("storage/logs/supervisor")
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.Chown(dir, 0, 500), os.Chmod(dir, 0o775|os.ModeSetgid)); err != nil {
		t.Fatal(err)
	}
}

// logrotate runs logrotate as the container's crontab does.
func logrotate(t *testing.T, c *testenv.Container) {
	t.Helper()
	cmd := c.Command("/usr/sbin/logrotate", "-f", "-s", c.Path("run/logging/logrotate.state"), c.Path("run/logging/logrotate-global.conf"))
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("logrotate: %v\n%s", err, out)
	}
}

// counted reads a log and what it was rotated to, which must hold every number
// once and in order, and returns how many files that are.
func counted(t *testing.T, log string) int {
	t.Helper()
	var readers []io.Reader
	files := 0
	for n := 60; n >= 0; n-- {
		name := log
		if n > 0 {
			name = fmt.Sprintf("%s.%d", log, n)
		}
		for _, end := range []string{"", ".gz"} {
			f, err := os.Open(name + end)
			if err != nil {
				continue
			}
			defer f.Close()
			files++
			if end == "" {
				readers = append(readers, f)
				continue
			}
			unpacked, err := gzip.NewReader(f)
			if err != nil {
				t.Fatalf("%s: %v", filepath.Base(name+end), err)
			}
			readers = append(readers, unpacked)
		}
	}
	last := 0
	lines := bufio.NewScanner(io.MultiReader(readers...))
	for lines.Scan() {
		n, err := strconv.Atoi(lines.Text())
		if err != nil {
			break
		}
		if n != last+1 {
			t.Fatalf("%d follows %d", n, last)
		}
		last = n
	}
	if lines.Text() != "end" || last == 0 {
		t.Errorf("behind %d stands %q", last, lines.Text())
	}
	return files
}
