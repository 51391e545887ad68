package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/backoff"
	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/crashes"
	"github.com/ZPascal/container-manager/pkg/events"
	"github.com/ZPascal/container-manager/pkg/health"
	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/notify"
	"github.com/ZPascal/container-manager/pkg/render"
	"github.com/ZPascal/container-manager/pkg/starter"
	"github.com/ZPascal/container-manager/pkg/stopmark"
	"github.com/ZPascal/container-manager/pkg/supervisor"
	"github.com/ZPascal/container-manager/pkg/supervisorconf"
)

func eventListenerCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "eventlistener PID_DIR STATE_DIR",
		Short: "Keep the pid and state files of all programs, as an event listener of supervisord",
		RunE:  eventListener,
	}
}

func eventListener(c *cobra.Command, args []string) error {
	if len(args) != 2 {
		return invalid(errors.New("eventlistener wants two directories: PID_DIR STATE_DIR"))
	}
	early := config.Early()
	options := livingOptions(early)
	l := log.Named(log.NewLiving(os.Stderr, options), c.Name())
	// What goes wrong with the programs is for those who look at the container, too.
	told := log.Named(log.NewLiving(log.ToContainer(io.Discard, early.PIDFile), options), c.Name())
	loud := log.Named(log.NewLiving(log.ToContainer(os.Stderr, early.PIDFile), options), c.Name())
	// The listener lives as long as supervisord. So it is the one that starts programs
	// again when the process that has stopped them is dead.
	look := stopmark.Watch(context.Background(), config.RunDir(), func(context.Context) {
		if err := health.RunResume(); err != nil {
			l.Error().Msgf("cannot start what was left stopped, trying again: %v", err)
		}
	})
	// It starts programs that wait for others, too.
	programs := func() (health.Programs, error) {
		p, err := savedPrograms(c.Name())
		p.Told = func(text string) { told.Error().Msg(text) }
		return p, err
	}
	starts := starter.Begin(config.RunDir(), programs, func(err error) {
		l.Error().Msgf("cannot start what waits for other programs, trying again: %v", err)
	})
	// And programs that have ended, where there is to be a pause before.
	var again *starter.Starter
	if early.RestartBackoff > 0 {
		again = starter.BeginAgain(programs, func(err error) {
			l.Error().Msgf("cannot start programs that have ended, trying again: %v", err)
		})
	}
	// And it has events told that anybody in the container has seen.
	notices := notify.Watch(config.RunDir(), func(err error) {
		l.Error().Msgf("events are not told yet, trying again: %v", err)
	})
	tell := sender(config.RunDir(), l)
	end := func() { starts.End(); again.End(); notices.End() }
	defer end()
	files := events.Files{PIDDir: args[0], StateDir: args[1], Log: l}
	ends := crashes.Keeper{RunDir: config.RunDir(), Settings: sync.OnceValue(crashSettings), Log: loud, Now: time.Now, Told: tell.loops}
	return events.Listen(os.Stdin, os.Stdout, finishing(func(e events.Event) {
		l.Debug().Msgf("%s is %s, and was %s", e.Payload["processname"], strings.TrimPrefix(e.Name, "PROCESS_STATE_"), e.Payload["from_state"])
		files.Handle(e)
		ends.Handle(e)
		look()
		starts.Handle(e)
		again.Handle(e)
		tell.fatal(e)
		notices.Look()
	}, end))
}

// crashSettings returns what is known. With a bad environment or configuration, which
// the start has refused, ends are recorded without their status.
func crashSettings() crashes.Settings {
	cfg, err := config.LoadSaved()
	if err != nil {
		return crashes.Settings{}
	}
	s := crashes.Settings{Limit: cfg.HealthCrashes}
	if conf, err := supervisorconf.Load(render.SupervisorConf(cfg), cfg.Lookup); err == nil {
		s.LogFile, s.StartsAgain = conf.LogFile(), alwaysRestarted(conf)
	}
	return s
}

// alwaysRestarted returns which programs are started again however they end.
func alwaysRestarted(conf *supervisorconf.Conf) func(program string) bool {
	always := map[string]bool{}
	for _, p := range conf.Processes() {
		always[supervisor.FullName(p.Group, p.Name)] = backoff.Autorestart(p.Section) == backoff.Always
	}
	return func(program string) bool { return always[program] }
}

// finishing calls end and ends the process at SIGTERM, but not in the middle of an event:
// supervisord sends the signal while the last programs change their state.
func finishing(handle func(events.Event), end func()) func(events.Event) {
	var busy sync.Mutex
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, unix.SIGTERM, unix.SIGINT)
	go func() {
		<-signals
		busy.Lock()
		end()
		os.Exit(exitOK)
	}()
	return func(e events.Event) {
		busy.Lock()
		defer busy.Unlock()
		handle(e)
	}
}
