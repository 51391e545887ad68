package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/test/testenv"
)

func TestParseSince(t *testing.T) {
	now := time.Date(2024, 2, 29, 13, 30, 0, 0, time.FixedZone("X", 3600))
	for text, want := range map[string]string{
		"10m": "2024-02-29T13:20:00+01:00", "90": "2024-02-29T13:28:30+01:00", "12:05": "2024-02-29T12:05:00+01:00", "12:05:07": "2024-02-29T12:05:07+01:00",
		"2024-01-01": "2024-01-01T00:00:00+01:00", "2024-01-01 05:00": "2024-01-01T05:00:00+01:00", "2024-01-01T05:00:01": "2024-01-01T05:00:01+01:00", "2024-01-01T05:00:01Z": "2024-01-01T05:00:01Z",
	} {
		at, err := parseSince(text, now)
		if got := at.Format(time.RFC3339); err != nil || got != want {
			t.Errorf("%s: %s, %v, want %s", text, got, err, want)
		}
	}
}

func TestLogs(t *testing.T) {
	testenv.NotQuick(t)
	c := newContainer(t, "IMAGE_CRON_ENABLED=false")
	c.want(1, "has the container started?", "logs")
	log := c.Path("storage/logs/supervisor/app.log")
	testenv.Write(t, c.Path("image/supervisord/conf.d/app.conf"), "[program:app]\ncommand = /bin/sh -c 'echo up; exec sleep 1000'\nstdout_logfile = "+log+"\nredirect_stderr = true\n", 0o644)
	c.program("silent", sleeper)
	c.start()
	c.waitState("silent", "RUNNING")
	testenv.WaitFor(t, "app has logged", func() bool { return testenv.ReadIfThere(t, log) != "" })
	testenv.Write(t, log+".1", "before\n", 0o644)
	testenv.Write(t, c.Path("storage/logs/backup.log"), "backup made\n", 0o644)

	for _, test := range []struct {
		code  int
		exact bool
		text  string
		args  []string
	}{
		{0, true, "before\nup\n", []string{"app"}},
		{0, true, "up\n", []string{"-n", "1", "app"}},
		{0, true, "", []string{"-n0", "app"}},
		{0, true, "before\nup\n", []string{"app", "--lines=all"}},
		{0, true, "app | up\nbackup | backup made\n", []string{"app", "backup", "app", "-n", "1"}},
		{0, false, "app | before\napp | up\n", nil},
		{0, false, "supervisord | ", nil},
		{0, false, "INFO spawned: 'app' with pid", []string{"--since", "1h", "supervisord"}},
		{1, false, "silent logs to no file: see stdout_logfile in its section", []string{"silent"}},
		{1, false, `there is no program and no log "supervisrod": did you mean supervisord? (container-manager status`, []string{"supervisrod"}},
		{1, false, `there is no program and no log "nobody" (container-manager status`, []string{"app", "nobody"}},
		{2, false, "expected a number of lines, or all", []string{"-n", "few"}},
		{2, false, "expected a duration such as 10m, or a time such as 15:04", []string{"--since", "yesterday"}},
	} {
		code, said := c.exec(append([]string{"logs"}, test.args...)...)
		if code != test.code || !strings.Contains(said, test.text) || test.exact && said != test.text {
			t.Errorf("logs %s: exit code %d, it said\n%s\nwant %q", strings.Join(test.args, " "), code, said, test.text)
		}
	}

	// -f goes on until a person has seen enough, and leaves nothing behind. What one has
	// left that was killed, the next one removes.
	killed := c.beside("logs", "-f", "app")
	if err := killed.Start(); err != nil {
		t.Fatal(err)
	}
	testenv.WaitFor(t, "its directory", func() bool { return len(followDirs(c)) == 1 })
	_ = killed.Process.Kill()
	_ = killed.Wait()
	other := c.Path("run/logs-of-somebody")
	testenv.Mkdir(t, other)
	follow := c.beside("logs", "-f", "app", "-n", "1")
	var out testenv.Buffer
	follow.Stdout, follow.Stderr = &out, &out
	if err := follow.Start(); err != nil {
		t.Fatal(err)
	}
	testenv.WaitFor(t, "the past", func() bool { return out.String() == "up\n" })
	f, err := os.OpenFile(log, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString("more\n"); err != nil {
		t.Fatal(err)
	}
	testenv.WaitFor(t, "what comes", func() bool { return out.String() == "up\nmore\n" })
	_ = follow.Process.Signal(unix.SIGINT)
	_ = follow.Wait()
	if code := follow.ProcessState.ExitCode(); code != 128+int(unix.SIGINT) || out.String() != "up\nmore\n" {
		t.Errorf("exit code %d; it said\n%s", code, out.String())
	}
	if left := followDirs(c); len(left) != 1 || left[0] != other {
		t.Errorf("left behind: %s", left)
	}
}

func followDirs(c *container) []string {
	dirs, _ := filepath.Glob(c.Path("run/logs-*"))
	return dirs
}
