package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/proc"
	"github.com/ZPascal/container-manager/pkg/render"
	"github.com/ZPascal/container-manager/pkg/similar"
	"github.com/ZPascal/container-manager/pkg/stdoutlog"
	"github.com/ZPascal/container-manager/pkg/supervisorconf"
)

// lastLines is how much of each log is shown, unless it is told.
const lastLines = 20

func logsCommand() *cobra.Command {
	o := logsOptions{lines: lastLines}
	c := &cobra.Command{
		Use:   "logs [-f] [-n N] [--since TIME] [NAME ...]",
		Short: "Show what programs have logged, over the rotations of their logs",
		Long: `
NAME is a program, GROUP:NAME one of a group, GROUP a group, supervisord, or one of the
logs backup, liveness and readiness. Without NAME it is all programs and supervisord.
Where there are several logs, each line has the name in front.

--since is a duration (10m) or a time (15:04, 2006-01-02, 2006-01-02T15:04:05). A line
without a time counts as the one above it, and a log whose lines have none by the time of
its last change. With --since all lines are shown unless -n says how many.

Exit codes:
  0      shown
  1      there is no such log, or it cannot be read
  2      the command line or the environment is invalid
  128+n  ended by signal n
`,
		Example: `
  docker exec hello container-manager logs
  docker exec hello container-manager logs -f hello
  docker exec hello container-manager logs --since 1h hello supervisord
  docker exec hello container-manager logs -n all backup
`,
		ValidArgsFunction: completePrograms,
		RunE: func(c *cobra.Command, names []string) error {
			if o.since != "" && !c.Flags().Changed("lines") {
				o.lines = stdoutlog.AllLines
			}
			return runLogs(c.Name(), o, names)
		},
	}
	c.Flags().BoolVarP(&o.follow, "follow", "f", false, "go on with what comes")
	c.Flags().FuncP("lines", "n", "show the last `N` lines of each log, or all (default "+strconv.Itoa(lastLines)+")", o.setLines)
	c.Flags().Func("since", "leave out what is older than this `TIME` or duration", o.setSince)
	return c
}

type logsOptions struct {
	follow bool
	lines  int
	since  string
}

func (o *logsOptions) setLines(text string) error {
	n, err := strconv.ParseUint(text, 10, 31)
	switch {
	case text == "all":
		o.lines = stdoutlog.AllLines
	case err != nil:
		return errors.New("expected a number of lines, or all")
	default:
		o.lines = int(n)
	}
	return nil
}

func (o *logsOptions) setSince(text string) error {
	o.since = text
	_, err := parseSince(text, time.Now())
	return err
}

// parseSince reads what --since takes. A time without a zone is in now's, and one without
// a date is of its day.
func parseSince(text string, now time.Time) (time.Time, error) {
	var d config.Duration
	if d.Set(text) == nil {
		return now.Add(-time.Duration(d)), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateTime, "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly} {
		if at, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			return at, nil
		}
	}
	for _, layout := range []string{time.TimeOnly, "15:04"} {
		if at, err := time.Parse(layout, text); err == nil {
			return time.Date(now.Year(), now.Month(), now.Day(), at.Hour(), at.Minute(), at.Second(), 0, now.Location()), nil
		}
	}
	return time.Time{}, errors.New("expected a duration such as 10m, or a time such as 15:04 or 2006-01-02T15:04:05")
}

func runLogs(command string, o logsOptions, names []string) error {
	cfg, err := config.LoadSaved()
	if err != nil {
		return err
	}
	sources, err := logsOf(cfg, names)
	if err != nil {
		return err
	}
	zone, err := cfg.Zone()
	if err != nil {
		return err
	}
	since := time.Time{}
	if o.since != "" {
		if since, err = parseSince(o.since, time.Now().In(zone)); err != nil {
			return err
		}
	}
	out, err := stdoutlog.OwnOutput()
	if err != nil {
		return err
	}
	plain, colour := len(sources) == 1, out.IsTerminal() && cfg.NoColor == ""
	past := stdoutlog.Past{
		Sources: sources, Out: out, Plain: plain, Colour: colour, Lines: o.lines, Since: since, Zone: zone, Follow: o.follow,
	}
	if !o.follow {
		return unlessClosed(past.Write(""))
	}
	dir, err := followDir(cfg.RunDir)
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	ctx, stop := signalContext(context.Background())
	defer func() { _ = stop() }()
	positions := filepath.Join(dir, "positions")
	if err := past.Write(positions); err != nil {
		return unlessClosed(err)
	}
	follower := stdoutlog.Follower{
		Sources: sources, Positions: positions, Out: out, Plain: plain, Colour: colour,
		Log: log.Named(log.New(os.Stderr, logOptions(cfg)), command),
	}
	err = unlessClosed(follower.Run(ctx))
	if ended, ok := errors.AsType[signalled](context.Cause(ctx)); ok && err == nil {
		return &exitError{code: ended.exitCode()} // a person has seen enough
	}
	return err
}

