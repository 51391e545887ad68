package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ZPascal/container-manager/pkg/health"
)

func healthCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "health liveness | readiness",
		Short: "Say whether the container is healthy by what is known, without running a probe",
		Long: `
For Docker's HEALTHCHECK and kubelet's exec probes, which ask often: it takes a
few milliseconds, and restarts nothing. Unhealthy is

  - a program that is FATAL, unless it is held stopped;
  - a program that ends unexpectedly again and again (IMAGE_HEALTH_CRASHES), unless
    it is held stopped;
  - a program that waits for one that is FATAL, or is not ready after
    IMAGE_START_TIMEOUT; for readiness, any program that waits for another;
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
		Example: `
  HEALTHCHECK CMD ["container-manager", "health", "readiness"]
`,
		ValidArgs: []cobra.Completion{"liveness", "readiness"},
		RunE:      runHealth,
	}
}

func runHealth(c *cobra.Command, args []string) error {
	if len(args) != 1 || !slices.Contains(health.Kinds(), health.Kind(args[0])) {
		return invalid(errors.New("health wants one word: liveness or readiness"))
	}
	programs, err := savedPrograms(c.Name())
	if err != nil {
		return err
	}
	ctx, stop := signalContext(context.Background())
	defer stop()
	problems, err := health.Judge(ctx, programs.Config, programs.Client, health.Kind(args[0]), time.Now())
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		return errors.New(strings.Join(problems, "; "))
	}
	fmt.Println("healthy")
	return nil
}
