package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// fault is one kind of fault. inject says what it did, and nothing when the world
// has nothing that it can hit. It returns an error only for a broken invariant.
type fault struct {
	kind   string
	inject func(w *world) (did string, err error)
}

var faults = []fault{
	{"kill -9 of a process", killProcess},
	{"kill -9 of a process", killProcess},
	{"kill -9 of supervisord", killContainer},
	{"kill -9 in a backup", func(w *world) (string, error) { return w.hitJob(syscall.SIGKILL, "backup") }},
	{"kill -9 in a restore", func(w *world) (string, error) { return w.hitJob(syscall.SIGKILL, "restore") }},
	{"kill -9 in a restore", func(w *world) (string, error) { return w.hitJob(syscall.SIGKILL, "restore") }},
	{"kill -9 in a take-back", func(w *world) (string, error) { return w.takeBack(syscall.SIGKILL) }},
	{"kill -9 in a take-back", func(w *world) (string, error) { return w.takeBack(syscall.SIGKILL) }},
	{"kill -9 in a restart", killRestart},
	{"kill -9 of the container in a backup or restore", killContainerInJob},
	{"signal to a backup or restore", signalJob},
	{"closed output", closedOutput},
	{"SIGSTOP, SIGCONT", stopAndContinue},
	{"SIGSTOP of the app", stopApp},
	{"signal to the first process", signalStart},
	{"kill -9 of a step or of the start", killStart},
	{"stop by a person, killed", killStop},
	{"supervisord reloaded", reload},
	{"disk full", func(w *world) (string, error) { return w.full(fillBytes) }},
	{"no inodes", func(w *world) (string, error) { return w.full(fillInodes) }},
	{"process limit", processLimit},
	{"file spoilt", spoil},
	{"newest archive spoilt", spoilArchive},
	{"mark of a dead process", orphan},
	{"new volume with archives", newVolume},
	{"kept content discarded", discard},
	{"records of a clock that was wrong", clockWasWrong},
	{"archive of a clock that was ahead", archiveAhead},
	{"Redis gone", redisGone},
	{"kill -9 of filebeat", killFilebeat},
	{"SIGSTOP, SIGCONT of filebeat", haltFilebeat},
	{"filebeat stopped by a person", stopFilebeat},
	{"no fault: backup and restore", backUpAndRestore},
}

// hit sends a process of the container a signal, once there is one of that kind.
func (w *world) hit(c *container, kind string, s syscall.Signal) bool {
	p, ok := c.alive(kind)
	return ok && syscall.Kill(p.pid, s) == nil
}

func killProcess(w *world) (string, error) {
	c := w.any()
	w.moment("anything")
	all := c.processes()
	if len(all) == 0 {
		return "", nil
	}
	p := all[w.session.random.IntN(len(all))]
	_ = syscall.Kill(p.pid, syscall.SIGKILL)
	return fmt.Sprintf("of %s in container %s", p.name, c.name), nil
}

func killContainer(w *world) (string, error) {
	c := w.any()
	w.moment("anything")
	w.forgetLines()
	defer w.forgetLines()
	return "container " + c.name, c.kill()
}

// hitJob hits a backup or restore at a random moment.
func (w *world) hitJob(s syscall.Signal, job string) (string, error) {
	c := w.any()
	if job == "restore" {
		if _, ok := w.newest(); !ok {
			return "", nil
		}
	}
	done := c.background(job)
	after := w.moment(job)
	hit := w.hit(c, job, s)
	out := <-done
	w.log("%s", out)
	return fmt.Sprintf("%v to %s in container %s after %s (hit: %v)", s, job, c.name, after, hit), nil
}

// takeBack has the last script of a restore fail, and hits what takes it back.
func (w *world) takeBack(s syscall.Signal) (string, error) {
	if _, ok := w.newest(); !ok {
		return "", nil
	}
	c := w.any()
	flag := c.socket() + ".fail"
	if err := os.WriteFile(flag, nil, 0o644); err != nil {
		return "", err
	}
	defer os.Remove(flag)
	if w.took["take-back"] == 0 {
		began := time.Now()
		status, out := c.manager("restore")
		w.setTook("take-back", time.Since(began))
		if status == 0 {
			return "", fmt.Errorf("a restore whose script fails ends with 0: %s", out)
		}
		return "none, to measure one", nil
	}
	done := c.background("restore")
	after := w.moment("take-back")
	hit := w.hit(c, "restore", s)
	w.log("%s", <-done)
	return fmt.Sprintf("%v in container %s after %s (hit: %v)", s, c.name, after, hit), nil
}

