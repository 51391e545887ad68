package main

import (
	"fmt"
	"os/exec"
	"time"
)

// benchTree measures our own work on trees of growing size: a start less the
// time that its scripts take when a shell's loop runs them.
func benchTree(b *bench) error {
	var own [3]time.Duration
	for i, n := range []int{50, 100, 200} {
		t, err := b.newTree(fmt.Sprintf("tree-%d", n))
		if err != nil {
			return err
		}
		if err := t.fill(n); err != nil {
			return err
		}
		var starts, scripts []time.Duration
		for round := range 8 {
			start, err := t.run("/bin/true")
			if err != nil {
				return err
			}
			script, err := t.runSteps(n)
			if err != nil {
				return err
			}
			if round > 0 {
				starts, scripts = append(starts, start), append(scripts, script)
			}
		}
		own[i] = median(starts) - median(scripts)
	}
	b.atMost("own work: 200 steps, 200 conf.d, 2,000 files : 150 ms", own[2].Round(time.Millisecond).String(), float64(own[2])/float64(150*time.Millisecond), 1)
	b.ratio("own work: twice as large : half as large, doubled", []time.Duration{own[2]}, []time.Duration{2 * own[1]}, 1.3)
	return nil
}

// fill adds n steps, n programs and ten times as many files.
func (t *tree) fill(n int) error {
	for i := range n {
		if err := t.write(fmt.Sprintf("setup/run.always/20-step-%03d.sh", i), "#!/bin/sh\n:\n", 0o755); err != nil {
			return err
		}
		conf := fmt.Sprintf("[program:p%d]\ncommand = %%(ENV_IMAGE_APP_DIR)s/p %d\nautostart = false\n", i, i)
		if err := t.write(fmt.Sprintf("supervisord/conf.d/p%03d.conf", i), conf, 0o644); err != nil {
			return err
		}
	}
	for i := range 10 * n {
		if err := t.write(fmt.Sprintf("app/%02d/file-%d", i%40, i), "x", 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (t *tree) runSteps(n int) (time.Duration, error) {
	begin := time.Now()
	for i := range n {
		cmd := exec.Command(t.path(fmt.Sprintf("image/setup/run.always/20-step-%03d.sh", i)))
		cmd.Env = t.env
		if err := cmd.Run(); err != nil {
			return 0, err
		}
	}
	return time.Since(begin), nil
}
