package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

const (
	stayingApps   = 10
	peersIdle     = 20 * time.Second
	crashRounds   = 9
	healthRounds  = 21
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
