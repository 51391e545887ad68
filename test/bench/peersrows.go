package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/ZPascal/container-manager/test/internal/benchreport"
)

const (
	stayingApps   = 10
	peersIdle     = 20 * time.Second
	crashRounds   = 9
	healthRounds  = 21
	hangRounds    = 5
	settledPeriod = 3 * time.Second // until nothing starts any more, and starts count as good
)

// stays measures what runs: all tools at the same time, each with ten apps that sleep.
func (p *peers) stays() (err error) {
	sides, err := p.sides(stayingApps)
	if err != nil {
		return err
	}
	sides = slices.DeleteFunc(sides, func(s *side) bool { return s.who == wokenSupervisord })
	var lives []*life
	defer func() {
		for _, l := range lives {
			_, stopped := l.end()
			err = errors.Join(err, stopped)
		}
	}()
	for _, s := range sides {
		l, err := s.start(stayingApps)
		if err != nil {
			return err
		}
		lives = append(lives, l)
	}
	time.Sleep(settledPeriod)
	before := map[*life]time.Duration{}
	for _, l := range lives {
		before[l] = l.cpu()
	}
	time.Sleep(peersIdle)
	for _, l := range lives {
		idle := float64(l.cpu()-before[l]) / float64(peersIdle)
		p.row("memory", "Memory and idle CPU", "memory beside 10 apps (PSS)", "MB").add(l.who, float64(l.pss())/1e6)
		p.row("idle", "Memory and idle CPU", "CPU of one core while nothing happens", "ppm").add(l.who, idle*1e6)
	}
	for range healthRounds {
		for _, i := range rand.Perm(len(lives)) {
			took, err := lives[i].ask()
			if err != nil {
				return err
			}
			p.row("health-exec", "Health", "one question by exec", "ms").took(lives[i].who, took)
		}
	}
	for range crashRounds {
		for _, i := range rand.Perm(len(lives)) {
			took, err := lives[i].crash()
			if err != nil {
				return err
			}
			p.row("crash", "Crash and hang", "a killed app to its next first instruction", "ms").took(lives[i].who, took)
		}
		time.Sleep(settledPeriod/2 + rand.N(time.Second))
	}
	return nil
}

// own are a tool's processes without the apps.
func (l *life) own() []int {
	apps := map[int]bool{}
	for _, stamp := range l.read(l.n) {
		apps[stamp.pid] = true
	}
	return slices.DeleteFunc(l.processes(), func(pid int) bool { return apps[pid] })
}

func (l *life) pss() (sum int64) {
	for _, pid := range l.own() {
		sum += pss(pid)
	}
	return sum
}

// cpu is the time that a tool's threads have run, in nanoseconds; see the kernel's
// sched-stats.
func (l *life) cpu() (sum time.Duration) {
	for _, pid := range l.own() {
		files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
		for _, file := range files {
			data, _ := os.ReadFile(file)
			var ran int64
			_, _ = fmt.Sscan(string(data), &ran)
			sum += time.Duration(ran)
		}
	}
	return sum
}

// ask asks how the programs are.
func (l *life) ask() (time.Duration, error) {
	cmd := exec.Command(l.health[0], l.health[1:]...)
	cmd.Env = l.env
	begin := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("%q: %w\n%s", l.health, err, out)
	}
	return time.Since(begin), nil
}

// crash kills an app, and waits for its next process.
func (l *life) crash() (time.Duration, error) {
	pid := l.read(l.n)[0].pid
	begin := time.Now()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return 0, err
	}
	var next stampOf
	err := waitFor(time.Minute, func() bool {
		stamp, ok := l.read(1)[0]
		next = stamp
		return ok && stamp.pid != pid
	})
	return next.at.Sub(begin), err
}

// webLayer lets pebble run the web app, and look at it once a second.
const webLayer = `services:
  web:
    override: replace
    startup: enabled
    command: %[1]s web %[2]s
    kill-delay: 1s
    on-check-failure:
      web: restart
checks:
  web:
    override: replace
    period: 1s
    timeout: 500ms
    threshold: 1
    http:
      url: http://127.0.0.1:%[2]s/health
`

// hangs halts a web app that a check looks at once a second, and measures until it answers
// again. supervisord, s6 and runit have no checks.
func (p *peers) hangs() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	var ports [2]string
	for i := range ports {
		if ports[i], err = freePort(); err != nil {
			return err
		}
	}
	t, err := p.b.newTree("hang")
	if err != nil {
		return err
	}
	for name, value := range map[string]string{
		"IMAGE_CRON_ENABLED": "1", "IMAGE_HEALTH_CRON": "@every 1s", "IMAGE_BACKUP_ENABLED": "0", "IMAGE_HEALTH_TIMEOUT": "500ms", "IMAGE_HEALTH_CRASHES": "0",
	} {
		t.set(name, value)
	}
	err = errors.Join(
		t.write("supervisord/conf.d/web.conf", fmt.Sprintf("[program:web]\ncommand = %s web %s\nstopwaitsecs = 1\n", self, ports[0]), 0o644),
		t.write("health/readiness.probes.d/check-web.sh", "#!/bin/sh\nexec container-manager probe http http://127.0.0.1:"+ports[0]+"/health\n", 0o755),
		os.MkdirAll(t.path("process"), 0o755))
	if err != nil {
		return err
	}
	theirs := &side{who: pebble, dir: p.b.dir, env: append(os.Environ(), "PEBBLE="+filepath.Join(p.b.dir, "hang-pebble"))}
	if err := theirs.write("hang-pebble/layers/001-web.yaml", fmt.Sprintf(webLayer, self, ports[1]), 0o644); err != nil {
		return err
	}
	commands := []*exec.Cmd{exec.Command(t.bin, "run"), exec.Command(p.pebble, "run")}
	commands[0].Env, commands[1].Env = t.env, theirs.env
	for _, cmd := range commands {
		if err := cmd.Start(); err != nil {
			return err
		}
		defer t.end(cmd)
	}
	who := []string{benchreport.Ours, pebble}
	for range hangRounds {
		time.Sleep(5*time.Second + rand.N(time.Second)) // longer than a program is spared after its start
		for i, port := range ports {
			took, err := hang(commands[i].Process.Pid, port)
			if err != nil {
				return fmt.Errorf("%s: %w", who[i], err)
			}
			p.row("hang", "Crash and hang", "a halted web app to its next answer, looked at once a second", "ms").took(who[i], took)
		}
	}
	return nil
}

// hang halts the web app below a process.
func hang(root int, port string) (time.Duration, error) {
	if err := waitFor(time.Minute, func() bool { return answers(port) }); err != nil {
		return 0, fmt.Errorf("the app does not answer: %w", err)
	}
	web := 0
	for _, pid := range below(root) {
		line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if strings.Contains(string(line), "\x00web\x00"+port) {
			web = pid
		}
	}
	if web == 0 {
		return 0, errors.New("the app's process is not found")
	}
	begin := time.Now()
	if err := syscall.Kill(web, syscall.SIGSTOP); err != nil {
		return 0, err
	}
	if err := waitFor(time.Minute, func() bool { return answers(port) }); err != nil {
		return 0, fmt.Errorf("the app does not answer again: %w", err)
	}
	return time.Since(begin), nil
}
