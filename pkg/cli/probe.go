package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/abrander/go-supervisord"
	"github.com/spf13/cobra"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/probe"
	"github.com/ZPascal/container-manager/pkg/supervisor"
)

func probeCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "probe http URL | tcp HOST:PORT | process NAME | file PATH",
		Short: "Ask whether something is healthy, for scripts that are probes",
		Long: `
A probe in a shell script is the line "exec container-manager probe ...":

  probe http [--timeout 3s] [--status 200-399] [--body TEXT] URL
      gets the URL. Redirects are not followed. The certificate of a loopback
      address is not checked.
  probe tcp [--timeout 3s] HOST:PORT
      connects and hangs up.
  probe process [--timeout 3s] NAME
      wants supervisord's program to be RUNNING.
  probe file [--newer 5m] PATH
      wants a file that was changed within that time.

Exit codes:
  0  healthy
  1  not healthy; standard error says why
  2  the command line is invalid
`,
		RunE: func(*cobra.Command, []string) error {
			return invalid(errors.New("say what to ask: http, tcp, process or file (container-manager probe -h shows the usage)"))
		},
	}
	c.AddCommand(httpProbe(), tcpProbe(), processProbe(), fileProbe())
	return c
}

// probeTimeout is how long a probe waits for an answer, unless it is told.
const probeTimeout = config.Duration(3 * time.Second)

// newProbe is a subcommand of probe that asks one target; use ends with what that is.
func newProbe(use, short string, ask func(ctx context.Context, target string) error) *cobra.Command {
	return &cobra.Command{
		Use:   use,
		Short: short,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return invalid(fmt.Errorf("probe %s wants one %s (container-manager probe -h shows the usage)", c.Name(), use[strings.LastIndex(use, " ")+1:]))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, targets []string) error {
			ctx, stop := signalContext(context.Background())
			defer stop()
			return ask(ctx, targets[0])
		},
	}
}

// newTimedProbe is newProbe for one that may have to wait for an answer.
func newTimedProbe(use, short string, ask func(ctx context.Context, target string) error) *cobra.Command {
	timeout := probeTimeout
	c := newProbe(use, short, func(ctx context.Context, target string) error {
		if timeout > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeoutCause(ctx, time.Duration(timeout), fmt.Errorf("no answer within %s", timeout.String()))
			defer cancel()
		}
		return ask(ctx, target)
	})
	c.Flags().Var(&timeout, "timeout", "wait for at most this `DURATION`")
	return c
}

func httpProbe() *cobra.Command {
	var status, body string
	c := newTimedProbe("http [--timeout 3s] [--status 200-399] [--body TEXT] URL", "Get a URL", func(ctx context.Context, url string) error {
		statuses, err := probe.ParseStatuses(status)
		if err != nil {
			return invalid(fmt.Errorf("--status %w", err))
		}
		return probe.HTTP(ctx, url, statuses, body)
	})
	c.Flags().StringVar(&status, "status", "200-399", "`STATUS` that is healthy: numbers and ranges with commas between them")
	c.Flags().StringVar(&body, "body", "", "the answer has to contain `TEXT`")
	return c
}

func tcpProbe() *cobra.Command {
	return newTimedProbe("tcp [--timeout 3s] HOST:PORT", "Connect and hang up", probe.TCP)
}

func fileProbe() *cobra.Command {
	var newer config.Duration
	c := newProbe("file [--newer 5m] PATH", "Look for a file", func(_ context.Context, path string) error {
		return probe.File(path, time.Duration(newer), time.Now())
	})
	c.Flags().Var(&newer, "newer", "the file has to have been changed less than this `DURATION` ago")
	return c
}

func processProbe() *cobra.Command {
	return newTimedProbe("process [--timeout 3s] NAME", "Want a program of supervisord to be RUNNING", probeProgram)
}

func probeProgram(ctx context.Context, name string) error {
	programs, err := savedPrograms("probe")
	if err != nil {
		return err
	}
	all, err := programs.Client.Processes(ctx)
	if err != nil {
		return err
	}
	selected, err := supervisor.SelectAll(all, []string{name})
	if err != nil {
		return err
	}
	var errs []error
	for _, p := range selected {
		if p.State != supervisord.StateRunning {
			errs = append(errs, fmt.Errorf("%s is %s", supervisor.Name(p), p.StateName))
		}
	}
	return errors.Join(errs...)
}
