package cli

import (
	"context"
	"errors"
	"io/fs"

	"github.com/abrander/go-supervisord"
	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/supervisor"
)

// stoppable are the programs that a backup or restore may stop. supervisord is
// asked when it comes to that, and not for anything else.
type stoppable struct {
	command command
	conf    config.Config
}

// Running implements backup.Programs. Where there is no supervisord nothing runs.
func (s stoppable) Running(ctx context.Context, name string) ([]string, error) {
	programs, err := s.command.programs(s.conf)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := programs.Client.Touch(ctx); errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ECONNREFUSED) {
		return nil, nil
	}
	all, err := programs.Client.Processes(ctx)
	if err != nil {
		return nil, err
	}
	processes, err := supervisor.SelectAll(all, []string{name})
	var running []string
	for _, p := range processes {
		switch p.State {
		case supervisord.StateStarting, supervisord.StateRunning, supervisord.StateBackoff:
			running = append(running, supervisor.Name(p))
		}
	}
	return running, err
}

// Stop implements backup.Programs.
func (s stoppable) Stop(ctx context.Context, name string) error {
	programs, err := s.command.programs(s.conf)
	if err != nil {
		return err
	}
	return programs.Stop(ctx, name)
}

// Start implements backup.Programs.
func (s stoppable) Start(ctx context.Context, name string) error {
	programs, err := s.command.programs(s.conf)
	if err != nil {
		return err
	}
	return programs.Start(ctx, name)
}
