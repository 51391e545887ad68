package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"time"

	"github.com/abrander/go-supervisord"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/probe"
	"github.com/ZPascal/container-manager/pkg/supervisor"
)

func probeCommand() command {
	return command{
		name:    "probe",
		args:    "http URL | tcp HOST:PORT | process NAME | file PATH",
		summary: "Ask whether something is healthy, for scripts that are probes",
		help: `
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
		run: runProbe,
	}
}

// probeTimeout is how long a probe waits for an answer, unless it is told.
const probeTimeout = config.Duration(3 * time.Second)

func runProbe(c command, args []string) error {
	kinds := map[string]func(*flag.FlagSet) (wants string, ask func(context.Context, command, string) error){
		"http": httpProbe, "tcp": tcpProbe, "process": processProbe, "file": fileProbe,
	}
	name := ""
	if len(args) > 0 {
		name = args[0]
	}
	kind, ok := kinds[name]
	flags := flag.NewFlagSet(c.name, flag.ContinueOnError)
	if !ok {
		if err := c.parse(flags, args); err != nil {
			return err
		}
		return invalid(errors.New("say what to ask: http, tcp, process or file (container-manager probe -h shows the usage)"))
	}
	var timeout config.Duration
	if name != "file" {
		timeout = probeTimeout
		flags.Var(&timeout, "timeout", "wait for at most this `DURATION`")
	}
	wants, ask := kind(flags)
	targets, err := c.parseAnywhere(flags, args[1:])
	if err != nil {
		return err
	}
	if len(targets) != 1 {
		return invalid(fmt.Errorf("probe %s wants one %s (container-manager probe -h shows the usage)", name, wants))
	}
	ctx, stop := signalContext(context.Background())
	defer stop()
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, time.Duration(timeout), fmt.Errorf("no answer within %s", timeout.String()))
		defer cancel()
	}
	return ask(ctx, c, targets[0])
}

// parseAnywhere parses flags that may also stand behind the arguments, which it
// returns.
func (c command) parseAnywhere(flags *flag.FlagSet, args []string) (rest []string, err error) {
	for {
		if err := c.parse(flags, args); err != nil {
			return nil, err
		}
		if flags.NArg() == 0 {
			return rest, nil
		}
		rest, args = append(rest, flags.Arg(0)), flags.Args()[1:]
	}
}

func httpProbe(flags *flag.FlagSet) (string, func(context.Context, command, string) error) {
	status := flags.String("status", "200-399", "`STATUS` that is healthy: numbers and ranges with commas between them")
	body := flags.String("body", "", "the answer has to contain `TEXT`")
	return "URL", func(ctx context.Context, _ command, url string) error {
		statuses, err := probe.ParseStatuses(*status)
		if err != nil {
			return invalid(fmt.Errorf("--status %w", err))
		}
		return probe.HTTP(ctx, url, statuses, *body)
	}
}

func tcpProbe(*flag.FlagSet) (string, func(context.Context, command, string) error) {
	return "HOST:PORT", func(ctx context.Context, _ command, address string) error { return probe.TCP(ctx, address) }
}

func fileProbe(flags *flag.FlagSet) (string, func(context.Context, command, string) error) {
	var newer config.Duration
	flags.Var(&newer, "newer", "the file has to have been changed less than this `DURATION` ago")
	return "PATH", func(_ context.Context, _ command, path string) error {
		return probe.File(path, time.Duration(newer), time.Now())
	}
}

func processProbe(*flag.FlagSet) (string, func(context.Context, command, string) error) {
	return "NAME", func(ctx context.Context, c command, name string) error {
		programs, err := c.savedPrograms()
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
}
