package web

import (
	"container/list"
	"io"
	stdlog "log"
	"net"
	"sync"
)

// crowd is a listener that holds a limited number of connections. When one more comes,
// the oldest is closed: answers take milliseconds, so the oldest is idle or slow. A flood
// of slow clients cannot keep kubelet waiting, because its connection is the newest.
type crowd struct {
	net.Listener
	most int

	mu   sync.Mutex
	open *list.List // of *member, oldest first
}

func newCrowd(l net.Listener, most int) *crowd {
	return &crowd{Listener: l, most: most, open: list.New()}
}

// member is a connection that leaves the crowd when it is closed.
type member struct {
	net.Conn
	crowd *crowd
	place *list.Element
}

// Accept implements net.Listener.
func (c *crowd) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	m := &member{Conn: conn, crowd: c}
	c.mu.Lock()
	m.place = c.open.PushBack(m)
	var oldest *member
	if c.open.Len() > c.most {
		oldest, _ = c.open.Front().Value.(*member)
	}
	c.mu.Unlock()
	if oldest != nil {
		_ = oldest.Close()
	}
	return m, nil
}

// Close implements net.Conn.
func (m *member) Close() error {
	m.crowd.mu.Lock()
	if m.place != nil {
		m.crowd.open.Remove(m.place)
		m.place = nil
	}
	m.crowd.mu.Unlock()
	return m.Conn.Close()
}

// quiet swallows what the library says of bad requests: whoever can connect could fill
// the log with them.
func quiet() *stdlog.Logger { return stdlog.New(io.Discard, "", 0) }
