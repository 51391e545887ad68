package cli

import (
	"errors"
	"flag"
	"os"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/events"
	"github.com/ZPascal/container-manager/pkg/log"
)

func eventListenerCommand() command {
	return command{
		name:    "eventlistener",
		args:    "PID_DIR STATE_DIR",
		summary: "Keep the pid and state files of all programs, as an event listener of supervisord",
		run: func(c command, args []string) error {
			flags := flag.NewFlagSet(c.name, flag.ContinueOnError)
			if err := c.parse(flags, args); err != nil {
				return err
			}
			if flags.NArg() != 2 {
				return invalid(errors.New("eventlistener wants two directories: PID_DIR STATE_DIR"))
			}
			l := log.Named(log.New(os.Stderr, logOptions(config.Early())), c.name)
			files := events.Files{PIDDir: flags.Arg(0), StateDir: flags.Arg(1), Log: l}
			return events.Listen(os.Stdin, os.Stdout, files.Handle)
		},
	}
}
