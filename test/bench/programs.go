package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const programs = 50

// stamp is what the benchmarks' programs do: their first instruction.
func stamp(file string) {
	tmp := file + ".tmp"
	_ = os.WriteFile(tmp, []byte(strconv.FormatInt(time.Now().UnixNano(), 10)), 0o644)
	_ = os.Rename(tmp, file)
}

// benchPrograms measures from the entry to the first program's first
// instruction, and to the last of fifty's, against plain supervisord with the
// same rendered files.
func benchPrograms(b *bench) error {
	t, err := b.newSetUpTree("programs")
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	stamps := t.path("stamps")
	err = t.write("supervisord/conf.d/stamp.conf", fmt.Sprintf(`[program:stamp]
command = %s stamp %s/%%(process_num)d
process_name = %%(program_name)s_%%(process_num)d
numprocs = %d
startsecs = 0
autorestart = false
`, self, stamps, programs), 0o644)
	if err != nil {
		return err
	}
	var ours, plain [2][]time.Duration // to the first, to the last
	for i := range 12 {
		for _, side := range []struct {
			series  *[2][]time.Duration
			command []string
		}{{&ours, t.ours()}, {&plain, t.plain()}} {
			first, last, err := t.untilStamped(stamps, side.command)
			if err != nil {
				return err
			}
			if i > 0 { // the first round is a warm-up
				side.series[0], side.series[1] = append(side.series[0], first), append(side.series[1], last)
			}
		}
	}
	b.ratio("entry to first program : plain supervisord", ours[0], plain[0], 0.20)
	b.ratio(fmt.Sprintf("entry to last of %d programs : plain supervisord", programs), ours[1], plain[1], 0.30)
	return nil
}

func (t *tree) ours() []string { return []string{t.bin, "run"} }

// plain is supervisord with what ours has rendered.
func (t *tree) plain() []string {
	return []string{"/usr/bin/supervisord", "-n", "-c", t.path("run/supervisord/global.conf")}
}

// untilStamped starts a command and returns how long after it the first and the
// last program ran.
func (t *tree) untilStamped(stamps string, command []string) (first, last time.Duration, err error) {
	if err := os.RemoveAll(stamps); err != nil {
		return 0, 0, err
	}
	if err := os.Mkdir(stamps, 0o755); err != nil {
		return 0, 0, err
	}
	_ = os.Remove(t.path("supervisord.sock"))
	begin := time.Now()
	cmd, err := t.start(command)
	if err != nil {
		return 0, 0, err
	}
	defer func() {
		_ = cmd.Process.Kill() // its listener ends with it, the programs have
		_ = cmd.Wait()
	}()
	err = waitFor(20*time.Second, func() bool {
		done, _ := filepath.Glob(stamps + "/*[0-9]")
		return len(done) == programs
	})
	if err != nil {
		output, _ := os.ReadFile(t.path("output"))
		return 0, 0, fmt.Errorf("%s: programs do not start: %w\n%s", command[0], err, output)
	}
	done, _ := filepath.Glob(stamps + "/*[0-9]")
	for _, file := range done {
		data, err := os.ReadFile(file)
		if err != nil {
			return 0, 0, err
		}
		nano, err := strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64)
		if err != nil {
			return 0, 0, err
		}
		took := time.Unix(0, nano).Sub(begin)
		if first == 0 || took < first {
			first = took
		}
		last = max(last, took)
	}
	return first, last, nil
}

// start starts a command in the tree's environment, its output in a file.
func (t *tree) start(command []string) (*exec.Cmd, error) {
	out, err := os.Create(t.path("output"))
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env, cmd.Stdout, cmd.Stderr = t.env, out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd, cmd.Start()
}

// waitFor waits until done, with a deadline.
func waitFor(limit time.Duration, done func() bool) error {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(limit)
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			return fmt.Errorf("not within %s", limit)
		}
	}
	return nil
}

// stops is how many times a container is stopped: the signal comes at as many
// moments of the second that supervisord's poll takes.
const stops = 20

// benchStop measures SIGTERM to exit, on average: supervisord ends some of its
// phases at once and others with its poll, so the times lie whole seconds apart
// and a median would be drawn by lot.
func benchStop(b *bench) error {
	t, err := b.newSetUpTree("stop")
	if err != nil {
		return err
	}
	err = t.write("supervisord/conf.d/app.conf", "[program:app]\ncommand = /bin/sleep 1000\nstartsecs = 0\n", 0o644)
	if err != nil {
		return err
	}
	var ours, plain []time.Duration
	for i := range stops {
		for _, side := range []struct {
			series  *[]time.Duration
			command []string
		}{{&ours, t.ours()}, {&plain, t.plain()}} {
			took, err := t.stop(side.command, time.Duration(i)*time.Second/stops)
			if err != nil {
				return err
			}
			*side.series = append(*side.series, took)
		}
	}
	b.ratio("SIGTERM to exit, average : plain supervisord", []time.Duration{mean(ours)}, []time.Duration{mean(plain)}, 1.15)
	return nil
}

func (t *tree) stop(command []string, phase time.Duration) (time.Duration, error) {
	_ = os.RemoveAll(t.path("process"))
	if err := os.Mkdir(t.path("process"), 0o755); err != nil {
		return 0, err
	}
	_ = os.Remove(t.path("supervisord.sock"))
	cmd, err := t.start(command)
	if err != nil {
		return 0, err
	}
	err = waitFor(20*time.Second, func() bool {
		for _, program := range []string{"app", "health"} {
			state, _ := os.ReadFile(t.path("process/supervisor." + program + ".state"))
			if string(state) != "RUNNING" {
				return false
			}
		}
		return !strings.Contains(children(cmd.Process.Pid), "wake")
	})
	if err != nil {
		_ = cmd.Process.Kill()
		return 0, fmt.Errorf("%s: the program does not start: %w", command[0], err)
	}
	time.Sleep(phase)
	begin := time.Now()
	_ = cmd.Process.Signal(syscall.SIGTERM)
	_ = cmd.Wait()
	return time.Since(begin), nil
}

// children returns the command lines of a process's children.
func children(pid int) string {
	var b strings.Builder
	ids, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	for _, id := range strings.Fields(string(ids)) {
		line, _ := os.ReadFile("/proc/" + id + "/cmdline")
		b.Write(line)
	}
	return b.String()
}
