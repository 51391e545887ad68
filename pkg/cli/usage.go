package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

func commandUsage(w io.Writer, c *cobra.Command) {
	fmt.Fprintf(w, "usage: %s%s\n\n%s.\n", strings.TrimSuffix(c.CommandPath(), c.Name()), c.Use, c.Short)
	if c.Long != "" {
		fmt.Fprintf(w, "\n%s\n", strings.TrimSpace(c.Long))
	}
	if c.Example != "" {
		fmt.Fprintf(w, "\nExamples:\n%s\n", strings.Trim(c.Example, "\n"))
	}
	fmt.Fprintf(w, "\nFlags:\n%s", c.LocalFlags().FlagUsages())
}

func usage(w io.Writer) {
	fmt.Fprint(w, "usage: container-manager COMMAND [ARGUMENT ...]\n\nThe entry point of containers that hold more than one process.\n")
	for _, e := range entries() {
		if e.title != "" {
			fmt.Fprintf(w, "\n%s:\n", e.title)
		}
		if c := e.make(); !c.Hidden {
			fmt.Fprintf(w, "  %-16s %s\n", c.Name(), c.Short)
		}
	}
	fmt.Fprint(w, `
container-manager help COMMAND shows how to use one, with examples.

Exit codes:
  0        done
  1        failed
  2        the command line, the environment or the image's configuration is invalid
  128+n    ended by signal n
`)
}
