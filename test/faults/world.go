package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// world is a volume with one or two containers on it, and what is known of both.
type world struct {
	session    *session
	dir        string
	storage    string // a small tmpfs, so that it can be filled
	data       string // what is backed up
	dataMount  bool   // that is a file system of its own
	stdoutLog  bool
	redis      *shipping // nil where no logs are shipped
	uid        int
	secret     string
	containers []*container

	known     map[string]archiveInfo // archives that were whole, by name
	corrupted map[string]bool        // archives that we have spoilt
	future    []string               // paths of archives from the future
	halted    int                    // how often the app was left halted
	kills     int                    // of the first start
	usage     map[string]usage       // what processes took when they were first seen
	trialLog  *os.File

	writers sync.WaitGroup
	done    chan struct{}
	pause   sync.RWMutex // held for writing, nobody writes
	number  atomic.Uint64

	mu     sync.Mutex
	acked  map[uint64]bool          // written, and said to be so by the app
	logged map[*container][]uint64  // of these, those whose log lines were not looked for yet
	took   map[string]time.Duration // how long an operation takes
}

func (s *session) newWorld() (*world, error) {
	r := s.order
	w := &world{
		session: s, dir: s.worldDir(), dataMount: r.IntN(3) == 0, stdoutLog: r.IntN(2) == 0,
		known: map[string]archiveInfo{}, corrupted: map[string]bool{}, usage: map[string]usage{},
		done: make(chan struct{}), acked: map[uint64]bool{}, logged: map[*container][]uint64{}, took: map[string]time.Duration{},
	}
	if r.IntN(3) > 0 {
		w.uid = 20000 + r.IntN(10000) // which nobody else has, as processes are counted by user
	}
	key := make([]byte, 12)
	for i := range key {
		key[i] = byte(r.Uint32())
	}
	w.secret = "planted-" + hex.EncodeToString(key)
	if r.IntN(2) == 0 {
		w.redis = newShipping(w.secret)
		w.took[shippingMoment] = 2 * time.Second
	}
	w.storage = filepath.Join(w.dir, "storage")
	w.data = filepath.Join(w.storage, "data")
	names := []string{"a", "b"}[:1+r.IntN(3)/2]
	for _, dir := range []string{w.dir, w.storage} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return nil, err
		}
	}
	var err error
	if w.trialLog, err = os.Create(filepath.Join(w.dir, "trials.log")); err != nil {
		return nil, err
	}
	if err := w.mount(w.storage, "size=48m,nr_inodes=3000"); err != nil {
		return nil, err
	}
	if w.dataMount {
		if err := errors.Join(os.Mkdir(w.data, 0o755), w.mount(w.data, "size=24m,nr_inodes=2000")); err != nil {
			return nil, err
		}
	}
	for _, name := range names {
		c, err := w.newContainer(name)
		if err != nil {
			return nil, err
		}
		w.containers = append(w.containers, c)
	}
	fmt.Printf("world %d: %s\n", s.worlds, w.options())
	return w, nil
}

func (w *world) options() string {
	return fmt.Sprintf("%d containers, uid %d, data is a mount: %v, IMAGE_LOG_STDOUT: %v, filebeat: %v", len(w.containers), w.uid, w.dataMount, w.stdoutLog, w.redis != nil)
}

func (w *world) mount(dir, options string) error {
	if err := syscall.Mount("faults", dir, "tmpfs", 0, options); err != nil {
		return fmt.Errorf("mount %s: %w", dir, err)
	}
	return chown(dir, w.uid)
}

func (w *world) log(format string, args ...any) {
	fmt.Fprintf(w.trialLog, time.Now().Format("15:04:05.000 ")+format+"\n", args...)
}

// begin starts the containers and, once they are up, the writers.
func (w *world) begin() error {
	if err := w.settle(); err != nil {
		return err
	}
	for _, c := range w.containers {
		w.writers.Go(func() { w.write(c) })
	}
	if err := w.backUp(w.containers[0]); err != nil { // so that there is something to restore
		return err
	}
	return w.check()
}

// write has the app write a number again and again.
func (w *world) write(c *container) {
	for {
		select {
		case <-w.done:
			return
		case <-time.After(30 * time.Millisecond):
		}
		w.pause.RLock()
		_ = w.put(c)
		w.pause.RUnlock()
	}
}

func (w *world) put(c *container) error {
	n := w.number.Add(1)
	if _, err := ask(c.socket(), fmt.Sprintf(putRequest, n), 5*time.Second); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.acked[n] = true
	w.logged[c] = append(w.logged[c], n)
	return nil
}

// forgetLines is for a fault with which supervisord itself loses lines: it is
// killed, or there is no room for its logs.
func (w *world) forgetLines() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.logged)
}

// any returns one of the containers.
func (w *world) any() *container { return w.containers[w.session.random.IntN(len(w.containers))] }

// moment waits for a random part of what an operation takes.
func (w *world) moment(operation string) time.Duration {
	w.mu.Lock()
	took := w.took[operation]
	w.mu.Unlock()
	if took == 0 {
		took = 500 * time.Millisecond
	}
	d := time.Duration(w.session.random.Float64() * 1.2 * float64(took))
	time.Sleep(d)
	return d
}

// timed runs an operation to its end, so that moments in the next are known.
func (w *world) timed(operation string, do func() (int, string)) (int, string) {
	began := time.Now()
	status, out := do()
	if status == 0 {
		w.setTook(operation, time.Since(began))
	}
	return status, out
}

func (w *world) setTook(operation string, took time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.took[operation] = took
}

// end ends the containers. A broken world is kept, with what was on the volume.
func (w *world) end(keep bool) error {
	close(w.done)
	w.writers.Wait()
	var errs []error
	if keep {
		for _, c := range w.containers {
			if c.lives() {
				_, status := c.manager("status")
				w.log("status of %s:\n%s", c.name, status)
				for _, p := range c.processes() {
					w.log("process %d %s", p.pid, p.args)
				}
			}
		}
	}
	for _, c := range w.containers {
		errs = append(errs, c.kill())
	}
	if w.redis != nil {
		w.redis.cleanUp.end()
	}
	if keep {
		errs = append(errs, exec.Command("cp", "-a", w.storage, w.storage+"-kept").Run())
	}
	mounts := []string{w.storage}
	if w.dataMount {
		mounts = append(mounts, w.data)
	}
	for _, dir := range slices.Backward(mounts) {
		errs = append(errs, syscall.Unmount(dir, syscall.MNT_DETACH))
	}
	errs = append(errs, w.trialLog.Close())
	if !keep {
		errs = append(errs, exec.Command("rm", "-rf", w.dir).Run())
	}
	return errors.Join(errs...)
}
