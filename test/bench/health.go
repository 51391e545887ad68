package main

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const probes = 10

// benchHealth measures checks: ten probes that sleep, and what a check adds to
// ten that do nothing, against a shell that runs the same ten in turn.
func benchHealth(b *bench) error {
	t, err := b.newSetUpTree("health")
	if err != nil {
		return err
	}
	cmd, err := t.startAndWait(t.ours(), "health")
	if err != nil {
		return err
	}
	defer terminate(cmd)
	dir := t.path("image/health/readiness.probes.d")
	fill := func(body string) (paths []string, err error) {
		for i := range probes {
			paths = append(paths, filepath.Join(dir, fmt.Sprintf("check-%d.sh", i)))
			if err := os.WriteFile(paths[i], []byte("#!/bin/sh\n"+body+"\n"), 0o755); err != nil {
				return nil, err
			}
		}
		return paths, nil
	}
	if _, err := fill("exec sleep 0.2"); err != nil {
		return err
	}
	var sleeping, trivial, shell, known, python3 []time.Duration
	for range 10 {
		took, err := t.timed(t.bin, "check-readiness")
		if err != nil {
			return err
		}
		sleeping = append(sleeping, took)
	}
	paths, err := fill("exit 0")
	if err != nil {
		return err
	}
	for i := range 31 {
		ours, err := t.timed(t.bin, "check-readiness")
		if err != nil {
			return err
		}
		sh, err := t.timed("/bin/sh", "-c", strings.Join(paths, "; "))
		if err != nil {
			return err
		}
		asked, err := t.timed(t.bin, "health", "readiness")
		if err != nil {
			return err
		}
		interpreter, err := t.timed(python, "-c", "pass")
		if err != nil {
			return err
		}
		if i > 0 { // the first round is a warm-up
			trivial, shell = append(trivial, ours), append(shell, sh)
			known, python3 = append(known, asked), append(python3, interpreter)
		}
	}
	b.limit(fmt.Sprintf("check-readiness, %d probes of 0.2 s : 0.35 s", probes), median(sleeping), 350*time.Millisecond)
	b.ratio(fmt.Sprintf("check-readiness, %d trivial probes : sh -c in turn", probes), trivial, shell, 3)
	b.ratio("health readiness : python3 -c pass", known, python3, 1)
	return nil
}

// limit prints one line for a time that has a limit of its own.
func (b *bench) limit(what string, took, limit time.Duration) {
	b.atMost(what, took.Round(100*time.Microsecond).String(), float64(took)/float64(limit), 1)
}

// startAndWait starts a command and waits until programs are RUNNING.
func (t *tree) startAndWait(command []string, programs ...string) (*exec.Cmd, error) {
	_ = os.RemoveAll(t.path("process"))
	_ = os.Remove(t.path("supervisord.sock"))
	if err := os.Mkdir(t.path("process"), 0o755); err != nil {
		return nil, err
	}
	cmd, err := t.start(command)
	if err != nil {
		return nil, err
	}
	err = waitFor(20*time.Second, func() bool {
		for _, program := range programs {
			state, _ := os.ReadFile(t.path("process/supervisor." + program + ".state"))
			if string(state) != "RUNNING" {
				return false
			}
		}
		return !strings.Contains(children(cmd.Process.Pid), "wake")
	})
	if err != nil {
		terminate(cmd)
		output, _ := os.ReadFile(t.path("output"))
		return nil, fmt.Errorf("%s: programs do not start: %w\n%s", command[0], err, output)
	}
	return cmd, nil
}

func terminate(cmd *exec.Cmd) {
	_ = cmd.Process.Signal(syscall.SIGTERM)
	_ = cmd.Wait()
}

// benchMain measures SIGTERM to exit with a main program that dies at once: all
// of it is ours and supervisord's. The signal comes at every tenth of the second
// that supervisord's poll takes, in turn.
func benchMain(b *bench) error {
	t, err := b.newSetUpTree("main")
	if err != nil {
		return err
	}
	if err := t.write("supervisord/conf.d/app.conf", "[program:app]\ncommand = /bin/sleep 1000\nstartsecs = 0\n", 0o644); err != nil {
		return err
	}
	t.set("IMAGE_MAIN_PROGRAM", "app")
	var took []time.Duration
	for i := range 10 {
		cmd, err := t.startAndWait(t.ours(), "app", "health")
		if err != nil {
			return err
		}
		time.Sleep(time.Duration(i) * 100 * time.Millisecond)
		begin := time.Now()
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		took = append(took, time.Since(begin))
		if code := cmd.ProcessState.ExitCode(); code != 128+int(syscall.SIGTERM) {
			return fmt.Errorf("it ended with %d, want 143", code)
		}
	}
	b.limit("SIGTERM to exit with a main program : 0.25 s", median(took), 250*time.Millisecond)
	return nil
}

// benchRecovery halts the example's web app, and measures until it answers again:
// with a check every second, and the example's own probe.
func benchRecovery(b *bench) error {
	t, err := b.newTree("recovery")
	if err != nil {
		return err
	}
	if err := os.CopyFS(t.path("image"), os.DirFS(filepath.Join(b.files, "../examples/webapp/image"))); err != nil {
		return err
	}
	port, err := freePort()
	if err != nil {
		return err
	}
	for name, value := range map[string]string{
		"APP_NAME": "webapp", "APP_VERSION": "1", "APP_PORT": port,
		"IMAGE_CRON_ENABLED": "1", "IMAGE_HEALTH_CRON": "@every 1s", "IMAGE_BACKUP_ENABLED": "0",
	} {
		t.set(name, value)
	}
	cmd, err := t.startAndWait(t.ours(), "app", "crond", "health")
	if err != nil {
		return err
	}
	defer terminate(cmd)
	var took []time.Duration
	const rounds = 3
	for i := range rounds {
		if err := waitFor(20*time.Second, func() bool { return answers(port) }); err != nil {
			return fmt.Errorf("the app does not answer: %w", err)
		}
		// The restarts of the rounds are not to look like flapping, and the signal
		// is to come at any part of the second between two checks.
		time.Sleep(5*time.Second + time.Duration(i)*300*time.Millisecond)
		pid, err := t.pid("app")
		if err != nil {
			return err
		}
		begin := time.Now()
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			return err
		}
		if err := waitFor(30*time.Second, func() bool { return answers(port) }); err != nil {
			return fmt.Errorf("the app does not answer again: %w", err)
		}
		took = append(took, time.Since(begin))
	}
	slowest := took[0]
	for _, d := range took {
		slowest = max(slowest, d)
	}
	b.limit(fmt.Sprintf("web app after SIGSTOP: answers again, slowest of %d : 4 s", rounds), slowest, 4*time.Second)
	log, err := os.ReadFile(t.path("storage/logs/supervisor/supervisord.log"))
	if err != nil {
		return err
	}
	for program, want := range map[string]int{"app": rounds + 1, "crond": 1, "health": 1} {
		if got := bytes.Count(log, []byte("spawned: '"+program+"'")); got != want {
			return fmt.Errorf("%s was started %d times, want %d", program, got, want)
		}
	}
	return nil
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

// answers reports whether the web app answers within a moment.
func answers(port string) bool {
	client := http.Client{Timeout: 100 * time.Millisecond, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://127.0.0.1:" + port + "/health")
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// pid is a program's process id, as the event listener tells it.
func (t *tree) pid(program string) (int, error) {
	data, err := os.ReadFile(t.path("process/supervisor." + program + ".pid"))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(data)))
}
