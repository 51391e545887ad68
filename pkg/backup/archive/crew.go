package archive

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// crew makes small files in goroutines of its own, because the kernel takes longer to
// make one than we take to decompress it.
type crew struct {
	jobs    chan job
	buffers chan []byte
	pending sync.WaitGroup // jobs
	workers sync.WaitGroup
	failed  atomic.Pointer[error] // the first error
}

// job is a file to make. Its directory is shared, and its content a buffer of
// the crew's.
type job struct {
	dir     *directory
	name    string
	entry   Entry
	content []byte
}

const (
	smallFile  = 128 << 10
	maxWorkers = 4
)

func newCrew(do func(job) error) *crew {
	workers := min(runtime.GOMAXPROCS(0), maxWorkers)
	c := &crew{jobs: make(chan job, 2*workers), buffers: make(chan []byte, 4*workers)}
	for range cap(c.buffers) {
		c.buffers <- make([]byte, smallFile)
	}
	for range workers {
		c.workers.Go(func() {
			for j := range c.jobs {
				if err := do(j); err != nil {
					c.failed.CompareAndSwap(nil, &err)
				}
				c.buffers <- j.content
				c.pending.Done()
			}
		})
	}
	return c
}

// buffer returns a buffer for a job, once there is one.
func (c *crew) buffer() []byte { return <-c.buffers }

// do gives a job to the crew, or returns the error of an earlier one.
func (c *crew) do(j job) error {
	c.pending.Add(1)
	c.jobs <- j
	return c.err()
}

// wait returns when all jobs are done.
func (c *crew) wait() error {
	c.pending.Wait()
	return c.err()
}

func (c *crew) err() error {
	if err := c.failed.Load(); err != nil {
		return *err
	}
	return nil
}

// dismiss ends the goroutines, after the jobs that they are doing.
func (c *crew) dismiss() {
	close(c.jobs)
	c.workers.Wait()
}
