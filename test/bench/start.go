package main

import (
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
	for i := range 121 {
		reference, err := second.timed(python, "-c", "pass")
		if err != nil {
			return err
		}
		s, err := second.run("/bin/true")
		if err != nil {
			return err
		}
		f, err := first.newLife(i).run("/bin/true")
		if err != nil {
			return err
		}
		if i > 0 { // the first round is a warm-up, and locks the trees down
			references, seconds, firsts = append(references, reference), append(seconds, s), append(firsts, f)
		}
	}
	b.ratio("run /bin/true, second start : python3 -c pass", seconds, references, 0.50)
	b.ratio("run /bin/true, first start : python3 -c pass", firsts, references, 0.65)
	return nil
}
