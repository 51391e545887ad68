package supervisor

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/abrander/go-supervisord"
	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/proc"
)

// Stop and Start do not leave the waiting to supervisord, which would look at the
// program once a second. They ask again and again. Each question wakes supervisord, so
// this takes no longer than the program itself needs.

// patience is how much longer than its stopwaitsecs or startsecs a program may
// take. supervisord kills what does not stop, so more than that is a fault.
const patience = 10 * time.Second

// Start starts processes and waits until they are up. Those that run are left alone.
func (c Client) Start(ctx context.Context, processes ...supervisord.ProcessInfo) error {
	return c.each(ctx, processes, c.start)
}

// Launch starts the process of that full name, unless it runs, and does not wait
// for it. When the start fails, supervisord tries again as it does with others.
func (c Client) Launch(ctx context.Context, name string) error {
	err := c.call(ctx, callTimeout, func(s *supervisord.Client) error { return s.StartProcess(name, false) })
	return ignore(err, FaultAlreadyStarted, FaultSpawnError)
}

// Stop stops processes and waits until they have ended. supervisord does not start
// them again by itself.
func (c Client) Stop(ctx context.Context, processes ...supervisord.ProcessInfo) error {
	return c.each(ctx, processes, c.stop)
}

// Restart stops processes, starts them, and waits for both. Those that do not run
// are started. When ctx ends in between, a program stays stopped.
func (c Client) Restart(ctx context.Context, processes ...supervisord.ProcessInfo) error {
	return c.each(ctx, processes, func(ctx context.Context, p program) error {
		if err := c.stop(ctx, p); err != nil {
			return err
		}
		return c.start(ctx, p)
	})
}

// program is a process as supervisord's configuration has it.
type program struct {
	name      string        // full
	startTime time.Duration // its startsecs
	stopTime  time.Duration // its stopwaitsecs
}

// each does something to all processes, side by side.
func (c Client) each(ctx context.Context, processes []supervisord.ProcessInfo, do func(context.Context, program) error) error {
	configured := c.Configured()
	errs := make([]error, len(processes))
	var wg sync.WaitGroup
	for i, process := range processes {
		conf := configured(process)
		p := program{Name(process), seconds(conf.StartSecs), seconds(conf.StopWaitSecs)}
		wg.Go(func() { errs[i] = do(ctx, p) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

// stop asks supervisord to stop a program until it has ended. supervisord may be
// about to start an EXITED one again, which it does before its next answer.
func (c Client) stop(ctx context.Context, p program) error {
	exited := 0
	return c.until(ctx, p, p.stopTime+patience, "stop", func(info *supervisord.ProcessInfo) (bool, error) {
		switch info.State {
		case supervisord.StateRunning, supervisord.StateStarting, supervisord.StateBackoff:
			exited = 0
			err := c.call(ctx, callTimeout, func(s *supervisord.Client) error { return s.StopProcess(p.name, false) })
			return false, ignore(err, FaultNotRunning)
		case supervisord.StateStopping:
			return false, c.resume(ctx, info)
		case supervisord.StateExited:
			exited++
			return exited == 2, nil
		}
		return true, nil
	})
}

// start asks supervisord to start a program and waits until it is up.
func (c Client) start(ctx context.Context, p program) error {
	asked := false
	return c.until(ctx, p, p.startTime+p.stopTime+patience, "start", func(info *supervisord.ProcessInfo) (bool, error) {
		switch info.State {
		case supervisord.StateRunning:
			return true, nil
		case supervisord.StateStarting, supervisord.StateStopping:
			return false, nil
		case supervisord.StateBackoff:
			return false, fmt.Errorf("%s does not start: %s (supervisord tries again)", p.name, info.SpawnErr)
		}
		if !asked {
			asked = true
			return false, c.Launch(ctx, p.name) // after a failed start the next answer tells more
		}
		switch {
		case info.State == supervisord.StateExited && info.SpawnErr == "":
			return true, nil // it had little to do, and has done it
		case info.SpawnErr != "":
			return false, fmt.Errorf("%s does not start: %s (%s)", p.name, info.SpawnErr, info.StateName)
		}
		return false, fmt.Errorf("%s was started and is %s again", p.name, info.StateName)
	})
}

// until asks for a program's state again and again, until done returns true or an error.
func (c Client) until(ctx context.Context, p program, limit time.Duration, verb string, done func(*supervisord.ProcessInfo) (bool, error)) error {
	begin := time.Now()
	for {
		info, err := c.Process(ctx, p.name)
		if err != nil {
			return fmt.Errorf("cannot %s %s: %w", verb, p.name, err)
		}
		ok, err := done(info)
		if err != nil {
			return err
		}
		if ok {
			return nil
		}
		took := time.Since(begin)
		if took > limit {
			return fmt.Errorf("cannot %s %s: it is still %s after %s", verb, p.name, info.StateName, limit)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("cannot %s %s: it is %s, and %w", verb, p.name, info.StateName, context.Cause(ctx))
		case <-time.After(pause(took)):
		}
	}
}

// pause is how long to wait before the next question: at first as little as a
// quick program needs, later a tenth of the time that has gone by.
func pause(took time.Duration) time.Duration {
	return min(max(took/10, 5*time.Millisecond), 50*time.Millisecond)
}

// Process returns what supervisord knows of the process of that full name.
func (c Client) Process(ctx context.Context, name string) (*supervisord.ProcessInfo, error) {
	var info *supervisord.ProcessInfo
	err := c.call(ctx, callTimeout, func(s *supervisord.Client) (err error) {
		info, err = s.GetProcessInfo(name)
		return err
	})
	return info, err
}

// resume sends SIGCONT to a process that is to stop and was halted by SIGSTOP. Only then
// does it act on the signal that ends it.
func (c Client) resume(ctx context.Context, info *supervisord.ProcessInfo) error {
	if !isHalted(info.Pid) {
		return nil
	}
	// supervisord makes each of its processes the leader of a group.
	if unix.Kill(-info.Pid, unix.SIGCONT) == nil {
		return nil
	}
	err := c.call(ctx, callTimeout, func(s *supervisord.Client) error {
		return s.SignalProcess(Name(*info), unix.SIGCONT)
	})
	return ignore(err, FaultNotRunning)
}

// isHalted reports whether a signal has halted a process.
func isHalted(pid int) bool {
	stat, err := proc.ReadStat(pid)
	return err == nil && stat.State == 'T'
}

// ignore drops an error that is one of these faults.
func ignore(err error, codes ...int) error {
	if fault, ok := errors.AsType[*Fault](err); ok {
		for _, code := range codes {
			if fault.Code == code {
				return nil
			}
		}
	}
	return err
}
