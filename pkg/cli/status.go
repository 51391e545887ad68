package cli

import (
	"context"
	"encoding/json"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/status"
)

func statusCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "status [--json]",
		Short: "Show programs, probes, the next jobs and the last backup",
		Long: `
Exit codes:
  0  shown, whatever it is
  1  supervisord does not answer: the rest is shown
  2  the command line or the environment is invalid
`,
		Example: `
  docker exec hello container-manager status
  docker exec hello container-manager status --json | jq '.programs[] | select(.state != "RUNNING")'
`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error { return runStatus(asJSON) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func runStatus(asJSON bool) error {
	cfg, err := config.LoadSaved()
	if err != nil {
		return err
	}
	ctx, stop := signalContext(context.Background())
	defer stop()
	report, asked := status.Gather(ctx, cfg, status.Ask(cfg), time.Now())
	if asJSON {
		out := json.NewEncoder(os.Stdout)
		out.SetIndent("", "  ")
		out.SetEscapeHTML(false)
		err = out.Encode(report)
	} else {
		err = printStatus(os.Stdout, report)
	}
	if err == nil && asked != nil {
		return &exitError{code: exitFailed} // it is among the errors shown
	}
	return err
}
