package cli

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ZPascal/container-manager/pkg/supervisor"
)

var shells = []string{"bash", "zsh", "fish"}

func completionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash | zsh | fish",
		Short: "Print what makes a shell complete commands, flags and the names of programs",
		Long: `
The shell asks the container manager for each completion, so that the names are those of
the programs that supervisord has just now.

Exit codes:
  0  printed
  2  the command line is invalid
`,
		Example: `
  . <(container-manager completion bash)
  container-manager completion fish | source
`,
		ValidArgs: shells,
		RunE:      func(c *cobra.Command, args []string) error { return completion(c.Root(), args) },
	}
}

func completion(root *cobra.Command, args []string) error {
	if len(args) == 1 {
		switch args[0] {
		case "bash":
			return root.GenBashCompletionV2(os.Stdout, true)
		case "zsh":
			return root.GenZshCompletion(os.Stdout)
		case "fish":
			return root.GenFishCompletion(os.Stdout, true)
		}
	}
	return invalid(fmt.Errorf("for which shell? expected one of %s", strings.Join(shells, ", ")))
}

// isCompletion reports whether a shell asks, in the words of the script that it has.
func isCompletion(name string) bool {
	return name == cobra.ShellCompRequestCmd || name == cobra.ShellCompNoDescRequestCmd
}

// complete answers a shell.
func complete(args []string) error {
	root := newRoot("")
	root.SetArgs(args)
	return root.Execute()
}

// completePrograms completes the names of programs. A shell that asks waits.
func completePrograms(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	programs, err := savedPrograms("completion")
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	all, err := programs.Client.Processes(ctx)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []cobra.Completion
	for _, p := range all {
		names = append(names, cobra.CompletionWithDesc(supervisor.Name(p), p.StateName))
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
