package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/health"
	"github.com/ZPascal/container-manager/pkg/log"
)

func checkLivenessCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check-liveness",
		Short: "Run the liveness probes, and restart the programs whose probes fail",
		Long: `
Does nothing unless IMAGE_HEALTH_LIVENESS_CHECK_ENABLED is true.
` + checkHelp,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error { return check(c.Name(), health.Liveness) },
	}
}

func checkReadinessCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check-readiness",
		Short: "Run the readiness probes, and restart the programs whose probes fail",
		Long: `
Restarts nothing unless IMAGE_HEALTH_READINESS_FORCE_REBOOT is true.
` + checkHelp,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error { return check(c.Name(), health.Readiness) },
	}
}

const checkHelp = `
Exit codes:
  0  every probe passes
  1  a probe fails
  2  the command line or the environment is invalid
`

func check(name string, kind health.Kind) error {
	cfg, err := config.LoadSaved()
	if err != nil {
		return err
	}
	if !kind.Enabled(cfg) {
		return nil // also where there is no supervisord yet
	}
	programs, err := programsFor(name, cfg)
	if err != nil {
		return err
	}
	ctx, stop := signalContext(context.Background())
	defer stop()
	run := health.Check{
		Kind: kind, Config: programs.Config, Client: programs.Client, Log: programs.Log,
	}
	healthy, err := run.Run(ctx)
	if err == nil && !healthy {
		return &exitError{code: exitFailed} // everything has been said
	}
	return err
}

// checkBase runs the built-in probe by itself.
func checkBase(ctx context.Context, cfg config.Config, l log.Logger, _ []string) error {
	programs, err := programsFor(health.BaseProbe, cfg)
	if err != nil {
		return err
	}
	base := health.Check{
		Kind: health.Liveness, Config: cfg, Client: programs.Client, Log: l,
	}
	return base.Base(ctx)
}
