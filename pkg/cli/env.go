package cli

import (
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/ZPascal/container-manager/pkg/config"
)

func envCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "env [--json]",
		Short: "Show the variables as programs see them, and where each value comes from",
		Long: `
A value comes from

  default           the container manager: nobody has set the variable
  image             the image: the value is the one that our image declares
  deployment        docker run -e or a manifest, or the Dockerfile of a child image: a
    or image        container cannot tell which
  file              the file that FILE__NAME or LOGGING_REDIS_PASSWORD_FILE names
  default or image  one of these two: this process was not given the environment that the
                    container was created with, as docker exec gives it

Values that may be secrets are shown as *****: what is declared a secret or comes from
a file, what has a name such as DB_PASSWORD, API_TOKEN or SIGNING_KEY, and the password
in an address.

Exit codes:
  0  shown
  2  the command line or the environment is invalid
`,
		Example: `
  docker exec hello container-manager env
  docker exec hello container-manager env --json | jq '.[] | select(.from == "file")'
`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error { return runEnv(os.Stdout, asJSON) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print a JSON array")
	return c
}

// shownVariable is an element of what --json prints.
type shownVariable struct {
	Name   string        `json:"name"`
	Value  string        `json:"value"` // without what is masked
	Masked bool          `json:"masked"`
	From   config.Origin `json:"from"`
	File   string        `json:"file,omitempty"`
}

func runEnv(out io.Writer, asJSON bool) error {
	_, all, err := config.LoadEffective()
	if err != nil {
		return err
	}
	if asJSON {
		shown := []shownVariable{}
		for _, e := range all {
			shown = append(shown, shownVariable{e.Name, e.Value, e.Secret, e.Origin, e.File})
		}
		return printJSON(out, shown)
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tFROM\tVALUE")
	for _, e := range all {
		from := string(e.Origin)
		if e.File != "" {
			from += " " + e.File
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", e.Name, from, oneLine(e.Value))
	}
	return table.Flush()
}
