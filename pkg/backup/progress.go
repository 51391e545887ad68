package backup

import (
	"fmt"
	"sync/atomic"
	"time"
)

// How often progress is told: on a terminal it is a line that changes, else a
// line in the log.
const (
	terminalEvery = 200 * time.Millisecond
	logEvery      = 10 * time.Second
)

// progress tells how far something is until stop is called. Call add with the
// number of bytes just done.
func (r Runner) progress(what string) (add func(n int), stop func()) {
	var done atomic.Int64
	every := logEvery
	if r.Terminal != nil {
		every = terminalEvery
	}
	ended := make(chan struct{})
	stopped := make(chan struct{})
	began := time.Now()
	go func() {
		defer close(stopped)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				r.tell(what, done.Load(), time.Since(began))
			case <-ended:
				if r.Terminal != nil {
					fmt.Fprint(r.Terminal, clearLine)
				}
				return
			}
		}
	}()
	return func(n int) { done.Add(int64(n)) }, func() {
		close(ended)
		<-stopped
	}
}

// clearLine returns to the beginning of a terminal's line and empties it.
const clearLine = "\r\x1b[K"

func (r Runner) tell(what string, done int64, took time.Duration) {
	text := fmt.Sprintf("%s: %s after %s, %s a second", what, Size(done), took.Round(time.Second), Size(int64(float64(done)/took.Seconds())))
	if r.Terminal != nil {
		fmt.Fprint(r.Terminal, clearLine+text)
		return
	}
	r.Log.Info().Msg(text)
}