// followDirFormat names the directory of a process that follows logs. The name tells
// whether the process still lives.
const followDirFormat = "logs-%d-%d"

// followDir makes a directory for this process. It removes those of processes that were
// killed before they could do so themselves.
func followDir(runDir string) (string, error) {
	all, _ := filepath.Glob(filepath.Join(runDir, "logs-*"))
	for _, dir := range all {
		var id proc.ID
		if _, err := fmt.Sscanf(filepath.Base(dir), followDirFormat, &id.PID, &id.Start); err == nil && !id.Lives() {
			_ = os.RemoveAll(dir) // another user's stays until that user or root follows logs
		}
	}
	self, err := proc.Self()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(runDir, fmt.Sprintf(followDirFormat, self.PID, self.Start))
	return dir, os.Mkdir(dir, 0o700)
}

// unlessClosed passes over a reader that has gone, as in `logs | head`.
func unlessClosed(err error) error {
	if errors.Is(err, unix.EPIPE) {
		return nil
	}
	return err
}

// logsOf returns the logs that names stand for, each once, or those of all programs.
func logsOf(cfg config.Config, names []string) ([]stdoutlog.Source, error) {
	conf, err := supervisorconf.Load(render.SupervisorConf(cfg), cfg.Lookup)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot read supervisord's configuration: %w (has the container started?)", err)
	}
	if err != nil {
		return nil, err
	}
	programs := stdoutlog.Sources(conf)
	if len(names) == 0 {
		return programs, nil
	}
	groups := map[string]string{}
	known := []string{"supervisord"}
	for _, p := range conf.Processes() {
		groups[p.Name] = p.Group
		known = append(known, p.Name, p.Group)
	}
	jobs := jobLogs(cfg)
	for _, j := range jobs {
		known = append(known, j.Program)
	}
	var found []stdoutlog.Source
	for _, name := range names {
		before := len(found)
		for _, s := range append(slices.Clone(programs), jobs...) {
			if isLogOf(s, name, groups) && !slices.Contains(found, s) {
				found = append(found, s)
			}
		}
		switch {
		case len(found) > before || slices.ContainsFunc(found, func(s stdoutlog.Source) bool { return isLogOf(s, name, groups) }):
		case slices.Contains(known, name):
			return nil, fmt.Errorf("%s logs to no file: see stdout_logfile in its section", name)
		default:
			meant := ""
			if nearest := similar.Nearest(name, known); nearest != "" {
				meant = ": did you mean " + nearest + "?"
			}
			return nil, fmt.Errorf("there is no program and no log %q%s (container-manager status lists the programs)", name, meant)
		}
	}
	return found, nil
}

// isLogOf reports whether a name stands for a log's program, or for its group.
func isLogOf(s stdoutlog.Source, name string, groups map[string]string) bool {
	return slices.ContainsFunc(strings.Split(s.Program, ","), func(program string) bool {
		group, one, qualified := strings.Cut(name, ":")
		if qualified {
			return groups[program] == group && (one == "*" || one == program)
		}
		return name == program || name == groups[program]
	})
}

// jobLogs are the logs that no program of supervisord writes to its output.
func jobLogs(cfg config.Config) []stdoutlog.Source {
	var logs []stdoutlog.Source
	for _, l := range [][2]string{
		{"crond", filepath.Join(cfg.LogsDir, "crond.log")},
		{"filebeat", filepath.Join(cfg.LogsDir, "filebeat.log")},
		{"backup", cfg.BackupLog},
		{"liveness", cfg.LivenessLog},
		{"readiness", cfg.ReadinessLog},
	} {
		logs = append(logs, stdoutlog.Source{Program: l[0], Stream: "stdout", Path: l[1]})
	}
	return logs
}
