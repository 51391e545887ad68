package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/supervisor"
)

// How wait asks.
const (
	waitTimeout = config.Duration(time.Minute)
	waitPause   = 250 * time.Millisecond
)

func waitCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "wait program NAME ... | tcp HOST:PORT ... | http URL ... | file PATH ...",
		Short: "Wait until programs run, ports answer or files are there, for scripts",
		Long: `
It asks what "container-manager probe" asks, again and again, and says nothing. When the
time is up, one line says what was still missing.

  wait program [--timeout 1m] NAME ...
      until supervisord's programs are RUNNING. Where supervisord does not answer yet,
      it waits for that too. A name that supervisord does not know is an error at once.
  wait tcp [--timeout 1m] HOST:PORT ...
  wait http [--timeout 1m] [--status 200-399] [--body TEXT] URL ...
  wait file [--timeout 1m] [--newer DURATION] PATH ...

Programs of one container need no such script: see depends_on in "Start order".

Exit codes:
  0      everything is there
  1      the time is up, or supervisord has no such program
  2      the command line or the environment is invalid
  128+n  ended by signal n
`,
		Example: `
  container-manager wait tcp --timeout 30s "$DB_HOST:5432"
  docker exec hello container-manager wait program hello worker
`,
		RunE: func(c *cobra.Command, args []string) error {
			return invalid(fmt.Errorf("say what to wait for: program, tcp, http or file%s (container-manager wait -h shows the usage)", suggestion(c, args)))
		},
	}
	programs := newWait("program [--timeout 1m] NAME ...", "Wait until programs of supervisord are RUNNING", askProgram)
	programs.ValidArgsFunction = completePrograms
	c.AddCommand(
		programs,
		newWait("tcp [--timeout 1m] HOST:PORT ...", "Wait until ports take connections", askTCP),
		newWait("http [--timeout 1m] [--status 200-399] [--body TEXT] URL ...", "Wait until URLs answer", askHTTP),
		newWait("file [--timeout 1m] [--newer DURATION] PATH ...", "Wait until files are there", askFile),
	)
	return c
}

func newWait(use, short string, how asking) *cobra.Command {
	timeout := waitTimeout
	c := &cobra.Command{
		Use: use, Short: short,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return invalid(fmt.Errorf("wait %s: for what? (container-manager wait -h shows the usage)", c.Name()))
			}
			return nil
		},
	}
	ask := how(c.Flags())
	c.Flags().Var(&timeout, "timeout", "wait for at most this `DURATION`; 0 is no limit")
	c.RunE = func(_ *cobra.Command, targets []string) error {
		ctx, stop := signalContext(context.Background())
		defer stop()
		return waitForAll(ctx, timeout, targets, ask)
	}
	return c
}

// errTimeIsUp is the cause of a context whose time is up.
var errTimeIsUp = errors.New("the time is up")

func waitForAll(ctx context.Context, timeout config.Duration, targets []string, ask func(context.Context, string) error) error {
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, time.Duration(timeout), errTimeIsUp)
		defer cancel()
	}
	for _, target := range targets {
		last, err := waitFor(ctx, target, ask)
		if errors.Is(err, errTimeIsUp) {
			return fmt.Errorf("%w, still after %s", last, timeout.String())
		}
		if err != nil {
			return badTarget(err)
		}
	}
	return nil
}

// waitFor asks until the answer is good, and returns the last one that was not.
func waitFor(ctx context.Context, target string, ask func(context.Context, string) error) (last, err error) {
	for {
		attempt, cancel := withTimeout(ctx, probeTimeout)
		err := ask(attempt, target)
		cancel()
		switch {
		case err == nil:
			return nil, nil
		case isHopeless(err):
			return nil, err
		case last == nil || !isOver(ctx):
			last = err // else it only says that the time is up
		}
		select {
		case <-ctx.Done():
			return last, context.Cause(ctx)
		case <-time.After(waitPause):
		}
	}
}

// isOver reports whether the time of ctx is up. What waits for the same time may notice
// before ctx does.
func isOver(ctx context.Context) bool {
	end, limited := ctx.Deadline()
	return ctx.Err() != nil || limited && !time.Now().Before(end)
}

// isHopeless reports whether asking again cannot help.
func isHopeless(err error) bool {
	var exit *exitError
	var environment *config.Error
	return errors.Is(err, supervisor.ErrUnknown) || errors.As(err, &exit) || errors.As(err, &environment) || badTarget(err) != err
}
