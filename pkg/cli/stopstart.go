package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/ZPascal/container-manager/pkg/health"
)

func stopCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "stop NAME ...",
		Short: "Stop programs, and keep the health checks from starting them",
		Long: `
They stay stopped until "container-manager start" or the container's next start.
` + programExitCodes,
		Example: `
  docker exec hello container-manager stop worker
`,
		Args: programNames, ValidArgsFunction: completePrograms,
		RunE: func(c *cobra.Command, args []string) error {
			return eachProgram(c.Name(), args, func(ctx context.Context, p health.Programs, name string) error {
				return p.StopForGood(ctx, name)
			})
		},
	}
}

func startCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "start NAME ...",
		Short: "Start programs, and wait until they are up",
		Long:  programExitCodes,
		Example: `
  docker exec hello container-manager start worker
`,
		Args: programNames, ValidArgsFunction: completePrograms,
		RunE: func(c *cobra.Command, args []string) error {
			return eachProgram(c.Name(), args, func(ctx context.Context, p health.Programs, name string) error {
				if err := recoverFirst(ctx, c.Name(), p.Config); err != nil {
					return err
				}
				return p.StartAgain(ctx, name)
			})
		},
	}
}

// eachProgram does something to every program that is named, also when it fails for
// some of them.
func eachProgram(command string, names []string, do func(context.Context, health.Programs, string) error) error {
	programs, err := savedPrograms(command)
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
