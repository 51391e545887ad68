package cli

import (
	"fmt"
	"os"

	"github.com/ZPascal/container-manager/pkg/config"
)

func variablesCommand() command {
	return command{
		name:    "variables",
		summary: "List the environment variables with their defaults and meanings",
		run: func(command, []string) error {
			for _, v := range config.Variables() {
				fmt.Fprintf(os.Stdout, "%s\t%s\t%s\n", v.Name, v.Default, v.Meaning)
			}
			return nil
		},
	}
}