func killRestart(w *world) (string, error) {
	c := w.any()
	program := []string{"app", "crond"}[w.session.random.IntN(2)]
	done := c.background("restart", program)
	after := w.moment("restart")
	hit := 0
	for _, p := range c.processes() {
		if p.name == "restart" && syscall.Kill(p.pid, syscall.SIGKILL) == nil {
			hit++
		}
	}
	w.log("%s", <-done)
	return fmt.Sprintf("of %s in container %s after %s (%d processes)", program, c.name, after, hit), nil
}

func killContainerInJob(w *world) (string, error) {
	c := w.any()
	job := []string{"backup", "restore"}[w.session.random.IntN(2)]
	w.forgetLines()
	defer w.forgetLines()
	done := c.background(job)
	after := w.moment(job)
	err := c.kill()
	w.log("%s", <-done)
	return fmt.Sprintf("%s in container %s after %s", job, c.name, after), err
}

func signalJob(w *world) (string, error) {
	signals := []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGALRM, syscall.SIGABRT}
	return w.hitJob(signals[w.session.random.IntN(len(signals))], []string{"backup", "restore"}[w.session.random.IntN(2)])
}

func closedOutput(w *world) (string, error) {
	c := w.any()
	job := []string{"backup", "restore", "restart app"}[w.session.random.IntN(3)]
	status, out := c.exec("/bin/sh", "-c", w.session.binary+" "+job+" 2>&1 | head -1")
	w.log("%s | head -1: exit status %d: %s", job, status, out)
	return job + " | head -1 in container " + c.name, nil
}

func stopAndContinue(w *world) (string, error) {
	c := w.any()
	pid, name := c.first.Process.Pid, "supervisord"
	if all := c.processes(); len(all) > 0 && w.session.random.IntN(4) > 0 {
		p := all[w.session.random.IntN(len(all))]
		pid, name = p.pid, p.name
	}
	_ = syscall.Kill(pid, syscall.SIGSTOP)
	w.moment("stopped")
	_ = syscall.Kill(pid, syscall.SIGCONT)
	return fmt.Sprintf("of %s in container %s", name, c.name), nil
}

// stopApp leaves the app halted, for the checks to find.
func stopApp(w *world) (string, error) {
	c := w.any()
	p, ok := c.alive("app")
	if !ok || w.halted > 3 {
		return "", nil // the checks would wait long before they restart it so often
	}
	w.halted++
	_ = syscall.Kill(p.pid, syscall.SIGSTOP)
	err := waitFor(bound, "the app that was halted is restarted", func() error {
		if again, ok := c.alive("app"); !ok || again.pid == p.pid {
			return fmt.Errorf("it is still process %d", p.pid)
		}
		return nil
	})
	return "container " + c.name, err
}

// signalStart sends the first process a signal in some phase of a start, or later.
func signalStart(w *world) (string, error) {
	c := w.any()
	w.forgetLines()
	defer w.forgetLines()
	if err := c.stop(); err != nil {
		return "stop", err
	}
	began := time.Now()
	if err := c.start(); err != nil {
		return "", err
	}
	signals := []syscall.Signal{
		syscall.SIGTERM, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGPIPE,
		syscall.SIGALRM, syscall.SIGWINCH, syscall.SIGCHLD, syscall.SIGTTIN, syscall.SIGURG,
	}
	s := signals[w.session.random.IntN(len(signals))]
	after := w.moment("start")
	// Where there is no handler, the kernel drops the signal: before our first
	// instructions, and while supervisord's Python starts.
	handled := isCaught(c.first.Process.Pid, s)
	c.signal(s)
	did := fmt.Sprintf("%v to container %s, %s after its start (handled: %v)", s, c.name, after, handled)
	if (s == syscall.SIGTERM || s == syscall.SIGINT) && handled {
		return did, c.waitEnd(bound)
	}
	if c.lives() {
		err := c.settle()
		if err == nil {
			w.setTook("start", time.Since(began))
		}
		if c.lives() {
			return did, err
		}
	}
	return did, nil // settle starts it again
}

