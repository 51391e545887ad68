package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/ZPascal/container-manager/test/supervisordtest"
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
// same rendered files: woken by a connection, which is the floor, and as it is.
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
	if _, _, err := t.untilStamped(stamps, t.ours(), false); err != nil { // which renders what the others read
		return err
	}
	versions, err := supervisords()
	if err != nil {
		return err
	}
	for _, version := range versions {
		t.set("PYTHONPATH", version.modules)
		if err := b.programsOf(t, stamps, version.name); err != nil {
			return err
		}
	}
	return nil
}

// programsOf measures with one version of supervisord.
func (b *bench) programsOf(t *tree, stamps, version string) error {
	sides := []struct {
		command []string
		woken   bool // by a connection as soon as its socket is there
		series  [2][]time.Duration
	}{{command: t.ours()}, {command: t.plain(), woken: true}, {command: t.plain()}}
	for i := range 16 {
		for _, j := range rand.Perm(len(sides)) {
			side := &sides[j]
			first, last, err := t.untilStamped(stamps, side.command, side.woken)
			if err != nil {
				return err
			}
			if i > 0 { // that is a warm-up
				side.series[0], side.series[1] = append(side.series[0], first), append(side.series[1], last)
			}
		}
	}
	ours, woken, plain := sides[0].series, sides[1].series, sides[2].series
	last := fmt.Sprintf("entry to last of %d programs", programs)
	b.ratio("entry to first program : supervisord "+version+", woken once", ours[0], woken[0], 1.12)
	b.ratio(last+" : "+version+", woken once", ours[1], woken[1], 1.05)
	b.compare("entry to first program : supervisord "+version+" as it is", ours[0], plain[0])
	b.compare(last+" : "+version+" as it is", ours[1], plain[1])
	return nil
}

// supervisordVersion is a supervisord, by its version and its Python modules.
type supervisordVersion struct{ name, modules string }

// supervisords are this machine's supervisord and, on Debian, a newer one.
func supervisords() ([]supervisordVersion, error) {
	newer, err := supervisordtest.Newer(context.Background(), func(string, ...any) {})
	if err != nil {
		return nil, err
	}
	var versions []supervisordVersion
	for _, modules := range []string{supervisordtest.Modules, newer} {
		if modules == "" {
			continue
		}
		name, err := os.ReadFile(filepath.Join(modules, "supervisor/version.txt"))
		if err != nil {
			return nil, err
		}
		versions = append(versions, supervisordVersion{strings.TrimSpace(string(name)), modules})
	}
	return versions, nil
}

func (t *tree) ours() []string { return []string{t.bin, "run"} }

// plain is supervisord with what ours has rendered.
func (t *tree) plain() []string {
	return []string{"/usr/bin/supervisord", "-n", "-c", t.path("run/supervisord/global.conf")}
}

// untilStamped starts a command and returns how long after it the first and the
// last program ran. Where supervisord is to be woken, something connects to it once, as
// soon as its socket is there: no start of its programs can be earlier.
func (t *tree) untilStamped(stamps string, command []string, woken bool) (first, last time.Duration, err error) {
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
		if woken {
			conn, err := net.Dial("unix", t.path("supervisord.sock"))
			if woken = err != nil; !woken {
				defer conn.Close()
			}
		}
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
