package containertest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

func TestRun(t *testing.T) {
	p := New(t)
	c := p.Run(t, BaseImage, Options{User: "500", ReadOnly: true})
	c.WaitUp(t)
	if status := c.Exec(t, "container-manager", "status"); !strings.Contains(status, "crond") {
		t.Errorf("status is\n%s", status)
	}
	c.Stop(t)
}

// TestStandIn wants of the stand-in for Alpine what a Dockerfile for it relies on.
func TestStandIn(t *testing.T) {
	p := New(t)
	tests := []struct {
		name, command string
		want          string // in the output
		code          int
	}{
		{"a package", "apk add --no-cache python3 tzdata", "OK: ", 0},
		{"a typing error", "apk add --no-cache python3 pyhton3-requests", "ERROR: unable to select packages:\n  pyhton3-requests (no such package):\n    required by: world[pyhton3-requests]\n", 1},
		{"Debian's name", "apk add redis-server", "redis-server (no such package)", 1},
		{"a tag that no repository has", "apk add redis@edge", "redis@edge (no such package)", 1},
		{"an unknown option", "apk add --recommends redis", "unrecognized option: --recommends", 1},
		{"a real program", "! command -v redis-server && apk add redis >/dev/null && redis-server --version", "Redis server", 0},
		{"no bash", "bash -c true", "bash: not found", 127},
		{"busybox's sed", "readlink /usr/bin/sed", "busybox", 0},
		{"busybox's adduser", "addgroup -g 7000 app && adduser -D -u 7000 -G app app && id app", "uid=7000(app) gid=7000(app)", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, err := p.Command(t.Context(), "run", "--rm", "--pull=never", alpineBase, "/bin/sh", "-c", tt.command).CombinedOutput()
			if code := ExitCode(err); code != tt.code || !strings.Contains(string(out), tt.want) {
				t.Errorf("%s: status %d, want %d and %q in\n%s", tt.command, code, tt.code, tt.want, out)
			}
		})
	}
}

// TestLeftovers looks at what Main would complain about.
func TestLeftovers(t *testing.T) {
	p := New(t)
	s := &storage{dir: filepath.Clean(p.dir)}
	volume := p.Volume(t)
	c := p.Create(t, BaseImage, Options{Volume: volume})
	left, err := s.leftovers()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"container " + c.Name, "volume " + volume} {
		if !strings.Contains(strings.Join(left, "\n"), want) {
			t.Errorf("%q does not name %s", left, want)
		}
	}
}
