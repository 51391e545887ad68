package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// settle starts containers that have ended and waits until everything is as it
// should be. This is the bound within which the app answers after a fault.
func (w *world) settle() error {
	for _, c := range w.containers {
		if err := c.settle(); err != nil {
			return fmt.Errorf("container %s: %w\n  its output:\n%s", c.name, err, tail(c.output, 30))
		}
	}
	return nil
}

func (c *container) settle() error {
	if !c.lives() {
		if err := c.start(); err != nil {
			return err
		}
	}
	if err := waitFor(bound, "the app answers", func() error {
		if !c.lives() {
			return final{errEnded}
		}
		_, err := ask(c.socket(), pingRequest, bound)
		return err
	}); err != nil {
		return err
	}
	return waitFor(bound, "all programs run, are healthy, and are held by nobody", c.isWell)
}

var errEnded = errors.New("the container has ended")

// status is what is read of container-manager status --json.
type status struct {
	Programs []struct {
		Name, State, Held string
		PID               int
	}
}

func (c *container) isWell() error {
	if !c.lives() {
		return final{errEnded}
	}
	code, out := c.manager("status", "--json")
	var s status
	if err := json.Unmarshal([]byte(out), &s); err != nil || code != 0 {
		return fmt.Errorf("status ends with %d: %s", code, out)
	}
	wanted := []string{"app", "crond", "health"}
	if c.world.stdoutLog {
		wanted = append(wanted, "stdout-log")
	}
	if c.world.redis != nil {
		wanted = append(wanted, "filebeat")
	}
	for _, p := range s.Programs {
		i := slices.Index(wanted, p.Name)
		if i < 0 {
			continue
		}
		if p.State != "RUNNING" || p.Held != "" {
			return fmt.Errorf("%s is %s, held %q", p.Name, p.State, p.Held)
		}
		state, _ := os.ReadFile(c.Path("tmp/supervisor." + p.Name + ".state"))
		if string(state) != "RUNNING" {
			return fmt.Errorf("%s runs, and its state file says %q", p.Name, state)
		}
		pid, _ := os.ReadFile(c.Path("tmp/supervisor." + p.Name + ".pid"))
		if strings.TrimSpace(string(pid)) != fmt.Sprint(p.PID) {
			return fmt.Errorf("%s has process id %d, and its pid file says %q", p.Name, p.PID, pid)
		}
		wanted = slices.Delete(wanted, i, i+1)
	}
	if len(wanted) > 0 {
		return fmt.Errorf("status does not tell of %v", wanted)
	}
	marks, _ := filepath.Glob(c.Path("run/stopped/*-[0-9]*-[0-9]*-*"))
	if len(marks) > 0 {
		return fmt.Errorf("programs run, and are marked as stopped: %v", marks)
	}
	if code, out := c.manager("health", "readiness"); code != 0 {
		return fmt.Errorf("health readiness ends with %d: %s", code, out)
	}
	if all := c.processes(); len(all) > maxProcesses {
		return fmt.Errorf("%d processes are left: %v", len(all), all)
	}
	return nil
}

// maxProcesses is more than the programs, and the jobs that may run at a time with
// their children.
const maxProcesses = 25

// tail returns the last lines of a file.
func tail(path string, lines int) string {
	data, _ := os.ReadFile(path)
	all := strings.SplitAfter(string(data), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "")
}
