package cli

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/ZPascal/container-manager/pkg/skeleton"
)

func initCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "init NAME",
		Short: "Write a child image to begin with",
		Long: `
Writes the directory NAME with a child image that works as it is: a Dockerfile, a
program with its probe, a rendered template, a block for logrotate, a backup and a
restore script, a compose file, a Kubernetes manifest, and a test that builds and
starts it. NAME is lower-case letters, digits and dashes. A path in front of it
(images/hello) says where.

Exit codes:
  0  written
  1  not written: the directory is there already, or cannot be made
  2  the command line is invalid
`,
		Example: `
  container-manager init hello && cd hello
`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return invalid(errors.New("init wants one name: init hello"))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			dir, name := args[0], filepath.Base(args[0])
			if err := skeleton.Check(name); err != nil {
				return invalid(err)
			}
			if err := skeleton.Write(dir, name); err != nil {
				return err
			}
			fmt.Printf("wrote %s: its README.md says what is what, and %s builds and starts it\n", dir, filepath.Join(dir, "test.sh"))
			return nil
		},
	}
}
