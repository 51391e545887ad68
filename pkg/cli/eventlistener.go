package cli

import (
	"errors"
	"flag"
	"os"
	"os/signal"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/events"
	"github.com/ZPascal/container-manager/pkg/log"
)

func eventListenerCommand() command {
	return command{
		name:    "eventlistener",
		args:    "PID_DIR STATE_DIR",
		summary: "Keep the pid and state files of all programs, as an event listener of supervisord",
		run:     eventListener,
	}
}

func eventListener(c command, args []string) error {
	flags := flag.NewFlagSet(c.name, flag.ContinueOnError)
	if err := c.parse(flags, args); err != nil {
		return err
	}
	if flags.NArg() != 2 {
		return invalid(errors.New("eventlistener wants two directories: PID_DIR STATE_DIR"))
	}
	l := log.Named(log.New(os.Stderr, logOptions(config.Early())), c.name)
	files := events.Files{PIDDir: flags.Arg(0), StateDir: flags.Arg(1), Log: l}
	return events.Listen(os.Stdin, os.Stdout, finishing(files.Handle))
}

// finishing ends the process at SIGTERM, which supervisord sends while the last
// programs change their state, but not between the two halves of an event.
func finishing(handle func(events.Event)) func(events.Event) {
	var busy sync.Mutex
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, unix.SIGTERM, unix.SIGINT)
	go func() {
		<-signals
		busy.Lock()
		os.Exit(exitOK)
	}()
	return func(e events.Event) {
		busy.Lock()
		defer busy.Unlock()
		handle(e)
	}
}
