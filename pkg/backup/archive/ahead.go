package archive

import (
	"io"
	"sync"
)

// ahead reads from another reader in a goroutine of its own, so that
// decompressing an archive and using its content take turns on no processor.
type ahead struct {
	full    chan []byte // filled buffers
	free    chan []byte // buffers to fill
	stop    chan struct{}
	done    sync.WaitGroup
	err     error // of the source; valid once full is closed
	current []byte
	buffer  []byte // the one that current is a part of
}

const (
	aheadBuffers = 4
	aheadSize    = 256 << 10
)

func newAhead(r io.Reader) *ahead {
	a := &ahead{full: make(chan []byte, aheadBuffers), free: make(chan []byte, aheadBuffers), stop: make(chan struct{})}
	for range aheadBuffers {
		a.free <- make([]byte, aheadSize)
	}
	a.done.Go(func() { a.fill(r) })
	return a
}

func (a *ahead) fill(r io.Reader) {
	defer close(a.full)
	for {
		select {
		case <-a.stop:
			return
		case buffer := <-a.free:
			n, err := readSome(r, buffer[:aheadSize])
			a.full <- buffer[:n]
			if err != nil {
				a.err = err
				return
			}
		}
	}
}

// readSome fills p as far as the source allows, and returns the source's error
// as it is.
func readSome(r io.Reader, p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var m int
		m, err = r.Read(p[n:])
		n += m
	}
	return n, err
}

func (a *ahead) Read(p []byte) (int, error) {
	for len(a.current) == 0 {
		if a.buffer != nil {
			a.free <- a.buffer
			a.buffer = nil
		}
		buffer, ok := <-a.full
		if !ok {
			return 0, a.err
		}
		a.buffer, a.current = buffer, buffer
	}
	n := copy(p, a.current)
	a.current = a.current[n:]
	return n, nil
}

// Close ends the goroutine; the source is no longer used when it returns.
func (a *ahead) Close() {
	close(a.stop)
	a.done.Wait()
}
