package starter

import (
	"sync"

	"github.com/ZPascal/container-manager/pkg/events"
)

// queue keeps events until somebody takes them, however many there are.
type queue struct {
	wake chan struct{} // has room for one

	mu     sync.Mutex
	events []events.Event
	closed bool
}

func (q *queue) add(e events.Event) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	q.events = append(q.events, e)
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *queue) take() []events.Event {
	q.mu.Lock()
	defer q.mu.Unlock()
	taken := q.events
	q.events = nil
	return taken
}

// close drops what is there, and what comes.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.events, q.closed = nil, true
}
