package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/notify"
	"github.com/ZPascal/container-manager/pkg/render"
	"github.com/ZPascal/container-manager/pkg/supervisor"
)

func notifyCommand() *cobra.Command {
	var test bool
	c := &cobra.Command{
		Use:   "notify --test",
		Short: "Send an event to all who are notified when something is wrong, as a test",
		Long: `
Calls each script of IMAGE_NOTIFY_DIR with an event of the kind "test", and says what
became of it.

Exit codes:
  0  every script has taken the event
  1  one has not, or there is none
  2  the command line or the environment is invalid
`,
		Example: `
  docker exec hello container-manager notify --test
`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if !test {
				return invalid(errors.New("events are sent when something happens; notify --test sends one now"))
			}
			return testNotify(c.Name(), os.Stdout)
		},
	}
	c.Flags().BoolVar(&test, "test", false, "send an event")
	return c
}

func testNotify(command string, out io.Writer) error {
	cfg, err := config.LoadSaved()
	if err != nil {
		return err
	}
	ctx, stop := signalContext(context.Background())
	defer stop()
	d := notify.Deliverer{Config: cfg, Log: log.Named(log.New(os.Stderr, logOptions(cfg)), command), Now: time.Now}
	results, err := d.CallEach(ctx, notify.Event{Kind: notify.Test, What: "a test: notifications of this container arrive", When: time.Now()})
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case len(results) == 0:
		return fmt.Errorf("nobody is notified: %s has no script of yours, and IMAGE_NOTIFY_URL is empty", cfg.NotifyDir)
	}
	failed := 0
	for _, r := range results {
		said := "has taken the event"
		if r.Err != nil {
			failed++
			said = "failed: " + r.Err.Error()
		}
		fmt.Fprintf(out, "%s (%s): %s\n", r.Script, r.Took.Round(time.Millisecond), said)
	}
	if failed > 0 {
		return &exitError{code: exitFailed} // the lines say which
	}
	return nil
}

func notifyWorkerCommand() *cobra.Command {
	return &cobra.Command{
		Use:    notify.WorkerCommand,
		Short:  "Tell the events that wait",
		Hidden: true,
		Args:   noArguments,
		RunE:   func(*cobra.Command, []string) error { return notifyWorker() },
	}
}

func notifyWorker() error {
	cfg, err := config.LoadSaved()
	if err != nil {
		return err
	}
	ctx, stop := signalContext(context.Background())
	defer stop()
	l := log.Named(log.New(log.ToContainer(os.Stderr, cfg.PIDFile), logOptions(cfg)), "notify")
	err = notify.Deliverer{Config: cfg, Log: l, Holds: stillHolds(cfg), Now: time.Now}.Run(ctx)
	if ctx.Err() != nil {
		return &exitError{code: codeOf(context.Cause(ctx))} // events wait for the next one
	}
	return err
}

// stillHolds leaves programs out that a shutdown has made FATAL: supervisord gives up a
// program that it was about to start again.
func stillHolds(cfg config.Config) func(context.Context, notify.Event) bool {
	return func(ctx context.Context, e notify.Event) bool {
		if e.Kind != notify.ProgramFatal {
			return true
		}
		client, err := supervisor.FromConfig(render.SupervisorConf(cfg), cfg.Lookup)
		if err != nil {
			return true
		}
		_, err = client.Process(ctx, e.Program)
		fault, ok := errors.AsType[*supervisor.Fault](err)
		return !ok || fault.Code != supervisor.FaultShutdownState
	}
}

// postEvent is webhook.py where it runs as a process.
func postEvent(ctx context.Context, cfg config.Config, _ log.Logger, _ []string) error {
	const most = 64 << 10
	event, err := io.ReadAll(io.LimitReader(os.Stdin, most))
	if err != nil {
		return fmt.Errorf("cannot read the event from standard input: %w", err)
	}
	return notify.Post(ctx, cfg, event)
}
