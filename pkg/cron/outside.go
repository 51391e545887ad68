package cron

import (
	"errors"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/script"
)

// pingVariable is set in a crontab, and holds the address of a dead man's switch for the
// jobs below it.
const pingVariable = "PING_URL"

// pingURL is the address that is told of an entry's runs, "" for none.
func pingURL(e Entry) (address string) {
	for _, entry := range e.Env {
		if value, ok := strings.CutPrefix(entry, pingVariable+"="); ok {
			address = value
		}
	}
	return address
}

// begins tells those outside that an entry is about to run; the function that it returns
// tells them how that has ended.
func (r *Runner) begins(e Entry) (ended func(error)) {
	began := time.Now()
	var pinged func(status int)
	if address := pingURL(e); address != "" && r.Ping != nil {
		pinged = r.Ping(e, address)
	}
	return func(err error) {
		if pinged != nil {
			pinged(exitStatus(err))
		}
		run := Run{Began: began}
		if run.end(time.Now(), err); run.Result.IsFailure() && r.Failed != nil {
			r.Failed(e, run)
		}
	}
}

// exitStatus is how a job ended, as a shell tells it.
func exitStatus(err error) int {
	const (
		signalled = 128
		timeout   = 124 // as timeout(1) has it
		notRun    = 127
	)
	failed, ok := errors.AsType[*script.Error](err)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errEnding):
		return signalled + int(unix.SIGTERM)
	case !ok || failed.Err != nil:
		return notRun
	case failed.Timeout > 0:
		return timeout
	case failed.Signal != 0:
		return signalled + int(failed.Signal)
	}
	return failed.Status
}
