package containers

import (
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/internal/containertest"
)

// TestCommands runs other things than supervisord, after the same set-up.
func TestCommands(t *testing.T) {
	p := containertest.New(t)
	image := p.Build(t, "testdata/app")
	tests := []struct {
		name string
		args []string
		env  []string
		want string // in the log
		code int
	}{
		{name: "a command", args: []string{"sh", "-c", `echo "$1 of $STORAGE_DATA_DIR"; exit 3`, "-", "a b"}, want: "a b of /storage/data\n", code: 3},
		{name: "a line", args: []string{"-variable", "echo one | tr a-z A-Z; exit 4"}, want: "ONE\n", code: 4},
		{name: "a command of ours", args: []string{"container-manager", "version"}, want: "container-manager "},
		{name: "no such command", args: []string{"nonsense"}, want: "nonsense", code: 127},
		{name: "bad variables", env: []string{"IMAGE_CRON_ENABLED=maybe", "IMAGE_BACKUP_CRON=61 * * * *"}, want: `IMAGE_CRON_ENABLED="maybe"`, code: 2},
		{name: "a secret that is missing", env: []string{"FILE__APP_PASSWORD=/run/secrets/none"}, want: "/run/secrets/none", code: 2},
	}
	forEachKind(t, func(t *testing.T, o containertest.Options) {
		for _, tt := range tests {
			o.Args, o.Env = tt.args, tt.env
			a := createApp(t, p, image, o)
			a.Start(t)
			if code := a.WaitEnd(t); code != tt.code || !strings.Contains(a.Log(), tt.want) {
				t.Errorf("%s: status %d, want %d and %q in\n%s", tt.name, code, tt.code, tt.want, a.Log())
			}
		}
	})
}

// TestSignalsDuringSetUp ends containers whose start hangs in a step.
func TestSignalsDuringSetUp(t *testing.T) {
	p := containertest.New(t)
	image := p.Build(t, "testdata/app")
	forEachKind(t, func(t *testing.T, o containertest.Options) {
		o.Env = []string{"STEP_HANGS=1"}
		a := createApp(t, p, image, o)
		for signal, code := range map[string]int{"TERM": 143, "INT": 130} {
			a.Start(t)
			a.WaitLog(t, "hanging")
			a.Signal(t, signal)
			if got := a.WaitEnd(t); got != code {
				t.Errorf("SIG%s ended the start with status %d, want %d", signal, got, code)
			}
			if exists(a.volume + "/.run-once.completed") {
				t.Error("a start that was ended has left the marker")
			}
		}
	})
}
