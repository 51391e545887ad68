package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/ZPascal/container-manager/test/internal/benchreport"
)

const (
	httpRounds = 51
	hangRounds = 5
)

// webStep PORT is a web app that says that it is well.
func webStep(args []string) error {
	return http.ListenAndServe(net.JoinHostPort("127.0.0.1", args[0]), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintln(w, "ok")
	}))
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

// webSide is a tool that runs the web app, and looks at it.
type webSide struct {
	who    string
	cmd    *exec.Cmd
	port   string // of the app
	health asker  // of the tool
	path   string // of the health there
}

// web measures the two tools that look at a web app once a second; supervisord, s6 and
// runit have no checks.
func (p *peers) web() error {
	ours, err := p.webOurs()
	if err != nil {
		return err
	}
	theirs, err := p.webPebble()
	if err != nil {
		return err
	}
	sides := []*webSide{ours, theirs}
	for _, s := range sides {
		if err := s.cmd.Start(); err != nil {
			return err
		}
		defer terminate(s.cmd)
	}
	if err := p.askHTTP(sides); err != nil {
		return err
	}
	for range hangRounds {
		time.Sleep(5*time.Second + rand.N(time.Second)) // longer than a program is spared after its start
		for _, s := range sides {
			took, err := hang(s.cmd.Process.Pid, s.port)
			if err != nil {
				return fmt.Errorf("%s: %w", s.who, err)
			}
			p.row("hang", "Crash and hang", "a halted web app to its next answer, looked at once a second", "ms").took(s.who, took)
		}
	}
	return nil
}

// askHTTP asks for the health over connections that are made anew, as kubelet does.
func (p *peers) askHTTP(sides []*webSide) error {
	for _, s := range sides {
		if err := waitFor(time.Minute, func() bool { _, err := s.health.ask(s.path); return err == nil }); err != nil {
			return fmt.Errorf("%s does not answer at %s: %w", s.who, s.path, err)
		}
	}
	for range httpRounds {
		for _, i := range rand.Perm(len(sides)) {
			s := sides[i]
			s.health.CloseIdleConnections()
			begin := time.Now()
			if _, err := s.health.ask(s.path); err != nil {
				return fmt.Errorf("%s: %w", s.who, err)
			}
			p.row("health-http", "Health", "one question by HTTP", "ms").took(s.who, time.Since(begin))
		}
		time.Sleep(100 * time.Millisecond)
	}
	return nil
}

func (p *peers) webOurs() (*webSide, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	t, err := p.b.newTree("hang")
	if err != nil {
		return nil, err
	}
	for name, value := range map[string]string{
		"IMAGE_CRON_ENABLED": "1", "IMAGE_HEALTH_CRON": "@every 1s", "IMAGE_BACKUP_ENABLED": "0", "IMAGE_HEALTH_TIMEOUT": "500ms", "IMAGE_HEALTH_CRASHES": "0",
		"IMAGE_HTTP_ADDRESS": "unix:" + t.path("http.sock"),
	} {
		t.set(name, value)
	}
	err = errors.Join(
		t.write("supervisord/conf.d/web.conf", fmt.Sprintf("[program:web]\ncommand = %s web %s\nstopwaitsecs = 1\n", self, port), 0o644),
		t.write("health/readiness.probes.d/check-web.sh", "#!/bin/sh\nexec container-manager probe http http://127.0.0.1:"+port+"/health\n", 0o755),
		os.MkdirAll(t.path("process"), 0o755))
	cmd := exec.Command(t.bin, "run")
	cmd.Env = t.env
	return &webSide{who: benchreport.Ours, cmd: cmd, port: port, health: newAsker(t.path("http.sock")), path: "/readyz"}, err
}

func (p *peers) webPebble() (*webSide, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(p.b.dir, "hang-pebble")
	layer := filepath.Join(dir, "layers", "001-web.yaml")
	err = errors.Join(
		os.MkdirAll(filepath.Dir(layer), 0o755),
		os.WriteFile(layer, fmt.Appendf(nil, webLayer, self, port), 0o644))
	cmd := exec.Command(p.pebble, "run")
	cmd.Env = append(os.Environ(), "PEBBLE="+dir)
	return &webSide{who: pebble, cmd: cmd, port: port, health: newAsker(filepath.Join(dir, ".pebble.socket")), path: "/v1/health"}, err
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
