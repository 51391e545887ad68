package test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/render"
	"github.com/ZPascal/container-manager/pkg/setup"
)

// rendered renders the tree for a storage volume of its own.
func rendered(t *testing.T, environ ...string) config.Config {
	t.Helper()
	for _, v := range config.Variables() {
		t.Setenv(v.Name, "")
	}
	dir := t.TempDir()
	image, err := filepath.Abs(filepath.Join(filesDir, "image"))
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
		writeLines(t, filepath.Join(c.SupervisorLogs, name), name)
	}
	for _, name := range ours {
		writeLines(t, filepath.Join(c.LogsDir, name), name)
	}
	rotate(t, c)
	for _, name := range theirs {
		if got := read(t, filepath.Join(c.SupervisorLogs, name)); got != name+"\n" {
			t.Errorf("supervisor/%s holds %q after logrotate ran, want it untouched", name, got)
		}
	}
	for _, name := range ours {
		path := filepath.Join(c.LogsDir, name)
		if old, now := read(t, path+".1"), read(t, path); old != name+"\n" || now != "" {
			t.Errorf("%s holds %q and its .1 %q after logrotate ran, want it renamed", name, now, old)
		}
	}

	// filebeat may still read the newest rotated file: only older ones are packed.
	for _, name := range ours {
		writeLines(t, filepath.Join(c.LogsDir, name), "second")
	}
	rotate(t, c)
	for _, name := range ours {
		path := filepath.Join(c.LogsDir, name)
		if got := read(t, path+".1"); got != "second\n" {
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
	writeProgram(t, filepath.Join(bin, "filebeat"), `exec cat <>"`+fifo+`" >&2`)
	writeProgram(t, filepath.Join(bin, "container-manager"),
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
		within(t, 20*time.Second, "the program reads "+fifo, func() bool {
			f, err := os.OpenFile(fifo, os.O_WRONLY|syscall.O_NONBLOCK, 0)
			if err != nil {
				return false
			}
			defer f.Close()
			_, err = f.WriteString(line + "\n")
			return err == nil
		})
		within(t, 20*time.Second, line+" is in "+log, func() bool { return strings.Contains(read(t, log), line) })
	}
	say("before")
	rotate(t, c)
	within(t, 20*time.Second, "supervisord opens "+log+" anew", func() bool {
		_, err := os.Stat(log)
		return err == nil
	})
	say("after")
	if old, now := read(t, log+".1"), read(t, log); old != "before\n" || now != "after\n" {
		t.Errorf("filebeat.log.1 holds %q and filebeat.log %q, want the line before and the one after", old, now)
	}
}

func TestFilebeatInputs(t *testing.T) {
	bin := t.TempDir()
	writeProgram(t, filepath.Join(bin, "filebeat"), "exit 1") // rendering looks for it
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	c := rendered(t, "LOGGING_REDIS_HOST=127.0.0.1", "APP_VERSION=2")
	files, err := filepath.Glob(filepath.Join(c.RunDir, "logging", "filebeat.d", "*.yml"))
	if err != nil || len(files) != 3 {
		t.Fatalf("rendered inputs: %q, %v; want three files", files, err)
	}
	var ids []string
	for _, file := range files {
		for input := range strings.SplitSeq(read(t, file), "\n- ") {
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

func writeLines(t *testing.T, path string, lines ...string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(strings.Join(lines, "\n") + "\n"); err != nil {
		t.Fatal(err)
	}
}

func writeProgram(t *testing.T, path, body string) {
	t.Helper()
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+body+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}

// read returns the content of a file, nothing when there is none.
func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return string(data)
}

// within waits until a condition holds.
func within(t *testing.T, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s until %s", limit, what)
		}
	}
}
