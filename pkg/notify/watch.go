package notify

import (
	"context"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The time until another deliverer is started after one that has failed doubles from
// firstDelay up to maxDelay.
const (
	firstDelay = time.Second
	maxDelay   = 30 * time.Second
)

// WorkerCommand is the hidden subcommand that runs a Deliverer.
const WorkerCommand = "notify-worker"

// Watcher has events told as soon as they are in the spool. The scripts run below a
// process of their own, because supervisord waits for the answers of the listener that
// has the watcher.
type Watcher struct {
	runDir string
	failed func(error)
	wake   chan struct{}
	done   context.Context
	cancel context.CancelFunc

	mu     sync.Mutex
	worker *os.Process // while it runs
}

// Watch begins to watch. Without a spool there is nothing to watch, and it does nothing.
// failed is told why events wait.
func Watch(runDir string, failed func(error)) *Watcher {
	w := &Watcher{runDir: runDir, failed: failed, wake: make(chan struct{}, 1)}
	w.done, w.cancel = context.WithCancel(context.Background())
	if _, err := os.Stat(Dir(runDir)); err != nil {
		return w
	}
	w.watchDir()
	w.Look()
	go w.run()
	return w
}

// Look looks for events. It never waits. The listener calls it with each event of
// supervisord, in case the kernel has no inotify to spare.
func (w *Watcher) Look() {
	select {
	case w.wake <- struct{}{}:
	default: // it is about to look anyway
	}
}

// End stops watching, and asks the worker to end. It does not wait: an event that is not
// told yet stays in the spool.
func (w *Watcher) End() {
	w.cancel()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.worker != nil {
		_ = w.worker.Signal(unix.SIGTERM)
	}
}

// watchDir calls Look for each new event.
func (w *Watcher) watchDir() {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return
	}
	events := os.NewFile(uintptr(fd), "inotify")
	if _, err := unix.InotifyAddWatch(fd, Dir(w.runDir), unix.IN_MOVED_TO|unix.IN_ONLYDIR); err != nil {
		_ = events.Close()
		return
	}
	context.AfterFunc(w.done, func() { _ = events.Close() })
	go func() {
		const room = 4096 // for several events with the longest names
		for buf := make([]byte, room); ; w.Look() {
			if _, err := events.Read(buf); err != nil {
				return
			}
		}
	}()
}

func (w *Watcher) run() {
	for {
		var due <-chan time.Time
		if next, ok := recall(Dir(w.runDir), time.Now()); ok {
			due = time.After(next)
		}
		if !Pending(w.runDir) {
			select {
			case <-w.done.Done():
				return
			case <-w.wake:
				continue
			case <-due:
				continue
			}
		}
		for delay := firstDelay; Pending(w.runDir); delay = min(2*delay, maxDelay) {
			err := w.work()
			if w.done.Err() != nil {
				return
			}
			if err == nil {
				continue
			}
			w.failed(err)
			select {
			case <-w.done.Done():
				return
			case <-time.After(delay):
			}
		}
	}
}

// work runs a worker, and waits for it.
func (w *Watcher) work() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, WorkerCommand)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	w.mu.Lock()
	if err = w.done.Err(); err == nil {
		err = cmd.Start()
	}
	if err == nil {
		w.worker = cmd.Process
	}
	w.mu.Unlock()
	if err != nil {
		return err
	}
	err = cmd.Wait()
	w.mu.Lock()
	w.worker = nil
	w.mu.Unlock()
	return err
}
