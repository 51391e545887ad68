package cron

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ZPascal/container-manager/pkg/script"
)

// notice tells the container's log about a job that fails: the first time, and again only
// when it has succeeded in between. cron's own log has each time.
func (j *job) notice(e Entry, err error) {
	failed := err != nil
	if failed == j.noticed || errors.Is(err, errEnding) {
		return
	}
	j.noticed = failed
	r := j.scheduler.Runner
	if !failed {
		r.Notice.Info().Msgf("%s succeeds again", e.title())
		return
	}
	text := fmt.Sprintf("%s fails: %s", e.title(), strings.TrimSuffix(howEnded(err), ","))
	if command, ok := errors.AsType[*script.Error](err); ok && len(command.Tail) > 0 {
		text += ", last output: " + cut(strings.Join(command.Tail[max(0, len(command.Tail)-3):], " | "))
	}
	r.Notice.Error().Msg(text + r.seeLog())
}

// title names the job and its place, without the command: that may hold a secret.
func (e Entry) title() string {
	if e.Label == "" || e.Label == e.Name() {
		return e.Name()
	}
	return fmt.Sprintf("%s (%s)", e.Label, e.Name())
}

func (r *Runner) seeLog() string {
	if r.LogFile == "" {
		return ""
	}
	return " (see " + r.LogFile + ")"
}

// noticeLines tells about lines of the crontab, each once.
func (r *Runner) noticeLines(lines []string) {
	for _, line := range lines {
		if r.noticed[line] {
			continue
		}
		if r.noticed == nil {
			r.noticed = map[string]bool{}
		}
		r.noticed[line] = true
		r.Notice.Error().Msg(line)
	}
}
