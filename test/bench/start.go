package main

import (
	"math/rand/v2"
	"os"
	"time"
)

// python is named whole: one earlier in the path may be a slow wrapper.
const python = "/usr/bin/python3"

// memory is a file system that takes no time. On a disk it would be measured
// instead of us: ext4 takes milliseconds to find inodes for new files when others
// were deleted in the last five minutes, by a run of the tests say.
const memory = "/dev/shm"

// benchStart compares a start with nothing but built-in steps to an interpreter
// that starts and ends: what the Python version needed at the very least.
func benchStart(b *bench) error {
	if dir, err := os.MkdirTemp(memory, "bench-"); err == nil {
		defer func(disk string) { b.clean(); b.dir = disk }(b.dir)
		b.dir = dir
	}
	second, err := b.newTree("start-second")
	if err != nil {
		return err
	}
	first, err := b.newTree("start-first")
	if err != nil {
		return err
	}
	for _, t := range []*tree{second, first} {
		t.set("IMAGE_CRON_ENABLED", "1") // as it is by default
	}
	var references, seconds, firsts []time.Duration
	runs := []struct {
		times *[]time.Duration
		run   func(round int) (time.Duration, error)
	}{
		{&references, func(int) (time.Duration, error) { return second.timed(python, "-c", "pass") }},
		{&seconds, func(int) (time.Duration, error) { return second.run("/bin/true") }},
		{&firsts, func(round int) (time.Duration, error) { return first.newLife(round).run("/bin/true") }},
	}
	for round := range 121 {
		// Who comes behind the interpreter finds its own pages out of the caches.
		for _, i := range rand.Perm(len(runs)) {
			took, err := runs[i].run(round)
			if err != nil {
				return err
			}
			if round > 0 { // that is a warm-up, and locks the trees down
				*runs[i].times = append(*runs[i].times, took)
			}
		}
	}
	b.ratio("run /bin/true, second start : python3 -c pass", seconds, references, 0.50)
	b.ratio("run /bin/true, first start : python3 -c pass", firsts, references, 0.65)
	return nil
}
