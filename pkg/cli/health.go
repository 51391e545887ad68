package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
	"time"

	"github.com/ZPascal/container-manager/pkg/health"
)

func healthCommand() command {
	return command{
		name:    "health",
		args:    "liveness | readiness",
		summary: "Say whether the container is healthy by what is known, without running a probe",
		help: `
For Docker's HEALTHCHECK and kubelet's exec probes, which ask often: it takes a
few milliseconds, and restarts nothing. Unhealthy is

  - a program that is FATAL, unless it is held stopped;
  - a program that a killed restart, backup or restore has left stopped;
  - for readiness, a program that ran and is STOPPED although nobody holds it;
  - a probe whose last result is a failure, until its program is started anew;
  - a probe that has not run when it should have (IMAGE_HEALTH_CRON);
  - for readiness, a program with a readiness probe that is not RUNNING;
  - for liveness, what check-base.py wants to run and does not;
  - supervisord, when it does not answer.

Liveness looks at probes only when IMAGE_HEALTH_LIVENESS_CHECK_ENABLED is true,
and passes over programs that are held stopped.

Exit codes:
  0  healthy
  1  unhealthy; standard error says why
  2  the command line or the environment is invalid
`,
		run: runHealth,
	}
}

func runHealth(c command, args []string) error {
	flags := flag.NewFlagSet(c.name, flag.ContinueOnError)
	if err := c.parse(flags, args); err != nil {
		return err
	}
	kind := health.Kind(flags.Arg(0))
	if flags.NArg() != 1 || kind != health.Liveness && kind != health.Readiness {
		return invalid(errors.New("health wants one word: liveness or readiness"))
	}
	programs, err := c.savedPrograms()
	if err != nil {
		return err
	}
	ctx, stop := signalContext(context.Background())
	defer stop()
	problems, err := health.Judge(ctx, programs.Config, programs.Client, kind, time.Now())
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		return errors.New(strings.Join(problems, "; "))
	}
	fmt.Println("healthy")
	return nil
}
