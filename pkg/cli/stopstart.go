package cli

import (
	"context"
	"errors"
	"flag"

	"github.com/ZPascal/container-manager/pkg/health"
)

func stopCommand() command {
	return command{
		name:    "stop",
		args:    "NAME ...",
		summary: "Stop programs, and keep the health checks from starting them",
		help: `
They stay stopped until "container-manager start" or the container's next start.
` + programExitCodes,
		run: func(c command, args []string) error {
			return eachProgram(c, args, func(ctx context.Context, p health.Programs, name string) error {
				return p.StopForGood(ctx, name)
			})
		},
	}
}

func startCommand() command {
	return command{
		name:    "start",
		args:    "NAME ...",
		summary: "Start programs, and wait until they are up",
		help:    programExitCodes,
		run: func(c command, args []string) error {
			return eachProgram(c, args, func(ctx context.Context, p health.Programs, name string) error {
				return p.StartAgain(ctx, name)
			})
		},
	}
}

// eachProgram does something to every program that is named, whatever comes of
// the others.
func eachProgram(c command, args []string, do func(context.Context, health.Programs, string) error) error {
	names, err := c.parseNames(flag.NewFlagSet(c.name, flag.ContinueOnError), args)
	if err != nil {
		return err
	}
	programs, err := c.savedPrograms()
	if err != nil {
		return err
	}
	ctx, stop := signalContext(context.Background())
	defer stop()
	var errs []error
	for _, name := range names {
		errs = append(errs, do(ctx, programs, name))
	}
	return leftAlone(errors.Join(errs...))
}
