package health

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/abrander/go-supervisord"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/supervisor"
	"github.com/ZPascal/container-manager/test/supervisordtest"
	"github.com/ZPascal/container-manager/test/testenv"
)

// rig is a real supervisord with directories of probes. Restarts are done in
// this process, not by one of their own.
type rig struct {
	t      *testing.T
	server *supervisordtest.Server
	config config.Config
	client supervisor.Client
	log    testenv.Buffer
	now    func() time.Time
}

func newRig(t *testing.T, sections string) *rig {
	t.Helper()
	t.Parallel()
	return rigOf(t, supervisordtest.Start(t, sections))
}

func rigOf(t *testing.T, s *supervisordtest.Server) *rig {
	t.Helper()
	c := config.Config{
		RunDir:      filepath.Join(s.Dir, "run"),
		LivenessDir: filepath.Join(s.Dir, "liveness"), ReadinessDir: filepath.Join(s.Dir, "readiness"),
		HealthTimeout: config.Duration(20 * time.Second), HealthFailures: 1, HealthCron: "*/5 * * * *",
		CronEnabled: true, LivenessCheck: true, ReadinessForce: true,
		Environ: os.Environ(),
	}
	for _, dir := range []string{c.RunDir, c.LivenessDir, c.ReadinessDir} {
		testenv.Mkdir(t, dir)
	}
	return &rig{t: t, server: s, config: c, client: supervisor.AtSocket(s.Socket), now: time.Now}
}

// probe writes a readiness probe, a shell script.
func (r *rig) probe(name, body string) string {
	r.t.Helper()
	path := filepath.Join(r.config.ReadinessDir, name)
	testenv.Script(r.t, path, strings.ReplaceAll(body, "DIR", r.server.Dir))
	return path
}

func (r *rig) programs() Programs {
	return Programs{Config: r.config, Client: r.client, Log: r.logger("restart"), Now: r.now}
}

func (r *rig) logger(name string) log.Logger {
	return log.Named(log.New(&r.log, log.Options{Level: "debug"}), name)
}

// check runs a check and returns whether all is healthy.
func (r *rig) check(k Kind) bool {
	r.t.Helper()
	healthy, err := r.checking(r.t.Context(), k)
	if err != nil {
		r.t.Fatal(err)
	}
	return healthy
}

func (r *rig) checking(ctx context.Context, k Kind) (bool, error) {
	p := r.programs()
	c := Check{Kind: k, Config: r.config, Client: r.client, Log: r.logger("check"), Restart: p.Restart}
	return c.Run(ctx)
}

func (r *rig) process(name string) supervisord.ProcessInfo {
	r.t.Helper()
	all, err := r.client.Processes(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	selected := supervisor.Select(all, name)
	if len(selected) == 0 {
		r.t.Fatalf("there is no %s", name)
	}
	return selected[0]
}

func (r *rig) waitState(name, want string) {
	r.t.Helper()
	testenv.WaitFor(r.t, name+" is "+want, func() bool { return r.process(name).StateName == want })
}

// spawned is how often supervisord has started a program.
func (r *rig) spawned(name string) int {
	return strings.Count(r.server.Log(), fmt.Sprintf("spawned: '%s'", name))
}

// wantSpawned fails when a program was not started that often.
func (r *rig) wantSpawned(name string, want int) {
	r.t.Helper()
	if got := r.spawned(name); got != want {
		r.t.Errorf("%s was started %d times, want %d; the log:\n%s", name, got, want, r.log.String())
	}
}

// wantLog fails when the log lacks a text.
func (r *rig) wantLog(text string) {
	r.t.Helper()
	if got := r.log.String(); !strings.Contains(got, text) {
		r.t.Errorf("the log lacks %q:\n%s", text, got)
	}
}

// age makes the last start of every process old enough for what looks at whole
// seconds.
func (r *rig) age(name string) {
	r.t.Helper()
	testenv.WaitFor(r.t, name+" is older than this second", func() bool {
		p := r.process(name)
		return p.Now > p.Start
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
