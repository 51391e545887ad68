package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/ZPascal/container-manager/test/internal/redistest"
	"github.com/ZPascal/container-manager/test/testenv"
)

// appInput ships the app's log, which supervisord rotates. The settings are those of
// the image's own inputs.
const appInput = `- type: filestream
  id: app
  paths: ["${STORAGE_LOGS_DIR}/app/*.log", "${STORAGE_LOGS_DIR}/app/*.log.[0-9]", "${STORAGE_LOGS_DIR}/app/*.log.[0-9][0-9]"]
  file_identity.native: ~
  prospector.scanner.fingerprint.enabled: false
  prospector.scanner.check_interval: 1s
  backoff.init: 200ms
  backoff.max: 1s
  close.on_state_change.removed: false
  close.on_state_change.inactive: 1h
`

// shipping is the Redis of a world whose logs are shipped, and what has come there.
type shipping struct {
	*redistest.Server
	cleanUp *reporter
	read    int // entries of the list
	found   map[uint64]bool
}

func newShipping(password string) *shipping {
	r := &reporter{}
	return &shipping{Server: redistest.Start(r, redistest.Options{Password: password}), cleanUp: r, found: map[uint64]bool{}}
}

// look reads the lines that have come since the last look. A line may come twice.
func (s *shipping) look() map[uint64]bool {
	for _, entry := range s.ListFrom(0, "filebeat", s.read) {
		s.read++
		parseLine(entry, s.found)
	}
	return s.found
}

// toolFailed ends the soak: what failed is no container of ours, but what the soak uses.
type toolFailed struct{ error }

// reporter is the testing.TB of what was made for tests.
type reporter struct {
	testing.TB
	cleanups []func()
}

func (*reporter) Helper()            {}
func (r *reporter) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }
func (*reporter) Fatal(args ...any)  { panic(toolFailed{errors.New(fmt.Sprint(args...))}) }

func (*reporter) Fatalf(format string, args ...any) { panic(toolFailed{fmt.Errorf(format, args...)}) }

func (*reporter) Errorf(format string, args ...any) { panic(toolFailed{fmt.Errorf(format, args...)}) }

func (r *reporter) end() {
	for i := range r.cleanups {
		r.cleanups[len(r.cleanups)-1-i]()
	}
}

// shippingMoment names what redisGone and the faults of filebeat wait for.
const shippingMoment = "shipping"

// redisGone takes Redis away for a while. Nobody waits for it meanwhile.
func redisGone(w *world) (string, error) {
	if w.redis == nil {
		return "", nil
	}
	c := w.any()
	var did string
	back := w.redis.Start
	switch w.session.random.IntN(3) {
	case 0:
		did = "stopped"
		w.redis.Stop()
	case 1:
		did = "killed"
		w.redis.Kill()
	default:
		did, back = "halted", func() { w.redis.Signal(syscall.SIGCONT) }
		w.redis.Signal(syscall.SIGSTOP)
	}
	w.moment(shippingMoment)
	did += w.maybe("log rotated", func() { w.rotate(c) })
	did += w.maybe("filebeat killed", func() { w.hit(c, "filebeat", syscall.SIGKILL) })
	err := waitFor(bound, "the app answers without Redis", func() error { return w.put(c) })
	w.moment(shippingMoment)
	back()
	return did + ", container " + c.name, err
}

func killFilebeat(w *world) (string, error) {
	return w.hitFilebeat(syscall.SIGKILL, func(*container) error { return nil })
}

func haltFilebeat(w *world) (string, error) {
	return w.hitFilebeat(syscall.SIGSTOP, func(c *container) error {
		w.hit(c, "filebeat", syscall.SIGCONT)
		return nil
	})
}

// hitFilebeat sends filebeat a signal, may rotate what it reads, and has it go on.
func (w *world) hitFilebeat(s syscall.Signal, goOn func(c *container) error) (string, error) {
	if w.redis == nil {
		return "", nil
	}
	c := w.any()
	w.moment(shippingMoment)
	did := w.maybe("log rotated before", func() { w.rotate(c) })
	hit := w.hit(c, "filebeat", s)
	did += w.maybe("log rotated after", func() { w.rotate(c) })
	w.moment(shippingMoment)
	return fmt.Sprintf("%v in container %s (hit: %v)%s", s, c.name, hit, did), goOn(c)
}

// stopFilebeat has a person stop filebeat, rotate the log and start filebeat.
func stopFilebeat(w *world) (string, error) {
	if w.redis == nil {
		return "", nil
	}
	c := w.any()
	status, out := c.manager("stop", "filebeat")
	w.log("stop filebeat: %d %s", status, out)
	did := w.maybe("log rotated", func() { w.rotate(c) })
	w.moment(shippingMoment)
	err := waitFor(bound, "a person starts filebeat", func() error {
		if status, out := c.manager("start", "filebeat"); status != 0 {
			return fmt.Errorf("exit status %d: %s", status, out)
		}
		return nil
	})
	return "container " + c.name + did, err
}

// maybe does something in one of two cases, and says so.
func (w *world) maybe(what string, do func()) string {
	if w.session.random.IntN(2) == 0 {
		return ""
	}
	do()
	return ", " + what
}

// rotate rotates the app's log as logrotate does.
func (w *world) rotate(c *container) {
	if err := testenv.Rotate(c.appLog()); err != nil && !errors.Is(err, fs.ErrNotExist) { // supervisord rotates it as well
		fail(err)
	}
	c.signal(syscall.SIGUSR2) // supervisord opens it anew
}

// installFilebeat copies filebeat to where every user can run it.
func (s *session) installFilebeat() error {
	from, err := testenv.MakeFilebeat(context.Background(), func(format string, args ...any) { fmt.Printf("faults: "+format+"\n", args...) })
	if err != nil {
		return err
	}
	if err := os.MkdirAll(s.bin(), 0o755); err != nil {
		return err
	}
	if out, err := exec.Command("cp", from, filepath.Join(s.bin(), "filebeat")).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}
