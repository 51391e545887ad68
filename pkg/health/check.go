package health

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/script"
	"github.com/ZPascal/container-manager/pkg/scriptdir"
	"github.com/ZPascal/container-manager/pkg/stopmark"
	"github.com/ZPascal/container-manager/pkg/supervisor"
)

// Check runs the probes of one kind.
type Check struct {
	Kind   Kind
	Config config.Config
	Client supervisor.Client
	Log    log.Logger
	// Restart and Resume are for tests, which do both in their own process. Nil means
	// Launch and RunResume.
	Restart func(context.Context, Request) error
	Resume  func() error

	known      results // the last results of earlier checks
	restarting sync.WaitGroup

	mu      sync.Mutex // guards results, and keeps the log lines of one probe together
	results results
}

// probeGrace is how long a probe that takes too long has between SIGTERM and
// SIGKILL.
const probeGrace = time.Second

// maxOutput is how many lines of a probe are logged.
const maxOutput = 200

// finding is what a probe found.
type finding struct {
	lines []string
	err   error
	// sick are the programs to restart. It is empty when the probe itself is broken.
	sick []string
}

// Run runs all probes side by side, restarts the programs of those that fail, and
// reports whether all pass. The error says why they could not be run.
func (c *Check) Run(ctx context.Context) (healthy bool, err error) {
	all, err := scriptdir.Probes(c.Kind.probeDir(c.Config))
	if err != nil {
		return false, err
	}
	// The event listener has usually started these programs already.
	if len(stopmark.Orphans(c.Config.RunDir)) > 0 {
		c.restarting.Go(func() {
			if err := c.resume(); err != nil {
				c.Log.Error().Msgf("cannot start what was left stopped: %v", err)
			}
		})
	}
	c.known, c.results = readResults(c.Config, c.Kind), results{}
	var probing sync.WaitGroup
	for _, p := range all {
		probing.Go(func() { c.probe(ctx, p) })
	}
	probing.Wait()
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	c.keep()
	c.restarting.Wait()
	for _, r := range c.results {
		if !r.Healthy {
			return false, nil
		}
	}
	return true, nil
}

// probe runs one probe, notes and logs its result, and asks for a restart when the probe
// has failed often enough.
func (c *Check) probe(ctx context.Context, p scriptdir.Probe) {
	began := time.Now()
	f, ok := c.passOver(p)
	if !ok {
		f = c.run(ctx, p)
	}
	if ctx.Err() != nil {
		return
	}
	r := Result{
		Probe: p.Name, Program: p.Program, Healthy: f.err == nil,
		Began: began, Seconds: time.Since(began).Seconds(),
	}
	if f.err != nil {
		r.Failures, r.Message = c.known[p.Name].Failures+1, f.err.Error()
		r.How, r.Output = f.how(p), f.lastLine()
	}
	c.mu.Lock()
	c.results[p.Name] = r
	c.mu.Unlock()
	c.say(p, f)
	if r.Failures >= int(c.Config.HealthFailures) && len(f.sick) > 0 {
		c.restarting.Go(func() { c.restart(ctx, p, f, r) })
	}
}

// keep writes the results to their file.
func (c *Check) keep() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.results.write(c.Config, c.Kind); err != nil {
		c.Log.Warn().Msgf("the results of the probes are not kept: %v", err)
	}
}

// passOver returns ok for a probe that is not to be run: the liveness probe of a program
// that is held stopped, or waits for others. Such a program does not run on purpose, so nobody may end the
// container because of it.
func (c *Check) passOver(p scriptdir.Probe) (f finding, ok bool) {
	if c.Kind != Liveness {
		return f, false
	}
	why, ok := notDue(c.Config, p.Program)
	return finding{lines: []string{p.Program + " " + why}}, ok
}

func (c *Check) run(ctx context.Context, p scriptdir.Probe) finding {
	var f finding
	more := 0
	builtins := func(name string) scriptdir.Builtin {
		if name != BaseProbe {
			return nil
		}
		return func(ctx context.Context, _ config.Config, _ log.Logger, _ []string) error {
			f = c.base(ctx)
			return f.err
		}
	}
	err := scriptdir.Runner{Config: c.Config, Log: c.Log, Builtins: builtins, Quiet: true}.Run(ctx, p.File, script.Command{
		Env: append(c.Config.Environ[:len(c.Config.Environ):len(c.Config.Environ)], "IMAGE_HEALTH_CHECK="+string(c.Kind)),
		Output: func(line string) {
			if len(f.lines) < maxOutput {
				f.lines = append(f.lines, line)
			} else {
				more++
			}
		},
		Timeout: time.Duration(c.Config.HealthTimeout),
		Grace:   probeGrace,
	})
	if more > 0 {
		f.lines = append(f.lines, fmt.Sprintf("(and %d lines more)", more))
	}
	if failed, ok := errors.AsType[*script.Error](err); ok && failed.Err == nil {
		f.sick = []string{p.Program}
	}
	f.err = err
	return f
}

// say logs what a probe printed, and that it failed.
func (c *Check) say(p scriptdir.Probe, f finding) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := log.Named(c.Log, p.Name)
	for _, line := range f.lines {
		log.Messages(l, line)
	}
	if f.err == nil {
		l.Debug().Msg("passed")
		return
	}
	l.Error().Msg("failed: " + f.how(p))
}

// how says how a probe failed. It leaves out the output, because the log has it already.
func (f finding) how(p scriptdir.Probe) string {
	failed, ok := errors.AsType[*script.Error](f.err)
	if !ok || failed.Err != nil {
		return f.err.Error()
	}
	if line := exitLine(p.Path, failed.Status); line != "" && failed.Status != 0 {
		return failed.How() + " (" + line + ")"
	}
	return failed.How()
}

// lastLine is the last thing that a probe has printed.
func (f finding) lastLine() string {
	const most = 300
	for _, line := range slices.Backward(f.lines) {
		if line = strings.TrimSpace(line); line != "" {
			return strings.ToValidUTF8(line[:min(len(line), most)], "")
		}
	}
	return ""
}

// restart asks for the restart of the programs that a probe found sick. After a restart
// the failures of the probe are counted from 0 again.
func (c *Check) restart(ctx context.Context, p scriptdir.Probe, f finding, r Result) {
	l := log.Named(c.Log, p.Name)
	for _, program := range f.sick {
		err := c.launch(ctx, Request{
			Names: []string{program}, Check: c.Kind, Since: r.Began,
			Why: fmt.Sprintf("%s of the %s check failed: %s", p.Name, c.Kind, f.how(p)),
		})
		switch {
		case err == nil:
			c.forgetFailures(p.Name)
		case !errors.Is(err, ErrLeftAlone):
			l.Error().Msgf("cannot restart %s: %v", program, err)
		}
	}
}

func (c *Check) launch(ctx context.Context, r Request) error {
	if c.Restart != nil {
		return c.Restart(ctx, r)
	}
	return Launch(ctx, c.Config, c.Log, r)
}

func (c *Check) resume() error {
	if c.Resume != nil {
		return c.Resume()
	}
	return RunResume()
}

func (c *Check) forgetFailures(probe string) {
	c.mu.Lock()
	r := c.results[probe]
	r.Failures = 0
	c.results[probe] = r
	c.mu.Unlock()
	c.keep()
}

// join makes one error of several messages, and nil of none.
func join(messages []string) error {
	if len(messages) == 0 {
		return nil
	}
	return errors.New(strings.Join(messages, "; "))
}
