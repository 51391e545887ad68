package cli

import (
	"fmt"

	"github.com/ZPascal/container-manager/pkg/config"
)

func variablesCommand() command {
	return command{
		name:    "variables",
		summary: "Print the environment variables with their defaults and meanings, as Markdown",
		run: func(command, []string) error {
			fmt.Print(config.Markdown())
			return nil
		},
	}
}
