package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// What validate checks: far more than an image has.
const (
	validatedFiles = 200 // steps, and files of programs
	validateRuns   = 9
)

// benchValidate measures validate without supervisord's and filebeat's own parsers,
// whose time is not ours, and how long it takes with supervisord's.
func benchValidate(b *bench) error {
	t, err := b.newTree("validate")
	if err != nil {
		return err
	}
	for i := range validatedFiles {
		step := t.path(fmt.Sprintf("image/setup/run.always/%03d-step.sh", i+10))
		conf := t.path(fmt.Sprintf("image/supervisord/conf.d/program%d.conf", i))
		program := fmt.Sprintf("[program:p%d]\ncommand = /bin/sleep 1000\nstdout_logfile = %%(ENV_SUPERVISOR_LOGS_DIR)s/p%d.log\n", i, i)
		if err := os.WriteFile(step, []byte("#!/bin/sh\n"), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(conf, []byte(program), 0o644); err != nil {
			return err
		}
	}
	var ours, whole []time.Duration
	for range validateRuns {
		alone, err := t.validate(filepath.Dir(b.binary))
		if err != nil {
			return err
		}
		all, err := t.validate(filepath.Dir(b.binary) + ":/usr/bin:/bin:/usr/sbin")
		if err != nil {
			return err
		}
		ours, whole = append(ours, alone), append(whole, all)
	}
	d := median(ours)
	b.atMost(fmt.Sprintf("validate of %d steps and %d conf.d files, seconds", validatedFiles, validatedFiles), d.Round(time.Millisecond).String(), d.Seconds(), 1)
	fmt.Printf("  with supervisord's parser: %s\n", median(whole).Round(time.Millisecond))
	return nil
}

func (t *tree) validate(path string) (time.Duration, error) {
	cmd := exec.Command(t.bin, "validate")
	cmd.Env = append(t.env, "PATH="+path)
	begin := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil || len(out) > 0 {
		return 0, fmt.Errorf("validate: %w\n%s", err, out)
	}
	return time.Since(begin), nil
}
