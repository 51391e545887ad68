package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"
)

// python is named whole: one earlier in the path may be a slow wrapper.
const python = "/usr/bin/python3"

// memory is a file system that takes no time. On a disk it would be measured
// instead of us: ext4 takes milliseconds to find inodes for new files when others
// were deleted in the last five minutes, by a run of the tests say.
const memory = "/dev/shm"

const (
	startRounds    = 121
	overlayRounds  = 41
	startCommand   = "/bin/true"
	secondsActions = "second.list"
	firstsActions  = "first.list"
)

// starts are the times of alternating starts with nothing but built-in steps, and of
// what they are compared with.
type starts struct {
	Second, SecondFloor []time.Duration
	First, FirstFloor   []time.Duration
	Python              []time.Duration
}

// benchStart compares a start with a program that does no more than the same with the
// same files, which a slower machine slows down as much. The interpreter, which is what
// the Python version needed at the very least, has another mix of costs: its line has
// no limit.
func benchStart(b *bench) error {
	floor, err := buildFloor(b.dir)
	if err != nil {
		return err
	}
	if err := os.Setenv(floorVariable, floor); err != nil {
		return err
	}
	if dir, err := os.MkdirTemp(memory, "bench-"); err == nil {
		defer func(disk string) { b.clean(); b.dir = disk }(b.dir)
		b.dir = dir
	}
	s, err := b.starts(startRounds, "")
	if err != nil {
		return err
	}
	b.startLines(s, "")
	b.compare("run /bin/true, second start : python3 -c pass", s.Second, s.Python)
	b.compare("run /bin/true, first start : python3 -c pass", s.First, s.Python)
	return nil
}

// startLines prints what starts are compared with, and where they were.
func (b *bench) startLines(s starts, where string) {
	b.ratio("run /bin/true, second start"+where+" : floor", s.Second, s.SecondFloor, 3)
	b.ratio("run /bin/true, first start"+where+" : floor", s.First, s.FirstFloor, 3)
}

// floorVariable names the program to compare with.
const floorVariable = "BENCH_FLOOR"

// starts measures. The lists of what starts do with files are made with strace, and left
// in lists; where that is given, they are taken from there.
func (b *bench) starts(rounds int, lists string) (s starts, err error) {
	second, err := b.newTree("start-second")
	if err != nil {
		return s, err
	}
	first, err := b.newTree("start-first")
	if err != nil {
		return s, err
	}
	for _, t := range []*tree{second, first} {
		t.set("IMAGE_CRON_ENABLED", "1") // as it is by default
	}
	if lists == "" {
		if lists, err = b.fileLists(first, second); err != nil {
			return s, err
		}
	}
	return s, s.measure(rounds, lists, first, second)
}

// fileLists notes what a first and a second start do with files.
func (b *bench) fileLists(first, second *tree) (dir string, err error) {
	for _, side := range []struct {
		tree *tree
		name string
	}{{first, firstsActions}, {second, secondsActions}} {
		if side.tree == second {
			if _, err := second.run(startCommand); err != nil {
				return "", err
			}
		}
		list, err := side.tree.fileActions(startCommand)
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(b.dir, side.name), []byte(list), 0o644); err != nil {
			return "", err
		}
	}
	return b.dir, nil
}

func (s *starts) measure(rounds int, lists string, first, second *tree) error {
	floor := func(t *tree, list string, round int) (time.Duration, error) {
		to := t.path(fmt.Sprintf("floor-%d", round))
		if err := os.MkdirAll(to, 0o755); err != nil {
			return 0, err
		}
		return t.timed(os.Getenv(floorVariable), filepath.Join(lists, list), t.root, to, startCommand)
	}
	// What a second start reads and writes has been there.
	if _, err := second.run(startCommand); err != nil {
		return err
	}
	for _, dir := range []string{"run", "storage", "process"} {
		if err := os.CopyFS(second.path("floor-0/"+dir), os.DirFS(second.path(dir))); err != nil {
			return err
		}
	}
	runs := []struct {
		times *[]time.Duration
		run   func(round int) (time.Duration, error)
	}{
		{&s.Second, func(int) (time.Duration, error) { return second.run(startCommand) }},
		{&s.SecondFloor, func(int) (time.Duration, error) { return floor(second, secondsActions, 0) }},
		{&s.First, func(round int) (time.Duration, error) { return first.newLife(round).run(startCommand) }},
		{&s.FirstFloor, func(round int) (time.Duration, error) { return floor(first, firstsActions, round) }},
		{&s.Python, func(int) (time.Duration, error) { return second.timed(python, "-c", "pass") }},
	}
	for round := range rounds {
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
	return nil
}

// startsStep DIR BINARY FILES LISTS measures starts below DIR, and prints the times. It is
// what runs in a container.
func startsStep(args []string) error {
	b := &bench{dir: args[0], binary: args[1], files: args[2]}
	s, err := b.starts(overlayRounds, args[3])
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(s)
}
