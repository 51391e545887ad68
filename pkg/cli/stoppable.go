package cli

import (
	"context"
	"errors"
	"io/fs"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/supervisor"
)

// stoppable stops and starts programs for a backup or restore. It asks supervisord only
// when a program is to be stopped or started.
type stoppable struct {
	name string // of our command, for the log
	conf config.Config
}

// Running implements backup.Programs. Where there is no supervisord nothing runs.
func (s stoppable) Running(ctx context.Context, name string) ([]string, error) {
	programs, err := programsFor(s.name, s.conf)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := programs.Client.Touch(ctx); errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ECONNREFUSED) {
		return nil, nil
	}
	return programs.Running(ctx, name)
}

// Stop implements backup.Programs.
func (s stoppable) Stop(ctx context.Context, name string) error {
	programs, err := programsFor(s.name, s.conf)
	if err != nil {
		return err
	}
	return programs.Stop(ctx, name)
}

// Start implements backup.Programs.
func (s stoppable) Start(ctx context.Context, name string) error {
	programs, err := programsFor(s.name, s.conf)
	if err != nil {
		return err
	}
	return programs.Start(ctx, name)
}

// PIDs implements backup.Programs.
func (s stoppable) PIDs(ctx context.Context) (map[int]string, error) {
	programs, err := programsFor(s.name, s.conf)
	if err != nil {
		return nil, err
	}
	all, err := programs.Client.Processes(ctx)
	names := map[int]string{}
	for _, p := range all {
		if p.Pid != 0 {
			names[p.Pid] = supervisor.Name(p)
		}
	}
	return names, err
}
