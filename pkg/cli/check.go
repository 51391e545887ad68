package cli

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/health"
	"github.com/ZPascal/container-manager/pkg/log"
)

func checkLivenessCommand() command {
	return command{
		name:    "check-liveness",
		summary: "Run the liveness probes, and restart the programs whose probes fail",
		help: `
Does nothing unless IMAGE_HEALTH_LIVENESS_CHECK_ENABLED is true.
` + checkHelp,
		run: func(c command, args []string) error { return check(c, health.Liveness, args) },
	}
}

func checkReadinessCommand() command {
	return command{
		name:    "check-readiness",
		summary: "Run the readiness probes, and restart the programs whose probes fail",
		help: `
Restarts nothing unless IMAGE_HEALTH_READINESS_FORCE_REBOOT is true.
` + checkHelp,
		run: func(c command, args []string) error { return check(c, health.Readiness, args) },
	}
}

const checkHelp = `
Exit codes:
  0  every probe passes
  1  a probe fails
  2  the command line or the environment is invalid
`

func check(c command, kind health.Kind, args []string) error {
	if err := c.parseNothing(args); err != nil {
		return err
	}
	cfg, err := config.LoadSaved()
	if err != nil {
		return err
	}
	if !kind.Enabled(cfg) {
		return nil // also where there is no supervisord yet
	}
	programs, err := c.programs(cfg)
	if err != nil {
		return err
	}
	ctx, stop := signalContext(context.Background())
	defer stop()
	run := health.Check{
		Kind: kind, Config: programs.Config, Client: programs.Client, Log: programs.Log,
		Restart: func(ctx context.Context, r health.Request) error { return launch(ctx, programs, r) },
		Resume:  health.RunResume,
	}
	healthy, err := run.Run(ctx)
	if err == nil && !healthy {
		return &exitError{code: exitFailed} // everything has been said
	}
	return err
}

// checkBase runs the built-in probe by itself.
func checkBase(ctx context.Context, cfg config.Config, l log.Logger, _ []string) error {
	programs, err := command{name: health.BaseProbe}.programs(cfg)
	if err != nil {
		return err
	}
	base := health.Check{
		Kind: health.Liveness, Config: cfg, Client: programs.Client, Log: l,
		Restart: func(ctx context.Context, r health.Request) error { return launch(ctx, programs, r) },
	}
	return base.Base(ctx)
}

// launch asks for a restart, and hands on what the process that does it logs.
func launch(ctx context.Context, p health.Programs, r health.Request) error {
	handedOver, err := health.Launch(ctx, p.Config, r, func(line string) { fmt.Fprintln(os.Stderr, line) })
	if handedOver && err == nil {
		p.Log.Info().Msgf("a process of its own restarts %s: this one ends with it", strings.Join(r.Names, ", "))
	}
	return err
}
