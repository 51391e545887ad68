package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/ZPascal/container-manager/test/internal/benchreport"
)

// The tools beside which the project is measured.
const (
	plainSupervisord = "supervisord"
	wokenSupervisord = "supervisord, woken"
	s6               = "s6"
	runit            = "runit"
	pebble           = "pebble"
	tini             = "tini"
	dumbInit         = "dumb-init"
)

// side is a tool that has been told to run the app so many times.
type side struct {
	who     string
	dir     string // of its files and the app's stamps
	command []string
	env     []string
	stop    syscall.Signal
	socket  string   // what is to be connected to once, as soon as it listens
	health  []string // the command that asks how the programs are
	tree    *tree    // of ours
}

// maker lays one tool's files out, for n apps.
type maker struct {
	who  string
	only int // not 0: the only number of apps that it can start
	make func(p *peers, s *side, n int) error
}

func makers() []maker {
	return []maker{
		{benchreport.Ours, 0, makeOurs},
		{plainSupervisord, 0, makeSupervisord},
		{wokenSupervisord, 0, makeWoken},
		{s6, 0, makeS6},
		{runit, 0, makeRunit},
		{pebble, 0, makePebble},
		{tini, 1, makeInit("tini")},
		{dumbInit, 1, makeInit("dumb-init")},
	}
}

// sides lays out every tool that can start n apps.
func (p *peers) sides(n int) (all []*side, err error) {
	for _, m := range makers() {
		if m.only != 0 && m.only != n {
			continue
		}
		s := &side{who: m.who, stop: syscall.SIGTERM, env: []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"}}
		if s.dir, err = os.MkdirTemp(p.b.dir, "peer-"); err != nil {
			return nil, err
		}
		if err := os.Mkdir(s.stamps(), 0o755); err != nil {
			return nil, err
		}
		if err := m.make(p, s, n); err != nil {
			return nil, fmt.Errorf("%s: %w", m.who, err)
		}
		all = append(all, s)
	}
	return all, nil
}

func (s *side) path(name string) string { return filepath.Join(s.dir, name) }
func (s *side) stamps() string          { return s.path("stamps") }

func (s *side) write(name, content string, perm os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(s.path(name)), 0o755); err != nil {
		return err
	}
	return os.WriteFile(s.path(name), []byte(content), perm)
}

// programSection starts the app n times below supervisord. Its output goes to log files,
// as most programs' does: supervisord notices the end of a program by the end of its pipe,
// and otherwise only once a second.
func programSection(p *peers, s *side, n int) string {
	return fmt.Sprintf("[program:app]\ncommand = %s %s/%%(process_num)d\nprocess_name = app_%%(process_num)d\nnumprocs = %d\n"+
		"startsecs = 0\nautorestart = true\n[supervisord]\nminfds = 4096\n", p.app, s.stamps(), n)
}

// makeOurs has cron and the event listener on, as they are by default.
func makeOurs(p *peers, s *side, n int) error {
	t, err := p.b.newTree(filepath.Base(s.dir) + "-tree")
	if err != nil {
		return err
	}
	t.set("IMAGE_CRON_ENABLED", "1")
	s.tree = t
	if err := t.write("supervisord/conf.d/app.conf", programSection(p, s, n), 0o644); err != nil {
		return err
	}
	if _, err := t.run("/bin/true"); err != nil { // the first start, which is another row
		return err
	}
	s.env, s.command = t.env, t.ours()
	s.health = []string{t.bin, "health", "readiness"}
	return os.MkdirAll(t.path("process"), 0o755)
}

func makeSupervisord(p *peers, s *side, n int) error {
	s.command = []string{"/usr/bin/supervisord", "-n", "-c", s.path("conf")}
	s.health = []string{"/usr/bin/supervisorctl", "-c", s.path("conf"), "status", "app:*"}
	return s.write("conf", fmt.Sprintf("[unix_http_server]\nfile = %[1]s/sock\n[rpcinterface:supervisor]\n"+
		"supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n[supervisorctl]\nserverurl = unix://%[1]s/sock\n"+
		"[supervisord]\nnodaemon = true\npidfile = %[1]s/pid\nlogfile = %[1]s/log\nchildlogdir = %[1]s\n", s.dir)+strings.Replace(programSection(p, s, n), "[supervisord]\n", "", 1), 0o644)
}

// makeWoken is for starts only: once it runs, it is plain supervisord.
func makeWoken(p *peers, s *side, n int) error {
	s.socket = s.path("sock")
	return makeSupervisord(p, s, n)
}

// runScripts makes a service directory for each app, as s6 and runit want them.
func runScripts(p *peers, s *side, n int) error {
	for i := range n {
		script := fmt.Sprintf("#!/bin/sh\nexec %s %s/%d\n", p.app, s.stamps(), i)
		if err := s.write(fmt.Sprintf("services/app-%d/run", i), script, 0o755); err != nil {
			return err
		}
	}
	return nil
}

func makeS6(p *peers, s *side, n int) error {
	s.command = []string{"s6-svscan", s.path("services")}
	s.health = []string{"s6-svstat", s.path("services/app-0")}
	return runScripts(p, s, n)
}

