package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"time"
)

// What starts in order: a chain, and programs with needs at random.
const (
	chainLength   = 10
	chainRuns     = 5
	randomSize    = 200
	randomRuns    = 20
	needsEach     = 3 // at most
	startsLimit   = 2 * time.Minute
	supervisorLog = "storage/logs/supervisor/supervisord.log"
)

// benchOrder measures how long a chain of programs takes, each of which is healthy
// 50 ms after its start, and whether any of many programs starts before what it needs.
func benchOrder(b *bench) error {
	var took []time.Duration
	for run := range chainRuns {
		d, err := b.chain(fmt.Sprintf("chain%d", run))
		if err != nil {
			return err
		}
		took = append(took, d)
	}
	d := median(took)
	b.atMost(fmt.Sprintf("first to last of a chain of %d, seconds", chainLength), d.Round(time.Millisecond).String(), d.Seconds(), 2.5)
	early := 0
	for seed := range randomRuns {
		n, err := b.atRandom(uint64(seed))
		if err != nil {
			return fmt.Errorf("seed %d: %w", seed, err)
		}
		early += n
	}
	b.atMost(fmt.Sprintf("started before what they need, %d times %d programs", randomRuns, randomSize), fmt.Sprint(early), float64(early), 0)
	return nil
}

// chain returns the time from the start of the first program to that of the last.
func (b *bench) chain(name string) (time.Duration, error) {
	t, err := b.newTree(name)
	if err != nil {
		return 0, err
	}
	var conf strings.Builder
	for i := range chainLength {
		ready := t.path(fmt.Sprintf("storage/ready%d", i))
		fmt.Fprintf(&conf, "[program:p%d]\ncommand = /bin/sh -c 'sleep 0.05; >%s; exec sleep 1000'\n", i, ready)
		if i > 0 {
			fmt.Fprintf(&conf, "depends_on = p%d\n", i-1)
		}
		probe := fmt.Sprintf("#!/bin/sh\n[ -e %s ]\n", ready)
		if err := t.write(fmt.Sprintf("health/readiness.probes.d/check-p%d.sh", i), probe, 0o755); err != nil {
			return 0, err
		}
	}
	log, err := t.untilSpawned(conf.String(), chainLength)
	if err != nil {
		return 0, err
	}
	var times []time.Time
	for line := range strings.Lines(log) {
		if strings.Contains(line, "spawned: 'p") {
			at, err := time.Parse("2006-01-02 15:04:05,000", line[:len("2006-01-02 15:04:05,000")])
			if err != nil {
				return 0, err
			}
			times = append(times, at)
		}
	}
	return times[len(times)-1].Sub(times[0]), nil
}

// atRandom starts programs of which each needs some of those before it, and returns how
// many were started before one of these was RUNNING.
func (b *bench) atRandom(seed uint64) (early int, err error) {
	t, err := b.newTree(fmt.Sprintf("random%d", seed))
	if err != nil {
		return 0, err
	}
	random := rand.New(rand.NewPCG(seed, 0))
	needs := map[string][]string{}
	var conf strings.Builder
	for i := range randomSize {
		name := fmt.Sprintf("p%d", i)
		fmt.Fprintf(&conf, "[program:%s]\ncommand = /bin/sleep 1000\nstartsecs = 0\nstdout_logfile = NONE\nstderr_logfile = NONE\n", name)
		for range min(i, random.IntN(needsEach+1)) {
			needs[name] = append(needs[name], fmt.Sprintf("p%d", random.IntN(i)))
		}
		if len(needs[name]) > 0 {
			fmt.Fprintf(&conf, "depends_on = %s\n", strings.Join(needs[name], ", "))
		}
	}
	log, err := t.untilSpawned(conf.String(), randomSize)
	if err != nil {
		return 0, err
	}
	for name, needed := range needs {
		at := strings.Index(log, "spawned: '"+name+"'")
		for _, need := range needed {
			if running := strings.Index(log, "success: "+need+" entered RUNNING"); running < 0 || running > at {
				early++
			}
		}
	}
	return early, nil
}

// untilSpawned runs the programs until n of them have been started, and returns
// supervisord's log.
func (t *tree) untilSpawned(conf string, n int) (log string, err error) {
	if err := t.write("supervisord/conf.d/order.conf", conf+"[supervisord]\nminfds = 4096\n", 0o644); err != nil {
		return "", err
	}
	if err := os.MkdirAll(t.path("process"), 0o755); err != nil {
		return "", err
	}
	cmd, err := t.start(t.ours())
	if err != nil {
		return "", err
	}
	defer killAll(cmd)
	err = waitFor(startsLimit, func() bool {
		data, _ := os.ReadFile(t.path(supervisorLog))
		log = string(data)
		return strings.Count(log, "spawned: 'p") >= n
	})
	return log, err
}
