package health

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/script"
	"github.com/ZPascal/container-manager/pkg/supervisor"
)

// A restart runs in a process of its own session. The process that asked for it may end
// first: crond ends and takes its jobs along, a time limit is up, or somebody presses
// Ctrl-C. The restart goes on all the same, and leaves no program stopped.

// WorkerCommand is the hidden subcommand that carries a restart out. It ends
// with LeftAloneStatus when a program was left alone, and 1 for other errors.
const (
	WorkerCommand   = "restart-worker"
	LeftAloneStatus = 3
)

// Launch starts a process that restarts programs, prints what it says, and waits for it.
// It stops waiting when ctx is done. It does not wait at all when the restart will end
// this process itself.
func Launch(ctx context.Context, c config.Config, l log.Logger, r Request) error {
	if why := forbidden(c, r.Check); why != "" {
		return fmt.Errorf("%s: %w", why, ErrLeftAlone)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if slices.ContainsFunc(r.Names, func(name string) bool { return supervisor.Stands(name, c.SupervisedGroup, c.Supervised) }) {
		if err := startAlone(c, self, r.args()); err != nil {
			return err
		}
		l.Info().Msgf("a process of its own restarts %s: this one ends with it", strings.Join(r.Names, ", "))
		return nil
	}
	output := func(line string) { fmt.Fprintln(os.Stderr, line) }
	done := make(chan error, 1)
	go func() {
		done <- script.Command{Path: self, Args: r.args(), Env: c.Environ, Output: output, Session: true}.Run(context.WithoutCancel(ctx))
	}()
	select {
	case <-ctx.Done():
		return fmt.Errorf("the restart goes on, but nobody waits for it any longer: %w", context.Cause(ctx))
	case err = <-done:
	}
	if failed, ok := errors.AsType[*script.Error](err); ok && failed.Err == nil {
		if failed.Status == LeftAloneStatus {
			return ErrLeftAlone
		}
		return errors.New("the restart failed")
	}
	return err
}

// startAlone starts the worker so that it can outlive this process. A pipe breaks when
// its reader ends, so the worker writes to a file: the one that this process writes to,
// else the log of the liveness checks, else nowhere.
func startAlone(c config.Config, self string, args []string) error {
	cmd := exec.Command(self, args...)
	cmd.Env = c.Environ
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if info, err := os.Stderr.Stat(); err == nil && info.Mode().IsRegular() {
		cmd.Stderr = os.Stderr
	} else if f, err := os.OpenFile(c.LivenessLog, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644); err == nil {
		defer f.Close()
		cmd.Stderr = f
	}
	return cmd.Start()
}

// args is the worker's command line.
func (r Request) args() []string {
	args := []string{WorkerCommand, "--check", string(r.Check), "--why", r.Why}
	if !r.Since.IsZero() {
		args = append(args, "--since", r.Since.Format(time.RFC3339Nano))
	}
	return append(append(args, "--"), r.Names...)
}