func makeRunit(p *peers, s *side, n int) error {
	s.command = []string{"runsvdir", s.path("services")}
	s.stop = syscall.SIGHUP // with SIGTERM it would leave everything running
	s.health = []string{"sv", "status", s.path("services/app-0")}
	return runScripts(p, s, n)
}

// makePebble lets pebble pause for half a second before each restart, which is its
// default for the first. It would double that from one to the next.
func makePebble(p *peers, s *side, n int) error {
	var layer strings.Builder
	layer.WriteString("services:\n")
	for i := range n {
		fmt.Fprintf(&layer, "  app-%d:\n    override: replace\n    startup: enabled\n    backoff-factor: 1\n    command: %s %s/%d\n", i, p.app, s.stamps(), i)
	}
	s.env = append(s.env, "PEBBLE="+s.dir)
	s.command = []string{p.pebble, "run"}
	s.health = []string{p.pebble, "health"}
	return s.write("layers/001-app.yaml", layer.String(), 0o644)
}

func makeInit(program string) func(*peers, *side, int) error {
	return func(p *peers, s *side, _ int) error {
		s.command = []string{program, "--", p.app, filepath.Join(s.stamps(), "0")}
		return nil
	}
}

// stampOf is what an app has noted.
type stampOf struct {
	at  time.Time
	pid int
}

// read returns the stamps that are whole, by the apps' numbers.
func (s *side) read(n int) map[int]stampOf {
	found := map[int]stampOf{}
	for i := range n {
		if stamp := stampFile(filepath.Join(s.stamps(), fmt.Sprint(i))); stamp.pid != 0 {
			found[i] = stamp
		}
	}
	return found
}

// stampFile reads a stamp; that of a file which is not whole yet is empty.
func stampFile(path string) stampOf {
	data, _ := os.ReadFile(path)
	var nano int64
	var pid int
	if _, err := fmt.Sscanf(string(data), "%d %d\n", &nano, &pid); err != nil {
		return stampOf{}
	}
	return stampOf{time.Unix(0, nano), pid}
}

func killPID(pid int) error { return syscall.Kill(pid, syscall.SIGKILL) }

// life is one life of a tool and its n apps.
type life struct {
	*side
	cmd         *exec.Cmd
	n           int
	first, last time.Duration
}

// start starts the tool, and waits until every app has begun.
func (s *side) start(n int) (*life, error) {
	old, _ := filepath.Glob(s.stamps() + "/*")
	for _, f := range old {
		_ = os.Remove(f)
	}
	if s.socket != "" {
		_ = os.Remove(s.socket)
	}
	out, err := os.Create(s.path("output"))
	if err != nil {
		return nil, err
	}
	defer out.Close()
	l := &life{side: s, n: n, cmd: exec.Command(s.command[0], s.command[1:]...)}
	l.cmd.Env, l.cmd.Stdout, l.cmd.Stderr = s.env, out, out
	// Whoever interrupts a run leaves nothing behind.
	l.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: s.stop}
	begin := time.Now()
	if err := l.cmd.Start(); err != nil {
		return nil, err
	}
	woken := s.socket == ""
	err = waitFor(time.Minute, func() bool {
		if !woken {
			if conn, err := net.Dial("unix", s.socket); err == nil {
				woken = true
				_ = conn.Close()
			}
		}
		names, _ := os.ReadDir(s.stamps())
		return len(names) == n && len(s.read(n)) == n
	})
	if err != nil {
		said, _ := os.ReadFile(s.path("output"))
		l.kill()
		return nil, fmt.Errorf("%s: the apps do not start: %w\n%s", s.who, err, said)
	}
	for _, stamp := range s.read(n) {
		took := stamp.at.Sub(begin)
		l.last = max(l.last, took)
		if l.first == 0 || took < l.first {
			l.first = took
		}
	}
	return l, nil
}

// end stops the tool, and returns how long it took until it and every app were gone.
func (l *life) end() (time.Duration, error) {
	apps := l.read(l.n)
	begin := time.Now()
	if err := l.cmd.Process.Signal(l.stop); err != nil {
		return 0, err
	}
	_ = l.cmd.Wait()
	err := waitFor(time.Minute, func() bool {
		for _, stamp := range apps {
			if syscall.Kill(stamp.pid, 0) == nil {
				return false
			}
		}
		return true
	})
	if err != nil {
		l.kill()
		return 0, fmt.Errorf("%s: the apps do not end: %w", l.who, err)
	}
	return time.Since(begin), nil
}

// kill ends everything at once.
func (l *life) kill() {
	pids := l.processes()
	_ = l.cmd.Process.Kill()
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	_ = l.cmd.Wait()
}

// processes are the tool's own process and all below it.
func (l *life) processes() []int { return below(l.cmd.Process.Pid) }

func below(pid int) []int {
	all := []int{pid}
	tasks, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	for _, task := range tasks {
		ids, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, task.Name()))
		for _, id := range strings.Fields(string(ids)) {
			var child int
			_, _ = fmt.Sscan(id, &child)
			all = append(all, below(child)...)
		}
	}
	return all
}
