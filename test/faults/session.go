package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// bound is how long anything may take until it is as it should be. It is far above
// what a busy machine needs, and above the time that checks leave between restarts.
const bound = 4 * time.Minute

// trialsInWorld is how many faults hit the same containers before new ones are made.
const trialsInWorld = 30

// session is one run of the soak.
type session struct {
	dir    string
	binary string
	seed   uint64
	order  *rand.Rand // of worlds and faults, which depend on nothing but the seed
	random *rand.Rand // moments and targets: how many are drawn depends on what is hit
	end    time.Time
	limit  int // how many faults to inject at most, 0 for no limit
	stop   chan os.Signal
	faults []fault

	worlds, trial int
	deck          []int             // the kinds that have yet to come before any comes again
	trials        map[string]*tally // by kind of fault
}

// tally is what the table tells of a kind of fault.
type tally struct {
	trials int
	sum    time.Duration
	worst  time.Duration // until all was as it should be
}

func (s *session) over() bool {
	select {
	case <-s.stop:
		s.end = time.Now()
	default:
	}
	return !time.Now().Before(s.end) || s.limit > 0 && s.trial >= s.limit
}

func (s *session) run() error {
	for !s.over() {
		if err := s.runWorld(); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) runWorld() (err error) {
	s.worlds++
	w, err := s.newWorld()
	if err != nil {
		return err
	}
	defer func() {
		switch r := recover().(type) {
		case nil:
		case toolFailed:
			err = errors.Join(fmt.Errorf("trial %d in %s: what the soak itself uses has failed: %w", s.trial, w.dir, r.error), w.end(true))
		default:
			panic(r)
		}
	}()
	what := "its first start"
	err = w.begin()
	for n := 0; err == nil && n < trialsInWorld && !s.over(); n++ {
		f := s.draw()
		began := time.Now()
		var did string
		if did, err = f.inject(w); did == "" && err == nil {
			continue // the fault cannot hit this world
		}
		s.trial++
		what = f.kind + ": " + did
		if err == nil {
			err = w.settle()
		}
		if err == nil {
			err = w.check()
		}
		s.count(f.kind, time.Since(began))
		w.log("trial %d (%.1f s) %s", s.trial, time.Since(began).Seconds(), what)
	}
	if err == nil {
		what += ", and the end"
		err = w.finish()
	}
	if err != nil {
		err = fmt.Errorf("trial %d in %s (%s)\n  fault: %s\n  seen:  %w", s.trial, w.dir, w.options(), what, err)
	}
	return errors.Join(err, w.end(err != nil))
}

// kinds returns the faults with a text in their kind.
func kinds(only string) (found []fault) {
	for _, f := range faults {
		if strings.Contains(f.kind, only) {
			found = append(found, f)
		}
	}
	return found
}

// draw returns the next fault: each as often as the others, in a random order.
func (s *session) draw() fault {
	if len(s.deck) == 0 {
		s.deck = s.order.Perm(len(s.faults))
	}
	f := s.faults[s.deck[0]]
	s.deck = s.deck[1:]
	return f
}

func (s *session) count(kind string, took time.Duration) {
	t := s.trials[kind]
	if t == nil {
		t = &tally{}
		s.trials[kind] = t
	}
	t.trials++
	t.sum += took
	t.worst = max(t.worst, took)
}

func (s *session) printTable(out io.Writer) {
	total := 0
	fmt.Fprintf(out, "\n| fault | trials | mean until all is well | longest |\n|---|---|---|---|\n")
	for _, kind := range slices.Sorted(maps.Keys(s.trials)) {
		t := s.trials[kind]
		total += t.trials
		fmt.Fprintf(out, "| %s | %d | %.1f s | %.1f s |\n", kind, t.trials, t.sum.Seconds()/float64(t.trials), t.worst.Seconds())
	}
	fmt.Fprintf(out, "| all, in %d worlds | %d | | |\n", s.worlds, total)
}

// final is an error with which waiting is in vain.
type final struct{ error }

// waitFor waits until ok returns nil; else its last error is returned.
func waitFor(limit time.Duration, what string, ok func() error) error {
	end := time.Now().Add(limit)
	for {
		err := ok()
		if err == nil {
			return nil
		}
		if errors.As(err, &final{}) {
			return fmt.Errorf("%s: %w", what, err)
		}
		if time.Now().After(end) {
			return fmt.Errorf("waited %s in vain for: %s: %w", limit, what, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// bin has the programs that the soak brings along.
func (s *session) bin() string { return filepath.Join(s.dir, "bin") }

func (s *session) worldDir() string { return filepath.Join(s.dir, fmt.Sprintf("world-%d", s.worlds)) }
