package main

import "time"

// python is named whole: one earlier in the path may be a slow wrapper.
const python = "/usr/bin/python3"

// benchStart compares a start with nothing but built-in steps to an interpreter
// that starts and ends: what the Python version needed at the very least.
func benchStart(b *bench) error {
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
	for i := range 41 {
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
