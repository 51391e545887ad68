package pid1

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/supervisorlog"
)

func TestStatusWithoutALog(t *testing.T) {
	const byTerm = unix.WaitStatus(unix.SIGTERM)
	p := Init{Program: "app", LogFile: "/dev/null", Log: log.New(&strings.Builder{}, log.Options{})}
	for name, test := range map[string]struct {
		main        end
		supervisord unix.WaitStatus
		want        int
	}{
		"exited":                   {end{how: "has ended", status: 3}, 0, 3},
		"exited with 0":            {end{how: "has ended"}, 0, 0},
		"by some signal":           {end{how: "has ended", status: -1}, 0, 1},
		"fatal":                    {end{how: "is FATAL", failed: true}, 0, 1},
		"stopped with supervisord": {end{}, 0, 0},
		"supervisord ended early":  {end{}, byTerm, 143},
		"supervisord failed":       {end{}, 2 << 8, 2},
	} {
		if got := p.status(supervisorlog.MarkEnd(p.LogFile), test.main, test.supervisord); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}

func TestForwarded(t *testing.T) {
	signals := map[os.Signal]bool{}
	for _, s := range forwarded() {
		signals[s] = true
	}
	for _, s := range []unix.Signal{unix.SIGTERM, unix.SIGINT, unix.SIGQUIT, unix.SIGHUP, unix.SIGUSR1, unix.SIGUSR2, unix.SIGWINCH, unix.SIGCONT, 34, 64} {
		if !signals[s] {
			t.Errorf("%v is not handed on", s)
		}
	}
	for _, s := range []unix.Signal{unix.SIGCHLD, unix.SIGKILL, unix.SIGSTOP, unix.SIGURG} {
		if signals[s] {
			t.Errorf("%v is handed on", s)
		}
	}
}
