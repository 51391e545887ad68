package containers

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ZPascal/container-manager/test/internal/containertest"
)

// What environment files and shells, templates and YAML would trip over.
const oddGreeting = `it's "100%" $HOME, {yes}; #1 \n`

const password = "s3cret'\"$%{"

// TestLife takes a container through everything that happens to one on a host: the
// first start, more of them, the host's power, and a successor on its volume.
func TestLife(t *testing.T) {
	p := containertest.New(t)
	image := p.Build(t, "testdata/app")
	env := filepath.Join(t.TempDir(), "env")
	if err := os.WriteFile(env, []byte("APP_GREETING="+oddGreeting+"\nTZ=Asia/Kolkata\nAPP_VERSION=2\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	secret := newSecret(t, p, password+"\n")
	forEachKind(t, func(t *testing.T, o containertest.Options) {
		o.Volume = p.Volume(t)
		o.Flags = []string{"--env-file=" + env, "--secret=" + secret + ",target=/image/secrets/password"}
		o.Env = []string{"FILE__APP_PASSWORD=/image/secrets/password"}
		a := runApp(t, p, image, o)

		me := a.ask(t)
		if uid, _, _ := strings.Cut(o.User, ":"); strconv.Itoa(me.UID) != uid {
			t.Errorf("the app runs as %d, want %s", me.UID, uid)
		}
		if got := me.Env["APP_GREETING"]; got != oddGreeting {
			t.Errorf("the environment file's value arrives as %q, want %q", got, oddGreeting)
		}
		if got := me.Env["APP_PASSWORD"]; got != password {
			t.Errorf("the secret arrives as %q, want %q", got, password)
		}
		if me.Zone != "IST" {
			t.Errorf("the app's time zone is %s, want IST", me.Zone)
		}
		if status := a.Exec(t, "container-manager", "status"); !strings.Contains(status, " IST ") || !strings.Contains(status, "app       RUNNING") {
			t.Errorf("status is\n%s\nwant app RUNNING, and jobs in IST", status)
		}
		a.wantCounts(t, "run.once 1, run.always 1, starts 1, run.finish 0")
		if !exists(filepath.Join(a.volume, ".run-once.completed")) {
			t.Error("there is no marker of the first start")
		}

		// The second start of the same container.
		a.Stop(t)
		a.Start(t)
		a.WaitUp(t)
		a.ask(t)
		a.wantCounts(t, "run.once 1, run.always 2, starts 2, ends 1, run.finish 1")

		// Without a warning, and again.
		a.Kill(t)
		a.Start(t)
		a.WaitUp(t)
		a.ask(t)
		a.wantCounts(t, "run.once 1, run.always 3, starts 3, ends 1, run.finish 1")
		a.Stop(t)
		if log := a.WholeLog(); strings.Contains(log, "s3cret") {
			t.Error("the log holds a secret")
		}

		// Another container on the volume, with other variables.
		o.Flags, o.Env = nil, []string{"APP_GREETING=another"}
		next := runApp(t, p, image, o)
		if me := next.ask(t); me.Env["APP_GREETING"] != "another" || me.Env["APP_PASSWORD"] != "" || !strings.HasPrefix(me.Zone, "CE") {
			t.Errorf("the successor has %q, %q, and the zone %s; want its own variables and the image's zone",
				me.Env["APP_GREETING"], me.Env["APP_PASSWORD"], me.Zone)
		}
		next.wantCounts(t, "run.once 1, run.always 4, starts 4, ends 2")
		next.Stop(t)
		next.wantCounts(t, "ends 3")
	})
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// newSecret creates a secret of podman's, a file that it mounts, and returns its
// name.
func newSecret(t *testing.T, p *containertest.Podman, value string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(value), 0o600); err != nil {
		t.Fatal(err)
	}
	name := "secret-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	p.Podman(t, "secret", "create", name, file)
	return name
}

// TestApp lets a program do what programs do: die, hang, leave daemons and zombies.
func TestApp(t *testing.T) {
	p := containertest.New(t)
	image := p.Build(t, "testdata/app")
	forEachKind(t, func(t *testing.T, o containertest.Options) {
		// No grace, and no cron that would be first to find it.
		o.Env = []string{"IMAGE_HEALTH_GRACE=0s", "IMAGE_CRON_ENABLED=0"}
		a := runApp(t, p, image, o)
		first := a.ask(t).PID
		if err := a.healthcheck(t); err != nil {
			t.Errorf("at first: %v", err)
		}

		// It dies, with zombies and a daemon, which become process 1's.
		a.tell(t, "/zombies")
		a.tell(t, "/daemon")
		a.tell(t, "/crash")
		a.Wait(t, "another app", func() bool { return a.counted(t, "starts") == 2 })
		second := a.ask(t).PID
		if second == first {
			t.Errorf("the app that crashed still has the pid %d", first)
		}
		a.Wait(t, "zombies to be reaped", func() bool { return len(a.zombies(t)) == 0 })

		// It hangs: the check says so and restarts it, once supervisord is content.
		a.WaitExec(t, "container-manager", "probe", "process", "app")
		a.tell(t, "/hang")
		if _, err := a.TryExec(t, "container-manager", "check-readiness"); containertest.ExitCode(err) != 1 {
			t.Errorf("the check of an app that hangs: %v, want status 1", err)
		}
		if third := a.ask(t).PID; third == second {
			t.Errorf("the app that hung still has the pid %d", second)
		}
		if err := a.healthcheck(t); err != nil {
			t.Errorf("after the restart: %v", err)
		}
		a.Exec(t, "container-manager", "check-readiness")

		// It is stopped: unhealthy until it is started.
		a.Exec(t, "container-manager", "stop", "app")
		if err := a.healthcheck(t); err == nil {
			t.Error("HEALTHCHECK is content with an app that is stopped")
		}
		a.Exec(t, "container-manager", "start", "app")
		a.ask(t)
		if err := a.healthcheck(t); err != nil {
			t.Errorf("after the start: %v", err)
		}
		a.Stop(t)
	})
}

// healthcheck runs the image's HEALTHCHECK once.
func (a *app) healthcheck(t *testing.T) error {
	t.Helper()
	return a.Try(t, "healthcheck", "run", a.Name)
}

// TestMainProgram ends containers with their app.
func TestMainProgram(t *testing.T) {
	p := containertest.New(t)
	image := p.Build(t, "testdata/app")
	forEachKind(t, func(t *testing.T, o containertest.Options) {
		o.Volume = p.Volume(t)
		o.Env = []string{"IMAGE_MAIN_PROGRAM=app", "IMAGE_CRON_ENABLED=0"}
		a := runApp(t, p, image, o)
		a.tell(t, "/zombies")
		a.tell(t, "/daemon")
		a.tell(t, "/crash") // autorestart = true: it is started again
		a.Wait(t, "another app", func() bool { return a.counted(t, "starts") == 2 })
		a.ask(t)
		a.Wait(t, "zombies to be reaped", func() bool { return len(a.zombies(t)) == 0 })
		a.Stop(t)
		a.wantCounts(t, "starts 2, ends 1, run.finish 1")

		// Its second life ends as the app does.
		job := createApp(t, p, image, containertest.Options{
			User: o.User, ReadOnly: o.ReadOnly, Volume: o.Volume,
			Env: append(o.Env, "APP_AUTORESTART=false"),
		})
		job.Start(t)
		job.WaitUp(t)
		job.tell(t, "/end")
		if code := job.WaitEnd(t); code != 7 {
			t.Errorf("the app ended with status 7, the container with %d", code)
		}
		job.wantCounts(t, "starts 3, ends 1, run.finish 2")
	})
}
