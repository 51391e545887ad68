package starter

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// The delay grows while nothing works, and begins anew once something has.
func TestDelayBetweenAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lasts := []time.Duration{0, 0, 0, time.Hour, 0}
		delays := make(chan time.Duration, len(lasts))
		var ended time.Time
		s := begin(func(error) { ended = time.Now() }, func(context.Context, *Starter) error {
			if !ended.IsZero() {
				delays <- time.Since(ended)
			}
			if len(delays) == cap(delays) {
				return nil
			}
			time.Sleep(lasts[len(delays)])
			return errors.New("supervisord does not answer")
		})
		<-s.ended
		for _, want := range []time.Duration{1, 2, 4, 1, 2} {
			if got := <-delays; got != want*time.Second {
				t.Errorf("a delay of %s, want %d s", got, want)
			}
		}
	})
}
