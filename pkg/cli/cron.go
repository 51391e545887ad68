package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/cron"
	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/setup"
)

func cronCommand() *cobra.Command {
	var o cronOptions
	c := &cobra.Command{
		Use:   "cron --crontab FILE (--logfile FILE | --console) | cron --test FILE ...",
		Short: "Run the jobs of crontabs, or check crontabs",
		Long: `
A line of a crontab is a schedule with a command for /bin/sh behind it, or
NAME=value for the environment of the jobs below it. A schedule is five fields
(minute, hour, day of month, month, day of week; L is the last day of the month,
L5 its last Friday), or @yearly, @monthly, @weekly,
@daily, @hourly, @every DURATION or @reboot. CRON_TZ=ZONE sets the time zone of
the jobs below it and, in front of a schedule, that of one job; else TZ does.

A job that is still running when its time comes again is skipped. A bad line is
left out or, with IMAGE_CRON_STRICT=1, ends cron. IMAGE_CRON_JOB_TIMEOUT limits
the time of a job.

A crontab that changes is read again within seconds, at once after a SIGHUP. On
SIGTERM cron starts no more jobs, waits a little for those that run, and ends
them.

Exit codes:
  0  ended by SIGTERM or SIGINT; with --test: the crontabs are good
  1  a crontab cannot be read, or the log cannot be written
  2  a crontab has a bad line (--test or IMAGE_CRON_STRICT=1), or the command
     line or the environment is invalid
`,
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.check(args); err != nil {
				return err
			}
			return runCron(c.Name(), o)
		},
	}
	o.addTo(c.Flags())
	return c
}

// cronGrace is how long running jobs have when cron is to end. With the time
// that they have then to react to SIGTERM, it stays below the 10 seconds that
// supervisord waits by default.
const cronGrace = 5 * time.Second

// cronOptions is cron's command line.
type cronOptions struct {
	crontabs []string
	logfile  string
	console  bool
	level    string
	test     bool
}

func runCron(command string, o cronOptions) error {
	cfg, err := config.LoadSaved()
	if err != nil {
		return err
	}
	zone, err := cfg.Zone()
	if err != nil {
		return err
	}
	if o.test {
		return testCrontabs(os.Stdout, o.crontabs, time.Now().In(zone))
	}
	out, err := o.open()
	if err != nil {
		return err
	}
	if o.level != "" {
		cfg.LogLevel = o.level
	}
	ctx, stop := signalContext(context.Background(), unix.SIGHUP)
	defer stop()
	reload := make(chan os.Signal, 1)
	signal.Notify(reload, unix.SIGHUP)
	defer signal.Stop(reload)
	options := livingOptions(cfg)
	runner := cron.Runner{
		Files:   setup.Crontabs(cfg, o.crontabs),
		Zone:    zone,
		Environ: cfg.Environ,
		Timeout: time.Duration(cfg.CronJobTimeout),
		Grace:   cronGrace,
		Strict:  bool(cfg.CronStrict),
		Record:  filepath.Join(filepath.Dir(setup.Crontab(cfg)), "running"),
		History: cron.HistoryDir(setup.Crontab(cfg)),
		Builtin: func(command string) string { return setup.JobName(cfg, command) },
		Log:     log.Named(log.NewLiving(out, options), command),
		LogFile: o.logfile,
	}
	if cfg.Supervised != "" {
		runner.Notice = log.Named(log.NewLiving(log.ToContainer(io.Discard, cfg.PIDFile), options), command)
	}
	outside := jobsOutside{cfg: cfg, log: runner.Log, notices: sender(cfg.RunDir, runner.Log)}
	runner.Ping, runner.Failed = outside.ping, outside.failed
	err = runner.Run(ctx, reload)
	outside.wait()
	return badLines(err)
}

func (o *cronOptions) addTo(flags *pflag.FlagSet) {
	flags.StringArrayVarP(&o.crontabs, "crontab", "c", nil, "read the crontab `FILE`; may be given more than once")
	flags.StringVarP(&o.logfile, "logfile", "L", "", "log to `FILE`, which is opened anew when it is renamed")
	flags.BoolVarP(&o.console, "console", "C", false, "log to standard output")
	flags.FuncP("loglevel", "l", "log from this `LEVEL` up: DEBUG, INFO, WARNING, ERROR or CRITICAL; else from IMAGE_LOG_LEVEL up", o.setLevel)
	flags.BoolVar(&o.test, "test", false, "check crontabs and show the next three times of every entry")
}

// check takes the arguments, and says what is wrong with them and the flags.
func (o *cronOptions) check(args []string) error {
	if o.test {
		o.crontabs = append(o.crontabs, args...)
	}
	switch {
	case len(o.crontabs) == 0 && o.test:
		return invalid(errors.New("no crontab is named: cron --test FILE"))
	case o.test:
		return nil
	case len(args) > 0:
		return invalid(fmt.Errorf("%q is no flag: a crontab is named with --crontab FILE", args[0]))
	case len(o.crontabs) == 0:
		return invalid(errors.New("no crontab is named: --crontab FILE"))
	case o.console == (o.logfile != ""):
		return invalid(errors.New("the log needs exactly one place: --logfile FILE or --console"))
	}
	return nil
}

// setLevel takes the names of Python's logging, which old configurations use.
func (o *cronOptions) setLevel(name string) error {
	level, ok := map[string]string{
		"DEBUG": "debug", "INFO": "info", "WARNING": "warn", "ERROR": "error", "CRITICAL": "fatal",
	}[strings.ToUpper(name)]
	if !ok {
		return errors.New("expected DEBUG, INFO, WARNING, ERROR or CRITICAL")
	}
	o.level = level
	return nil
}

func (o *cronOptions) open() (io.Writer, error) {
	if o.console {
		return os.Stdout, nil
	}
	return log.OpenFile(o.logfile)
}

// badLines turns errors of crontabs into an error of the configuration.
func badLines(err error) error {
	problems, ok := errors.AsType[cron.Problems](err)
	if !ok {
		return err
	}
	return invalid(fmt.Errorf("the crontab has bad lines:\n  %s", strings.Join(problems.Lines(), "\n  ")))
}

// testCrontabs shows what it can read of crontabs, and returns what is wrong.
func testCrontabs(out io.Writer, files []string, now time.Time) error {
	const times = 3
	table, repeated, err := cron.ReadFiles(files)
	w := bufio.NewWriter(out)
	defer w.Flush()
	for _, e := range table {
		fmt.Fprintf(w, "%s:%d: %s\t%s\n", e.File, e.Line, e.Spec, e.Command)
		if e.Schedule.AtReboot() {
			fmt.Fprint(w, "\twhen cron starts\n")
			continue
		}
		for i, next := 0, e.Schedule.Next(now); i < times && !next.IsZero(); i, next = i+1, e.Schedule.Next(next) {
			fmt.Fprintf(w, "\t%s\n", next.Format("Mon 2006-01-02 15:04:05 MST"))
		}
	}
	for _, e := range repeated {
		fmt.Fprintf(w, "%s:%d: %s\t%s\n\tleft out: an entry above is the same\n", e.File, e.Line, e.Spec, e.Command)
	}
	return badLines(err)
}
