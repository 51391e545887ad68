package cli

import (
	"fmt"

	"github.com/ZPascal/container-manager/pkg/config"
)

func variablesCommand() command {
	return command{
		name:    "variables",
		summary: "Print the environment variables with their defaults and meanings, as Markdown",
		run: func(c command, args []string) error {
			if err := c.parseNothing(args); err != nil {
				return err
			}
			fmt.Print(config.Markdown())
			return nil
		},
	}
}
