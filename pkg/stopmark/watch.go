package stopmark

import (
	"context"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/proc"
)

// The time between two attempts to finish the same doubles from firstDelay up to
// maxDelay.
const (
	firstDelay = 100 * time.Millisecond
	maxDelay   = 30 * time.Second
)

// Watch waits, until ctx is done, for the death of those who hold marks. It calls
// finish as soon as there is a mark of a dead holder, and again while there still
// is. finish starts the programs of such marks and releases them; it may take its
// time, and be called for other marks meanwhile.
//
// It looks at the marks at once, when one is made, and whenever look is called, which
// never waits. The listener calls look for every event of supervisord, in case the
// kernel has no inotify to spare. Then the only death that it misses is that of a holder
// who has not stopped anything yet. While there are no marks it does nothing.
func Watch(ctx context.Context, runDir string, finish func(context.Context)) (look func()) {
	w := watcher{
		runDir: runDir, finish: finish, delay: firstDelay,
		wake: make(chan struct{}, 1), died: make(chan proc.ID), finished: make(chan []Mark),
		awaited: map[proc.ID]bool{}, handed: map[Mark]bool{},
	}
	look = func() {
		select {
		case w.wake <- struct{}{}:
		default: // it is about to look anyway
		}
	}
	onNewMark(ctx, runDir, look)
	look()
	go w.run(ctx)
	return look
}

// onNewMark calls look for each new mark, until ctx is done.
func onNewMark(ctx context.Context, runDir string, look func()) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return
	}
	events := os.NewFile(uintptr(fd), "inotify")
	if _, err := unix.InotifyAddWatch(fd, Dir(runDir), unix.IN_CREATE|unix.IN_MOVED_TO|unix.IN_ONLYDIR); err != nil {
		_ = events.Close()
		return
	}
	context.AfterFunc(ctx, func() { _ = events.Close() })
	go func() {
		const room = 4096 // for several events with the longest names
		for buf := make([]byte, room); ; look() {
			if _, err := events.Read(buf); err != nil {
				return
			}
		}
	}()
}

type watcher struct {
	runDir string
	finish func(context.Context)
	delay  time.Duration

	wake     chan struct{}
	died     chan proc.ID
	finished chan []Mark

	awaited map[proc.ID]bool // holders whose death is waited for
	handed  map[Mark]bool    // orphans that a call of finish is about
}

func (w *watcher) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.wake:
		case holder := <-w.died:
			delete(w.awaited, holder)
		case marks := <-w.finished:
			for _, m := range marks {
				delete(w.handed, m)
			}
		}
		w.look(ctx)
	}
}

func (w *watcher) look(ctx context.Context) {
	var orphans []Mark
	for _, m := range All(w.runDir) {
		switch {
		case m.For == Person || w.handed[m] || w.awaited[m.Holder]:
		case m.IsOrphan():
			orphans = append(orphans, m)
		default:
			w.awaited[m.Holder] = true
			go func() {
				m.Holder.Await(ctx)
				send(ctx, w.died, m.Holder)
			}()
		}
	}
	if len(orphans) == 0 {
		if len(w.handed) == 0 {
			w.delay = firstDelay
		}
		return
	}
	for _, m := range orphans {
		w.handed[m] = true
	}
	delay := w.delay
	w.delay = min(2*w.delay, maxDelay)
	go func() {
		w.finish(ctx)
		select {
		case <-ctx.Done():
		case <-time.After(delay):
		}
		send(ctx, w.finished, orphans)
	}()
}

func send[T any](ctx context.Context, to chan<- T, what T) {
	select {
	case <-ctx.Done():
	case to <- what:
	}
}
