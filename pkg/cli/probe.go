package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/abrander/go-supervisord"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/probe"
	"github.com/ZPascal/container-manager/pkg/supervisor"
)

func probeCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "probe http URL | tcp HOST:PORT | process NAME | file PATH | backup | job NAME",
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
  probe file [--newer DURATION] PATH
      wants a file that was changed within that time.
  probe backup [--newer DURATION]
      wants a backup with which all was as it should be, that ended within that time.
  probe job [--newer DURATION] NAME
      wants a job of the crontab to have gone well within that time. NAME is what
      container-manager status calls it.

Exit codes:
  0  healthy
  1  not healthy; standard error says why
  2  the command line is invalid
`,
		Example: `
  exec container-manager probe http --status 200,401 "http://127.0.0.1:$HELLO_PORT/"
  exec container-manager probe tcp 127.0.0.1:5432
  exec container-manager probe file --newer 5m "$STORAGE_DATA_DIR/heartbeat"
  exec container-manager probe backup --newer 26h
`,
		RunE: func(c *cobra.Command, args []string) error {
			return invalid(fmt.Errorf("say what to ask: http, tcp, process, file, backup or job%s (container-manager probe -h shows the usage)", suggestion(c, args)))
		},
	}
	process := processProbe()
	process.ValidArgsFunction = completePrograms
	c.AddCommand(httpProbe(), tcpProbe(), process, fileProbe(), backupProbe(), jobProbe())
	return c
}

// probeTimeout is how long a probe waits for an answer, unless it is told.
const probeTimeout = config.Duration(3 * time.Second)

// asking adds the flags of a kind of question to a command, and returns what asks it.
type asking func(flags *pflag.FlagSet) (ask func(ctx context.Context, target string) error)

// newProbe is a subcommand of probe that asks one target; use ends with what that is.
func newProbe(use, short string, how asking) *cobra.Command {
	var ask func(ctx context.Context, target string) error
	c := &cobra.Command{
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
			return badTarget(ask(ctx, targets[0]))
		},
	}
	ask = how(c.Flags())
	return c
}

// badTarget makes an error of the command line of a target that nobody can ask.
func badTarget(err error) error {
	if bad, isBad := errors.AsType[*probe.TargetError](err); isBad {
		return invalid(bad)
	}
	return err
}

// timed is a question that may have to wait for an answer.
func timed(how asking) asking {
	return func(flags *pflag.FlagSet) func(context.Context, string) error {
		timeout, ask := probeTimeout, how(flags)
		flags.Var(&timeout, "timeout", "wait for at most this `DURATION`")
		return func(ctx context.Context, target string) error {
			if timeout > 0 {
				var cancel context.CancelFunc
				ctx, cancel = withTimeout(ctx, timeout)
				defer cancel()
			}
			return ask(ctx, target)
		}
	}
}

func withTimeout(ctx context.Context, timeout config.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, time.Duration(timeout), fmt.Errorf("no answer within %s", timeout.String()))
}

func httpProbe() *cobra.Command {
	return newProbe("http [--timeout 3s] [--status 200-399] [--body TEXT] URL", "Get a URL", timed(askHTTP))
}

func tcpProbe() *cobra.Command {
	return newProbe("tcp [--timeout 3s] HOST:PORT", "Connect and hang up", timed(askTCP))
}

func fileProbe() *cobra.Command {
	return newProbe("file [--newer DURATION] PATH", "Look for a file", askFile)
}

func processProbe() *cobra.Command {
	return newProbe("process [--timeout 3s] NAME", "Want a program of supervisord to be RUNNING", timed(askProgram))
}

func askHTTP(flags *pflag.FlagSet) func(context.Context, string) error {
	status := flags.String("status", "200-399", "`STATUS` that is healthy: numbers and ranges with commas between them")
	body := flags.String("body", "", "the answer has to contain `TEXT`")
	return func(ctx context.Context, url string) error {
		statuses, err := probe.ParseStatuses(*status)
		if err != nil {
			return invalid(fmt.Errorf("--status %w", err))
		}
		return probe.HTTP(ctx, url, statuses, *body)
	}
}

func askTCP(*pflag.FlagSet) func(context.Context, string) error { return probe.TCP }

func askFile(flags *pflag.FlagSet) func(context.Context, string) error {
	newer := new(config.Duration)
	flags.Var(newer, "newer", "the file has to have been changed less than this `DURATION` ago")
	return func(_ context.Context, path string) error {
		return probe.File(path, time.Duration(*newer), time.Now())
	}
}

func askProgram(*pflag.FlagSet) func(context.Context, string) error { return probeProgram }

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
