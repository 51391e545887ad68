// Package cli is the command line: one file a subcommand, with its flags, help
// and action side by side.
package cli

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/log"
)

// Exit codes. A command that means more by them says so in its help.
const (
	exitOK      = 0
	exitFailed  = 1
	exitInvalid = 2 // the command line, the environment or the image's configuration is invalid
)

// exitError ends the process with a code of its own. Without an error in it nothing is
// printed, because the reason has been printed before.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// Main runs the subcommand that args[1] names and returns the exit code.
func Main(args []string) int {
	if len(args) < 2 {
		usage(os.Stderr)
		return exitInvalid
	}
	args = args[1:]
	switch args[0] {
	case "help", "-h", "-help", "--help":
		if args = args[1:]; len(args) == 0 {
			usage(os.Stdout)
			return exitOK
		}
		args = append(slices.Clone(args), "--help")
	case "-version", "--version":
		args = []string{"version"}
	}
	name := args[0]
	if isCompletion(name) {
		return exitCode(name, complete(args))
	}
	if !slices.ContainsFunc(entries(), func(e entry) bool { return e.name == name }) {
		fmt.Fprintf(os.Stderr, "container-manager: there is no command %q%s (container-manager help lists them)\n", name, didYouMean(newRoot(""), name))
		return exitInvalid
	}
	return exitCode(name, execute(name, args[1:]))
}

// execute runs the subcommand of that name.
func execute(name string, args []string) error {
	root := newRoot(name)
	c, rest, err := root.Find(append([]string{name}, args...))
	if err != nil {
		return invalid(err)
	}
	words := strings.Fields(c.CommandPath())[1:]
	root.SetArgs(append(words, longFlags(c, rest)...))
	return root.Execute()
}

// newRoot makes the command line with the subcommand of that name, or with all for
// an empty name.
func newRoot(name string) *cobra.Command {
	root := &cobra.Command{Use: "container-manager", SilenceErrors: true, SilenceUsage: true}
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetHelpFunc(func(c *cobra.Command, _ []string) { commandUsage(os.Stdout, c) })
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return invalid(fmt.Errorf("%w: %s -h shows the usage", err, c.CommandPath()))
	})
	for _, e := range entries() {
		if e.name == name || name == "" {
			root.AddCommand(e.make())
		}
	}
	return root
}

// longFlags puts a second dash in front of flags that are written with one, up to the
// first plain word, because the Python version had "run -variable COMMAND".
func longFlags(c *cobra.Command, args []string) []string {
	if c.DisableFlagParsing {
		return args
	}
	c.InitDefaultHelpFlag()
	args = slices.Clone(args)
	for i := 0; i < len(args) && strings.HasPrefix(args[i], "-") && strings.Trim(args[i], "-") != ""; i++ {
		name, _, hasValue := strings.Cut(strings.TrimLeft(args[i], "-"), "=")
		flag := c.Flags().Lookup(name)
		switch {
		case flag != nil && !strings.HasPrefix(args[i], "--"):
			args[i] = "-" + args[i]
		case flag == nil && len(name) == 1:
			flag = c.Flags().ShorthandLookup(name)
		}
		if flag != nil && flag.NoOptDefVal == "" && !hasValue {
			i++ // the next argument is the flag's value
		}
	}
	return args
}

// didYouMean suggests subcommands with names like the one that was typed.
func didYouMean(c *cobra.Command, typed string) string {
	if typed == "" {
		return ""
	}
	c.SuggestionsMinimumDistance = 2 // of Levenshtein
	similar := c.SuggestionsFor(typed)
	if len(similar) == 0 {
		return ""
	}
	return fmt.Sprintf(": did you mean %s?", strings.Join(similar, " or "))
}

// suggestion is didYouMean of the first argument.
func suggestion(c *cobra.Command, args []string) string {
	if len(args) == 0 {
		return ""
	}
	return didYouMean(c, args[0])
}

// exitCode is the one place that turns the errors of a command into messages and
// exit codes.
func exitCode(command string, err error) int {
	var exit *exitError
	switch {
	case err == nil:
	case !errors.As(err, &exit):
		say(command, err)
	case exit.err != nil:
		say(command, exit.err)
	}
	return codeOf(err)
}

// codeOf is the exit code for an error, without its message.
func codeOf(err error) int {
	var exit *exitError
	var invalid *config.Error
	var signal signalled
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &exit):
		return exit.code
	case errors.As(err, &invalid):
		return exitInvalid
	case errors.As(err, &signal):
		return signal.exitCode()
	}
	return exitFailed
}

// say prints an error in the name of the command, which stands there once.
func say(command string, err error) {
	l := log.Named(log.New(os.Stderr, logOptions(config.Early())), command)
	l.Error().Msg(strings.TrimPrefix(err.Error(), command+" "))
}

// logOptions say how the log looks. The level is the one that a person has chosen for this
// life of the container, else the environment's.
func logOptions(c config.Config) log.Options {
	o := startOptions(c)
	o.Level = cmp.Or(config.ChosenLevel(config.RunDir()), o.Level)
	return o
}

// startOptions are logOptions for a start, which begins a new life.
func startOptions(c config.Config) log.Options {
	return log.Options{Format: c.LogFormat, Level: c.LogLevel, NoColor: c.NoColor != ""}
}

// invalid is an error of the command line or of the image's configuration.
func invalid(err error) error { return &exitError{exitInvalid, err} }

// noArguments is for commands that take flags at most.
func noArguments(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return invalid(fmt.Errorf("%s takes no arguments: %q%s", c.Name(), args[0], didYouMean(c, args[0])))
	}
	return nil
}
