package notify

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/script"
	"github.com/ZPascal/container-manager/pkg/scriptdir"
	"github.com/ZPascal/container-manager/pkg/webhook"
)

const (
	// grace is how long a script that takes too long has between SIGTERM and SIGKILL.
	grace = time.Second
	// maxLines and maxLine are how much of a script's output is logged.
	maxLines = 50
	maxLine  = 500
)

// call calls one script.
func (d Deliverer) call(ctx context.Context, f scriptdir.File, event []byte) error {
	limit := time.Duration(d.Config.NotifyTimeout)
	if f.Builtin && limit > 0 { // a process has its own limit
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit, errTime(limit))
		defer cancel()
	}
	in, err := open(event)
	if err != nil {
		return err
	}
	defer in.Close()
	out := output{log: log.Named(d.Log, f.Name)}
	err = scriptdir.Runner{Config: d.Config, Log: d.Log, Quiet: true, Builtins: func(name string) scriptdir.Builtin {
		if name != Webhook {
			return nil
		}
		return func(ctx context.Context, c config.Config, _ log.Logger, _ []string) error { return Post(ctx, c, event) }
	}}.Run(ctx, f, script.Command{Stdin: in, Output: out.line, Timeout: limit, Grace: grace})
	out.end()
	if failed, ok := errors.AsType[*script.Error](err); ok && failed.Timeout > 0 {
		err = fmt.Errorf("%w (IMAGE_NOTIFY_TIMEOUT)", err)
	}
	return err
}

// open returns a file that holds an event. A pipe may have room for less, and then nobody
// could write into it for a script that does not read.
func open(event []byte) (*os.File, error) {
	fd, err := unix.MemfdCreate("event", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("cannot hand the event on: %w", err)
	}
	f := os.NewFile(uintptr(fd), "event")
	_, err = f.Write(event)
	if err == nil {
		_, err = f.Seek(0, 0)
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("cannot hand the event on: %w", err)
	}
	return f, nil
}

// output logs the first lines of a script.
type output struct {
	log   log.Logger
	lines int
}

func (o *output) line(line string) {
	if o.lines++; o.lines > maxLines {
		return
	}
	if len(line) > maxLine {
		line = strings.ToValidUTF8(line[:maxLine], "") + "..."
	}
	log.Messages(o.log, line)
}

func (o *output) end() {
	if more := o.lines - maxLines; more > 0 {
		o.log.Warn().Msgf("(and %d lines more)", more)
	}
}

// Post posts an event to IMAGE_NOTIFY_URL.
func Post(ctx context.Context, c config.Config, event []byte) error {
	if c.NotifyURL == "" {
		return errors.New("there is nowhere to post events to: IMAGE_NOTIFY_URL is empty")
	}
	var caller webhook.Caller
	const parts = 4 // three tries, and the pauses between them
	if limit := time.Duration(c.NotifyTimeout); limit > 0 {
		caller.Timeout = min(limit/parts, webhook.DefaultTimeout)
	}
	if err := caller.Post(ctx, c.NotifyURL, event); err != nil {
		return fmt.Errorf("IMAGE_NOTIFY_URL: %w", err)
	}
	return nil
}
