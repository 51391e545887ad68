// Package cli is the command line: one file a subcommand, with its flags, help
// and action side by side.
package cli

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/log"
)

// Exit codes. A command that means more by them says so in its help.
const (
	exitOK      = 0
	exitFailed  = 1
	exitInvalid = 2 // the command line, the environment or the image's configuration is invalid
)

// command is a subcommand.
type command struct {
	name    string
	args    string // what follows the name in its usage line
	summary string // one line, for the list
	help    string // what its own help adds; may be empty
	hidden  bool   // not for people
	// run acts. Its flags are parsed by parse, so that -h shows the help above.
	run func(c command, args []string) error
}

// commands is the list in the order of the help.
func commands() []command {
	return []command{
		runCommand(),
		checkLivenessCommand(),
		checkReadinessCommand(),
		probeCommand(),
		healthCommand(),
		statusCommand(),
		restartCommand(),
		stopCommand(),
		startCommand(),
		backupCommand(),
		restoreCommand(),
		scriptCommand(),
		cronCommand(),
		eventListenerCommand(),
		followCommand(),
		kickCommand(),
		restartWorkerCommand(),
		resumeCommand(),
		variablesCommand(),
		versionCommand(),
	}
}

// exitError ends the process with a code of its own. Without an error in it
// nothing is said: everything has been.
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
	name, rest := args[1], args[2:]
	switch name {
	case "help", "-h", "-help", "--help":
		if len(rest) == 0 {
			usage(os.Stdout)
			return exitOK
		}
		name, rest = rest[0], []string{"-h"}
	case "-version", "--version":
		name = "version"
	}
	for _, c := range commands() {
		if c.name == name {
			return exitCode(c, c.run(c, rest))
		}
	}
	fmt.Fprintf(os.Stderr, "container-manager: there is no command %q (container-manager help lists them)\n", name)
	return exitInvalid
}

// exitCode is the one place that turns errors into messages and exit codes.
func exitCode(c command, err error) int {
	var exit *exitError
	var invalid *config.Error
	var signal signalled
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case errors.As(err, &exit):
		if exit.err != nil {
			say(c, exit.err)
		}
		return exit.code
	case errors.As(err, &invalid):
		say(c, err)
		return exitInvalid
	case errors.As(err, &signal):
		say(c, err)
		return signal.exitCode()
	}
	say(c, err)
	return exitFailed
}

func say(c command, err error) {
	l := log.Named(log.New(os.Stderr, logOptions(config.Early())), c.name)
	l.Error().Msg(err.Error())
}

// logOptions are the parts of the environment that the log is made from.
func logOptions(c config.Config) log.Options {
	return log.Options{Format: c.LogFormat, Level: c.LogLevel, NoColor: c.NoColor != ""}
}

// invalid is an error of the command line or of the image's configuration.
func invalid(err error) error { return &exitError{exitInvalid, err} }

// parse parses a command's flags. What is wrong with them is one line that
// says where the help is; -h shows it.
func (c command) parse(flags *flag.FlagSet, args []string) error {
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		c.usage(os.Stdout, flags)
		return err
	}
	if err != nil {
		return invalid(fmt.Errorf("%w: container-manager %s -h shows the usage", err, c.name))
	}
	return nil
}

// parseNothing is parse for a command without flags and arguments.
func (c command) parseNothing(args []string) error {
	flags := flag.NewFlagSet(c.name, flag.ContinueOnError)
	if err := c.parse(flags, args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return invalid(fmt.Errorf("%s takes no arguments: %q", c.name, flags.Arg(0)))
	}
	return nil
}

func (c command) usage(w io.Writer, flags *flag.FlagSet) {
	fmt.Fprintf(w, "usage: container-manager %s\n\n%s.\n", strings.TrimSpace(c.name+" "+c.args), c.summary)
	if c.help != "" {
		fmt.Fprintf(w, "\n%s\n", strings.TrimSpace(c.help))
	}
	flags.SetOutput(w)
	header := "\nFlags:\n"
	flags.VisitAll(func(*flag.Flag) {
		fmt.Fprint(w, header)
		header = ""
	})
	flags.PrintDefaults()
}

func usage(w io.Writer) {
	fmt.Fprint(w, "usage: container-manager COMMAND [ARGUMENT ...]\n\nThe entry point of containers that hold more than one process.\n\nCommands:\n")
	for _, c := range commands() {
		if !c.hidden {
			fmt.Fprintf(w, "  %-16s %s\n", c.name, c.summary)
		}
	}
	fmt.Fprint(w, `
container-manager COMMAND -h shows the usage of one.

Exit codes:
  0        done
  1        failed
  2        the command line, the environment or the image's configuration is invalid
  128+n    ended by signal n
`)
}
