package cli

import (
	"errors"
	"os/exec"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/ZPascal/container-manager/pkg/boot"
	"github.com/ZPascal/container-manager/pkg/config"
)

func execCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "exec COMMAND [ARGUMENT ...]",
		Short: "Run a command with the variables as programs see them",
		Long: `
docker exec alone knows only the variables that the container was created with: no
secrets from files, and no defaults. A variable that docker exec is given (-e) wins, but
for one that comes from a file.

The command takes the place of this process. Nothing behind its name is ours.

Exit codes: the command's, and
  2    the command line or the environment is invalid
  126  the command cannot be run
  127  the command is not found
`,
		Example: `
  docker exec -it hello container-manager exec sh
  docker exec hello container-manager exec psql -c 'SELECT 1'
`,
		RunE: func(_ *cobra.Command, argv []string) error { return runExec(argv) },
	}
	c.Flags().SetInterspersed(false)
	return c
}

func runExec(argv []string) error {
	if len(argv) == 0 {
		return invalid(errors.New("which command? container-manager exec sh starts a shell"))
	}
	c, err := config.LoadSaved()
	if err != nil {
		return err
	}
	path, err := exec.LookPath(argv[0])
	if err == nil {
		err = syscall.Exec(path, argv, c.Environ)
	}
	notRun := &boot.NotRunError{Command: argv[0], Err: err}
	return &exitError{notRun.ExitCode(), notRun}
}
