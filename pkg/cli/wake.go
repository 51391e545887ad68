package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/abrander/go-supervisord"
	"github.com/spf13/cobra"

	"github.com/ZPascal/container-manager/pkg/backoff"
	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/crashes"
	"github.com/ZPascal/container-manager/pkg/events"
	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/render"
	"github.com/ZPascal/container-manager/pkg/startorder"
	"github.com/ZPascal/container-manager/pkg/supervisor"
	"github.com/ZPascal/container-manager/pkg/supervisorconf"
	"github.com/ZPascal/container-manager/pkg/validate"
)

// wakeLimit is how long programs may take before the summary says that they are
// not up yet.
const wakeLimit = 60 * time.Second

func wakeCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "wake PID TIME [NETWORK ADDRESS]",
		Short:  "Keep the starting supervisord PID awake, and say when everything is up since TIME",
		Hidden: true,
		RunE:   wake,
	}
}

func wake(_ *cobra.Command, args []string) error {
	if len(args) != 2 && len(args) != 4 {
		return invalid(errors.New("wants supervisord's process id, the time of the start and, if known, where supervisord is going to listen"))
	}
	pid, pidErr := strconv.Atoi(args[0])
	since, timeErr := time.Parse(time.RFC3339Nano, args[1])
	if err := errors.Join(pidErr, timeErr); err != nil {
		return invalid(err)
	}
	// The limit counts from here: the set-up may have taken an hour.
	ctx, cancel := context.WithTimeout(context.Background(), wakeLimit)
	defer cancel()
	alive := func() bool { return os.Getppid() == pid }
	if len(args) == 4 {
		// What is wrong is said below, with a log that is set up.
		_ = supervisor.At(supervisorconf.Server{Network: args[2], Address: args[3]}).AwaitSocket(ctx, alive)
	}
	cfg, err := config.LoadSaved()
	if err != nil {
		return err
	}
	l := log.Named(log.New(os.Stderr, logOptions(cfg)), "wake")
	if err := untilUp(ctx, cfg, l, alive, since); err != nil {
		l.Error().Msg(err.Error())
		return &exitError{code: exitFailed}
	}
	return nil
}

func untilUp(ctx context.Context, cfg config.Config, l log.Logger, alive func() bool, since time.Time) error {
	client, err := supervisor.FromConfig(render.SupervisorConf(cfg), cfg.Lookup)
	if err != nil {
		return err
	}
	var waiting startorder.Record
	look := func() {}
	if startorder.IsUsed(client.Conf()) {
		look = func() { waiting = startorder.ReadRecord(cfg.RunDir) }
	}
	waits := func(p supervisord.ProcessInfo) bool {
		w, ok := waiting.Of(p)
		return ok && w.Problem == ""
	}
	processes, err := client.Wake(ctx, alive, look, waits)
	switch {
	case errors.Is(err, supervisor.ErrGone) && alive():
		return nil // it was told to end while it started
	case errors.Is(err, supervisor.ErrGone):
		return errors.New("supervisord ended before its programs were up: what it said stands above and in its log")
	case err != nil:
		return fmt.Errorf("cannot see whether the programs are up: %w", err)
	}
	files := events.Files{PIDDir: cfg.ProcessPIDDir, StateDir: cfg.ProcessStateDir, Log: l}
	for _, p := range processes {
		if p.State == supervisord.StateStopped && p.Start == 0 {
			files.AddStopped(p.Name)
		}
	}
	summarise(l, cfg.RunDir, processes, waiting, time.Since(since))
	client.Farewell(context.Background())
	tellTails(l, cfg.RunDir, client.Conf().LogFile(), processes, since)
	for _, line := range validate.Unread(cfg, client.Conf()) {
		l.Warn().Msg(line)
	}
	return nil
}

// summarise says in one line how the container's start went.
func summarise(l log.Logger, runDir string, processes []supervisord.ProcessInfo, waiting startorder.Record, took time.Duration) {
	running := 0
	var troubled, later []string
	for _, p := range processes {
		name := supervisor.Name(p)
		w, waits := waiting.Of(p)
		pause, paused := backoff.Of(runDir, p)
		switch unstable := doesNotStayUp(runDir, p); {
		case waits && w.Problem != "":
			troubled = append(troubled, name+" "+w.String())
		case waits:
			later = append(later, name+" "+w.String())
		case paused:
			troubled = append(troubled, name+" "+p.StateName+trouble(p)+", "+pause.Text(time.Now()))
		case unstable != "":
			troubled = append(troubled, name+" does not stay up"+unstable)
		case p.State == supervisord.StateRunning:
			running++
		case p.State == supervisord.StateStopped, p.State == supervisord.StateExited && !supervisor.IsRestless(p):
		default:
			troubled = append(troubled, name+" "+p.StateName+trouble(p))
		}
	}
	up := fmt.Sprintf("%d programs are running, %.2f s after the start", running, took.Seconds())
	if running == 1 {
		up = fmt.Sprintf("1 program is running, %.2f s after the start", took.Seconds())
	}
	if len(later) > 0 {
		up += fmt.Sprintf("; %d still to start: %s", len(later), strings.Join(later, ", "))
	}
	if len(troubled) > 0 {
		l.Error().Msgf("%s; not up: %s", up, strings.Join(troubled, ", "))
		return
	}
	l.Info().Msg(up)
}

// doesNotStayUp says how a program ends that supervisord has started again since the
// container's start; "" when it has not, or the program lives. Whether it runs just now
// is a matter of chance.
func doesNotStayUp(runDir string, p supervisord.ProcessInfo) string {
	if !supervisor.IsRestless(p) {
		return ""
	}
	ends := crashes.Load(runDir, supervisor.Name(p))
	if ends.Last == nil || p.State != supervisord.StateRunning && ends.Ends < 2 {
		return ""
	}
	return " (" + ends.Text(time.Now(), time.Minute) + seeLog(p) + ")"
}

// trouble says why a program is not up, and where it may have said more.
func trouble(p supervisord.ProcessInfo) string {
	text := strings.TrimPrefix(p.SpawnErr+seeLog(p), ", ")
	if text == "" {
		return ""
	}
	return " (" + text + ")"
}

func seeLog(p supervisord.ProcessInfo) string {
	if log := cmp.Or(p.StderrLogfile, p.StdoutLogfile); log != "" {
		return ", see " + log
	}
	return ""
}
