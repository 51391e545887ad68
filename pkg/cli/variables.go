package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ZPascal/container-manager/pkg/config"
)

func variablesCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "variables",
		Short: "Print the environment variables with their defaults and meanings, as Markdown",
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) error {
			fmt.Print(config.Markdown())
			return nil
		},
	}
}
