package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/ZPascal/container-manager/pkg/boot"
	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/scriptdir"
	"github.com/ZPascal/container-manager/pkg/setup"
)

func stepsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "steps",
		Short: "Show the set-up steps in their order, and why a file will not run",
		Long: `
The first column is a step's place in its directory, - for a file that is passed over,
and ! for a step that cannot run and ends the start.

Exit codes:
  0  shown
  1  a step cannot run
  2  the command line or the environment is invalid
`,
		Example: `
  docker exec hello container-manager steps
  docker run --rm hello container-manager steps
`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error { return runSteps(os.Stdout) },
	}
}

func runSteps(out io.Writer) error {
	c, err := config.LoadSaved()
	if err != nil {
		return err
	}
	once := "on the first start of a storage volume"
	if marker := boot.Marker(c); fsutil.Exists(marker) {
		once += ", which has been: " + marker
	}
	fails := false
	var text bytes.Buffer
	for i, d := range []struct{ path, when string }{
		{c.RunAlwaysDir, "on every start"},
		{c.RunOnceDir, once},
		{c.RunFinishDir, "when the container ends"},
	} {
		steps, err := setup.List(d.path, d.path == c.RunAlwaysDir, scriptdir.Register(builtin))
		if err != nil {
			return err
		}
		if i > 0 {
			fmt.Fprintln(&text)
		}
		fmt.Fprintf(&text, "%s: %s\n", d.path, d.when)
		fails = printSteps(&text, steps) || fails
	}
	if _, err := out.Write(text.Bytes()); err != nil {
		return err
	}
	if fails {
		return &exitError{code: exitFailed} // the list says why
	}
	return nil
}

// printSteps prints the files of one directory, and reports whether a step cannot run.
func printSteps(out io.Writer, steps []setup.Step) (fails bool) {
	place := 0
	table(out, "  \tSTEP\tRUNS", steps, func(s setup.Step) []string {
		mark, what := "-", "no: "+s.What
		switch {
		case s.Fails:
			place++
			mark, fails, what = "!", true, "the start fails: "+s.What
		case s.Runs:
			place++
			mark, what = strconv.Itoa(place), s.What
		}
		return []string{"  " + mark, s.Name, what}
	})
	if len(steps) == 0 {
		fmt.Fprintln(out, "  no steps")
	}
	return fails
}
