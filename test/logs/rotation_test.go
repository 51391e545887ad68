package logs

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/render"
	"github.com/ZPascal/container-manager/pkg/setup"
	"github.com/ZPascal/container-manager/test/testenv"
)

// rendered renders the tree for a storage volume of its own.
func rendered(t *testing.T, environ ...string) config.Config {
	t.Helper()
	for _, v := range config.Variables() {
		t.Setenv(v.Name, "")
	}
	dir := t.TempDir()
	image, err := filepath.Abs("../../files/image")
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"IMAGE_BASE_DIR": image, "IMAGE_RUN_DIR": dir + "/run", "STORAGE_BASE_DIR": dir + "/storage",
		"PROCESS_PID_DIR": dir + "/run", "PROCESS_STATE_DIR": dir + "/run",
		"IMAGE_SUPERVISOR_PIDFILE": dir + "/run/supervisord.pid", "IMAGE_SUPERVISOR_SOCKET": dir + "/run/supervisord.sock",
	} {
		t.Setenv(name, value)
	}
	for _, e := range environ {
		name, value, _ := strings.Cut(e, "=")
		t.Setenv(name, value)
	}
	c, err := config.Load()
	if err != nil {
		t.Fatal(err)
	}
	if err := setup.CreateStorageDirs(c); err != nil {
		t.Fatal(err)
	}
	if _, err := render.All(c); err != nil {
		t.Fatal(err)
	}
	return c
}

// rotate runs logrotate as the crontab does.
func rotate(t *testing.T, c config.Config) {
	t.Helper()
	cmd := exec.Command("logrotate", "-v", "-f", "-s", filepath.Join(c.RunDir, "logrotate.state"), render.LogrotateConf(c))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("logrotate: %v\n%s", err, out)
	}
}

func TestLogrotateLeavesSupervisordsLogsAlone(t *testing.T) {
	c := rendered(t)
	theirs := []string{"supervisord.log", "crond.log", "filebeat.log", "health_stdout.log", "health_stderr.log"}
	ours := []string{"backup.log", "crond.log", "liveness.log", "readiness.log"}
	for _, name := range theirs {
		testenv.Append(t, filepath.Join(c.SupervisorLogs, name), name+"\n")
	}
	for _, name := range ours {
		testenv.Append(t, filepath.Join(c.LogsDir, name), name+"\n")
	}
	rotate(t, c)
	for _, name := range theirs {
		if got := testenv.ReadIfThere(t, filepath.Join(c.SupervisorLogs, name)); got != name+"\n" {
			t.Errorf("supervisor/%s holds %q after logrotate ran, want it untouched", name, got)
		}
	}
	for _, name := range ours {
		path := filepath.Join(c.LogsDir, name)
		if old, now := testenv.ReadIfThere(t, path+".1"), testenv.ReadIfThere(t, path); old != name+"\n" || now != "" {
			t.Errorf("%s holds %q and its .1 %q after logrotate ran, want it renamed", name, now, old)
		}
	}

	// filebeat may still read the newest rotated file: only older ones are packed.
	for _, name := range ours {
		testenv.Append(t, filepath.Join(c.LogsDir, name), "second"+"\n")
	}
	rotate(t, c)
	for _, name := range ours {
		path := filepath.Join(c.LogsDir, name)
		if got := testenv.ReadIfThere(t, path+".1"); got != "second\n" {
			t.Errorf("%s.1 holds %q after the second rotation, want %q", name, got, "second\n")
		}
		if _, err := os.Stat(path + ".2.gz"); err != nil {
			t.Errorf("the older log is not packed: %v", err)
		}
	}
}

// TestFilebeatsLogSurvivesRotation has a real supervisord hold the log that
// logrotate renames, and asks what becomes of lines before and after.
func TestFilebeatsLogSurvivesRotation(t *testing.T) {
	bin := t.TempDir()
	fifo := filepath.Join(bin, "lines")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	// What stands in for filebeat says on standard error what the test writes.
	testenv.Script(t, filepath.Join(bin, "filebeat"), `exec cat <>"`+fifo+`" >&2`)
	testenv.Script(t, filepath.Join(bin, "container-manager"),
		`case $1 in eventlistener) echo READY; exec cat >/dev/null ;; *) exec tail -f /dev/null ;; esac`)
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	c := rendered(t, "LOGGING_REDIS_HOST=127.0.0.1")

	supervisord := exec.Command("supervisord", "-c", render.SupervisorConf(c))
	supervisord.Env = c.Environ
	if err := supervisord.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = supervisord.Process.Signal(syscall.SIGTERM)
		if err := supervisord.Wait(); err != nil {
			t.Errorf("supervisord: %v", err)
		}
	})

	log := filepath.Join(c.LogsDir, "filebeat.log")
	say := func(line string) {
		testenv.WaitFor(t, "the program reads "+fifo, func() bool {
			f, err := os.OpenFile(fifo, os.O_WRONLY|syscall.O_NONBLOCK, 0)
			if err != nil {
				return false
			}
			defer f.Close()
			_, err = f.WriteString(line + "\n")
			return err == nil
		})
		testenv.WaitFor(t, line+" is in "+log, func() bool { return strings.Contains(testenv.ReadIfThere(t, log), line) })
	}
	say("before")
	rotate(t, c)
	testenv.WaitFor(t, "supervisord opens "+log+" anew", func() bool {
		_, err := os.Stat(log)
		return err == nil
	})
	say("after")
	if old, now := testenv.ReadIfThere(t, log+".1"), testenv.ReadIfThere(t, log); old != "before\n" || now != "after\n" {
		t.Errorf("filebeat.log.1 holds %q and filebeat.log %q, want the line before and the one after", old, now)
	}
}

func TestFilebeatInputs(t *testing.T) {
	bin := t.TempDir()
	testenv.Script(t, filepath.Join(bin, "filebeat"), "exit 1") // rendering looks for it
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	c := rendered(t, "LOGGING_REDIS_HOST=127.0.0.1", "APP_VERSION=2")
	files, err := filepath.Glob(filepath.Join(c.RunDir, "logging", "filebeat.d", "*.yml"))
	if err != nil || len(files) != 3 {
		t.Fatalf("rendered inputs: %q, %v; want three files", files, err)
	}
	var ids []string
	for _, file := range files {
		for input := range strings.SplitSeq(testenv.ReadIfThere(t, file), "\n- ") {
			id, ok := settings(input)["id"]
			if !ok {
				continue // the comment above the first
			}
			ids = append(ids, id)
			for name, want := range map[string]string{
				"daemon": id, "app_version": "'2'", "app_name": "''", "image_name": "''", "image_version": "''",
				// Without these two, filebeat 9 ships nothing of a file below 1 KiB.
				"file_identity.native": "~", "prospector.scanner.fingerprint.enabled": "false",
			} {
				if got := settings(input)[name]; got != want {
					t.Errorf("%s: %s of the input %s is %s, want %s", filepath.Base(file), name, id, got, want)
				}
			}
		}
	}
	slices.Sort(ids)
	if want := []string{"backup", "crond", "liveness", "readiness", "supervisor"}; !slices.Equal(ids, want) {
		t.Errorf("inputs are %q, want %q", ids, want)
	}
}

// settings are the `name: value` lines of an input.
func settings(input string) map[string]string {
	values := map[string]string{}
	for line := range strings.Lines(input) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			values[name] = value
		}
	}
	return values
}
