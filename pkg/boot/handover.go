package boot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/pid1"
	"github.com/ZPascal/container-manager/pkg/render"
	"github.com/ZPascal/container-manager/pkg/scriptdir"
	"github.com/ZPascal/container-manager/pkg/stdoutlog"
	"github.com/ZPascal/container-manager/pkg/supervisor"
	"github.com/ZPascal/container-manager/pkg/supervisorconf"
)

// supervise runs supervisord: in this process's place, or below it where something
// is to be done at the end.
func (b *Boot) supervise(ctx context.Context, conf *supervisorconf.Conf) error {
	if err := b.checkWritable(); err != nil {
		return err
	}
	b.checkJobs()
	if b.Config.LogStdout {
		if err := stdoutlog.Begin(b.Config, conf); err != nil {
			return err
		}
	}
	stays, err := b.stays()
	switch {
	case err != nil:
		return err
	case stays:
		return b.stay(ctx, conf)
	}
	return b.exec(ctx, Command{}, conf)
}

// exec replaces this process by the command, which keeps its process id. As PID 1 the
// command then gets the signals and reaps orphans. conf is the configuration of the
// supervisord that it runs, where that is known.
func (b *Boot) exec(ctx context.Context, c Command, conf *supervisorconf.Conf) error {
	path, argv, err := b.find(c)
	if err != nil {
		return err
	}
	endWake := func() {}
	if c.isSupervisord() {
		endWake = b.startWake(conf)
	}
	b.Log.Debug().Msgf("set-up took %s, now running %s", time.Since(b.Since).Round(time.Millisecond), path)
	// The exec itself gives the signals back. Doing so before would take a millisecond, and
	// would not help: supervisord has no handlers at first either.
	if ctx.Err() != nil {
		endWake()
		return context.Cause(ctx)
	}
	if err := b.Exec(path, argv, b.Config.Environ); err != nil {
		endWake()
		return &NotRunError{path, err}
	}
	return nil
}

// find returns the command's executable and its arguments.
func (b *Boot) find(c Command) (path string, argv []string, err error) {
	argv = c.Argv
	switch {
	case c.Shell != "":
		argv = []string{"/bin/sh", "-c", c.Shell}
	case len(argv) == 0:
		argv = []string{"supervisord", "-n", "-c", render.SupervisorConf(b.Config)}
	}
	path, err = exec.LookPath(argv[0])
	switch {
	case err != nil && c.isSupervisord():
		err = fmt.Errorf("supervisord is not installed: install the package supervisor (apk add supervisor, apt-get install supervisor), or give the container a command: %w", err)
	case err != nil:
		err = &NotRunError{argv[0], err}
	}
	return path, argv, err
}

// NotRunError says that the command that takes supervisord's place cannot be run.
type NotRunError struct {
	Command string
	Err     error
}

func (e *NotRunError) Error() string {
	reason := e.Err
	if lookup, ok := errors.AsType[*exec.Error](e.Err); ok {
		reason = lookup.Err
	}
	if errno, ok := errors.AsType[syscall.Errno](e.Err); ok {
		reason = errno
	}
	return fmt.Sprintf("cannot run %q: %v", e.Command, reason)
}

func (e *NotRunError) Unwrap() error { return e.Err }

// ExitCode is the one that shells and container engines have for it.
func (e *NotRunError) ExitCode() int {
	if errors.Is(e.Err, exec.ErrNotFound) || errors.Is(e.Err, fs.ErrNotExist) {
		return 127
	}
	return 126
}

// Ended says that supervisord and all programs have ended, below a first process
// that has stayed.
type Ended struct{ Status int }

func (e *Ended) Error() string {
	return fmt.Sprintf("the container ended with exit status %d", e.Status)
}

// stays reports whether this process is to stay as PID 1.
func (b *Boot) stays() (bool, error) {
	if b.Config.MainProgram != "" || len(b.Config.Essential) > 0 || b.Config.HealthRestarts.Count > 0 {
		return true, nil
	}
	return b.steps().Any(b.Config.RunFinishDir)
}

// stay keeps this process as PID 1 until supervisord has ended, and then runs the
// scripts of run.finish.
func (b *Boot) stay(ctx context.Context, conf *supervisorconf.Conf) error {
	path, argv, err := b.find(Command{})
	if err != nil {
		return err
	}
	client, err := supervisor.New(conf)
	if err != nil {
		return err
	}
	var essential []string
	for _, name := range b.Config.Essential {
		essential = append(essential, supervisor.Named(conf, name)...)
	}
	b.Listen()
	b.startWake(conf)
	status, err := pid1.Init{
		Path: path, Argv: argv, Env: b.Config.Environ,
		Client: client, LogFile: conf.LogFile(), RunDir: b.Config.RunDir, Log: b.Log, Release: b.Release,
		Program: b.Config.MainProgram, Essential: essential, Limit: b.Config.HealthCrashes, Ending: b.Ending,
	}.Run(ctx)
	if err != nil {
		return err
	}
	b.ended()
	b.finish()
	return &Ended{status}
}

// ended calls Ended, which another signal ends.
func (b *Boot) ended() {
	if b.Ended == nil {
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGTERM, unix.SIGINT)
	defer stop()
	b.Ended(ctx)
}

// finish runs the scripts of run.finish. When one fails the others run all the same,
// and the exit status stays. Another signal ends them, and so does the end of their time.
func (b *Boot) finish() {
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGTERM, unix.SIGINT)
	defer stop()
	if limit := time.Duration(b.Config.FinishTimeout); limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit, fmt.Errorf("%s are over (IMAGE_FINISH_TIMEOUT)", limit))
		defer cancel()
	}
	at := ""
	err := b.steps().Each(ctx, b.Config.RunFinishDir, func(f scriptdir.File, run func() error) error {
		at = f.Name
		if err := run(); err != nil && ctx.Err() == nil {
			b.Log.Error().Msg(err.Error())
		}
		return nil
	})
	if err != nil {
		b.Log.Error().Msgf("not everything of %s has run, it ended at %s: %v", b.Config.RunFinishDir, cmp.Or(at, "once"), err)
	}
}

// startWake starts the short-lived child that keeps supervisord awake until its programs
// are up, and then logs one line. The returned function ends the child. Told where
// supervisord is going to listen, the child reads nothing before it does: what runs
// beside Python's imports makes them slower.
func (b *Boot) startWake(conf *supervisorconf.Conf) (end func()) {
	args := []string{"wake", fmt.Sprint(os.Getpid()), b.Since.Format(time.RFC3339Nano)}
	if conf != nil {
		if server, err := conf.Server(); err == nil {
			args = append(args, server.Network, server.Address)
		}
	}
	self, err := os.Executable()
	if err == nil {
		wake := exec.Command(self, args...)
		wake.Stdout, wake.Stderr = os.Stdout, os.Stderr
		wake.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a Ctrl-C is for supervisord
		if err = wake.Start(); err == nil {
			return func() { _ = wake.Process.Kill() }
		}
	}
	b.Log.Warn().Msgf("programs start a second later than they could: %v", err)
	return func() {}
}
