package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ZPascal/container-manager/pkg/backup"
	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/crashes"
	"github.com/ZPascal/container-manager/pkg/cron"
	"github.com/ZPascal/container-manager/pkg/events"
	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/notify"
	"github.com/ZPascal/container-manager/pkg/script"
	"github.com/ZPascal/container-manager/pkg/scriptdir"
	"github.com/ZPascal/container-manager/pkg/setup"
	"github.com/ZPascal/container-manager/pkg/supervisor"
	"github.com/ZPascal/container-manager/pkg/webhook"
)

// notices makes events of what happens, for those who are to be notified.
type notices struct {
	runDir string
	log    log.Logger
}

func sender(runDir string, l log.Logger) notices { return notices{runDir, l} }

func (n notices) send(e notify.Event) {
	if err := notify.Send(n.runDir, e); err != nil {
		n.log.Warn().Msg(err.Error())
	}
}

// fatal is told every event of supervisord.
func (n notices) fatal(e events.Event) {
	if e.Name != "PROCESS_STATE_FATAL" || e.Payload["processname"] == "" {
		return
	}
	program := supervisor.FullName(e.Payload["groupname"], e.Payload["processname"])
	text := program + " is FATAL: supervisord has given up starting it"
	if last := crashes.Load(n.runDir, program).Last; last != nil && last.TooSoon {
		text += ", it " + last.String()
	}
	n.send(notify.Event{Kind: notify.ProgramFatal, Program: program, What: text})
}

func (n notices) loops(program, text string) {
	n.send(notify.Event{Kind: notify.ProgramLoops, Program: program, What: text})
}

func (n notices) restarted(names []string, text string) {
	for _, name := range names {
		n.send(notify.Event{Kind: notify.ProgramRestart, Program: name, What: text})
	}
}

func (n notices) backedUp(result backup.Result, err error) {
	switch {
	case errors.Is(err, fsutil.ErrLocked): // the other one tells how it goes
	case err != nil:
		n.send(notify.Event{Kind: notify.BackupFailed, What: "the backup failed: " + withoutOutput(err)})
	case result.Problems > 0:
		n.send(notify.Event{Kind: notify.BackupPartial, What: fmt.Sprintf("the backup %s is incomplete: warnings and errors in its log: %d", filepath.Base(result.Archive), result.Problems)})
	}
}

func (n notices) restored(archive string, problems int) {
	text := "restored " + filepath.Base(archive)
	if problems > 0 {
		text += fmt.Sprintf(", but not all is as it should be: warnings and errors in its log: %d", problems)
	}
	n.send(notify.Event{Kind: notify.RestoreDone, What: text})
}

// withoutOutput is an error without the output of the script that has failed. Nobody knows
// what that says, and an event leaves the container.
func withoutOutput(err error) string {
	text := err.Error()
	if failed, ok := errors.AsType[*script.Error](err); ok && failed.Err == nil {
		text = strings.Replace(text, failed.Error(), failed.Path+" "+failed.How(), 1)
	}
	return text
}

// lastNotice tells why the container ends by itself. As the first process ends then,
// there is nobody else to tell it.
type lastNotice struct {
	cfg config.Config
	log log.Logger
	why string
}

// lastNoticeLimit is how long the container's end may wait for it.
const lastNoticeLimit = 10 * time.Second

func (n *lastNotice) note(why string, failed bool) {
	if failed {
		n.why = why
	}
}

func (n *lastNotice) tell(ctx context.Context) {
	if n.why == "" || !fsutil.Exists(notify.Dir(n.cfg.RunDir)) {
		return
	}
	sender(n.cfg.RunDir, n.log).send(notify.Event{Kind: notify.ContainerEnds, What: n.why})
	ctx, cancel := context.WithTimeoutCause(ctx, lastNoticeLimit, fmt.Errorf("the container ends, and %s have gone by", lastNoticeLimit))
	defer cancel()
	if err := (notify.Deliverer{Config: n.cfg, Log: n.log, Now: time.Now}).RunLast(ctx); err != nil {
		n.log.Error().Msgf("nobody is notified that %s: %v", n.why, err)
	}
}

// jobsOutside tells those outside the container about its jobs.
type jobsOutside struct {
	cfg     config.Config
	log     log.Logger
	notices notices
	pings   sync.WaitGroup
}

func (o *jobsOutside) failed(e cron.Entry, run cron.Run) {
	if o.speaksForItself(e, run) {
		return
	}
	kind, how := notify.JobFailed, "failed: "
	if run.Result == cron.Timeout {
		kind, how = notify.JobTimeout, "was "
	}
	o.notices.send(notify.Event{Kind: kind, Job: e.Label, What: e.Label + " " + how + run.String()})
}

// speaksForItself reports whether the job has sent an event of its own: a backup does when
// it fails, and so does the restart that a failing check asks for.
func (o *jobsOutside) speaksForItself(e cron.Entry, run cron.Run) bool {
	if run.Result != cron.Failed {
		return false
	}
	var path string
	told := []int{exitFailed}
	switch setup.JobName(o.cfg, e.Command) {
	case "backup":
		path, told = setup.BackupPath(o.cfg), append(told, exitIncomplete, exitLocked)
	case "check-liveness":
		path = setup.LivenessPath(o.cfg)
	case "check-readiness":
		path = setup.ReadinessPath(o.cfg)
	}
	return path != "" && slices.Contains(told, run.Status) && scriptdir.Inspect(path).Builtin
}

// ping does not make the job wait, neither before nor behind.
func (o *jobsOutside) ping(e cron.Entry, address string) (ended func(status int)) {
	p := pinger(address, func(err error) {
		l := log.Named(o.log, e.Name())
		l.Warn().Msgf("PING_URL: %v", err)
	})
	p.Start(context.Background())
	return func(status int) {
		o.pings.Go(func() { p.End(context.Background(), status) })
	}
}

// wait gives the last pings a moment: supervisord waits for crond to end.
func (o *jobsOutside) wait() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		o.pings.Wait()
	}()
	select {
	case <-done:
	case <-time.After(time.Second):
	}
}

func pinger(address string, failed func(error)) *webhook.Pinger {
	return &webhook.Pinger{URL: address, Failed: failed}
}

// endPing says how a command has ended, quickly where a signal has ended it.
func endPing(ctx context.Context, p *webhook.Pinger, status int) {
	const hurry = 2 * time.Second
	bounded := context.WithoutCancel(ctx)
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		bounded, cancel = context.WithTimeout(bounded, hurry)
		defer cancel()
	}
	p.End(bounded, status)
}