// isCaught reports whether a process handles a signal.
func isCaught(pid int, s syscall.Signal) bool {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(status)) {
		var caught uint64
		if _, err := fmt.Sscanf(line, "SigCgt: %x", &caught); err == nil {
			return caught&(1<<(s-1)) != 0
		}
	}
	return false
}

func killStart(w *world) (string, error) {
	c := w.any()
	w.forgetLines()
	defer w.forgetLines()
	if err := c.kill(); err != nil {
		return "", err
	}
	if err := c.start(); err != nil {
		return "", err
	}
	after := w.moment("start")
	what := "the start"
	if all := c.processes(); len(all) > 0 && w.session.random.IntN(2) == 0 {
		p := all[w.session.random.IntN(len(all))]
		what = p.name
		_ = syscall.Kill(p.pid, syscall.SIGKILL)
		if p.name == "step" || p.name == "other" {
			_ = waitFor(bound, "the start has failed, or goes on", func() error {
				_, err := ask(c.socket(), pingRequest, time.Second)
				if !c.lives() {
					return nil
				}
				return err
			})
		}
	} else if err := c.kill(); err != nil {
		return "", err
	}
	return fmt.Sprintf("of %s in container %s after %s", what, c.name, after), nil
}

// killStop kills a stop by a person half way. Whatever is left of it, a start by
// a person ends it.
func killStop(w *world) (string, error) {
	c := w.any()
	done := c.background("stop", "app")
	after := w.moment("stop")
	hit := false
	for _, p := range c.processes() {
		if strings.Contains(p.args, "container-manager stop") {
			hit = syscall.Kill(p.pid, syscall.SIGKILL) == nil
		}
	}
	w.log("%s", <-done)
	err := waitFor(bound, "a person starts the app", func() error {
		if status, out := c.manager("start", "app"); status != 0 {
			return fmt.Errorf("exit status %d: %s", status, out)
		}
		return nil
	})
	return fmt.Sprintf("container %s after %s (hit: %v)", c.name, after, hit), err
}

func reload(w *world) (string, error) {
	c := w.any()
	w.forgetLines()
	defer w.forgetLines()
	status, out := c.exec("supervisorctl", "-c", c.Path("run/supervisord/global.conf"), "reload")
	// The reload begins when supervisord has answered: wait for a new event listener.
	w.log("supervisorctl reload: %d %s", status, out)
	w.moment("start")
	return "container " + c.name, nil
}

// newVolume restores the newest archive into an emptied volume, by first starts of
// which some are killed.
func newVolume(w *world) (string, error) {
	w.forgetLines()
	defer w.forgetLines()
	if err := w.backUp(w.containers[0]); err != nil {
		return "a backup before", err
	}
	for _, c := range w.containers {
		if err := c.stop(); err != nil {
			return "", err
		}
	}
	if err := w.checkArchives(); err != nil { // crond may have made one more
		return "", err
	}
	newest, ok := w.newest()
	if !ok {
		return "", fmt.Errorf("there is no archive")
	}
	if err := w.empty(); err != nil {
		return "", err
	}
	kills := w.session.random.IntN(5)
	w.kills = kills * len(w.containers)
	for range kills {
		for _, c := range w.containers {
			if err := c.start(); err != nil {
				return "", err
			}
		}
		w.moment("first start")
		for _, c := range w.containers {
			if err := c.kill(); err != nil {
				return "", err
			}
		}
	}
	began := time.Now()
	if err := w.settle(); err != nil {
		return "", err
	}
	w.setTook("first start", time.Since(began)/2) // programs need the other half
	live, err := w.numbers(w.data)
	if err != nil {
		return "", err
	}
	var wanted []uint64
	for n := range w.known[newest].numbers {
		wanted = append(wanted, n)
	}
	did := fmt.Sprintf("%s after %d kills", newest, kills)
	if err := missing(wanted, live); err != nil {
		return did, fmt.Errorf("the first start has not restored %s: %w", newest, err)
	}
	return did, nil
}

// empty makes the volume a new one, on which there are archives.
func (w *world) empty() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.acked)
	for _, dir := range []string{w.storage, w.data} {
		entries, err := os.ReadDir(dir)
		if err != nil && dir == w.storage {
			return err
		}
		for _, e := range entries {
			if path := filepath.Join(dir, e.Name()); path != w.backupDir() && (path != w.data || !w.dataMount) {
				if err := os.RemoveAll(path); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
