// Package containers runs the image, and child images of every kind, for real.
package containers

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ZPascal/container-manager/test/internal/containertest"
)

func TestMain(m *testing.M) { os.Exit(containertest.Main(m)) }

// forEachKind runs a test as every kind of user, with either kind of root file
// system.
func forEachKind(t *testing.T, test func(t *testing.T, o containertest.Options)) {
	t.Helper()
	for _, user := range []struct{ name, id string }{{"root", "0"}, {"kubernetes", "500"}, {"arbitrary", "12345:0"}} {
		t.Run(user.name, func(t *testing.T) {
			forEachRoot(t, func(t *testing.T, o containertest.Options) {
				o.User = user.id
				test(t, o)
			})
		})
	}
}

// forEachRoot runs a test as the image's user, with either kind of root file
// system.
func forEachRoot(t *testing.T, test func(t *testing.T, o containertest.Options)) {
	t.Helper()
	t.Parallel()
	for name, readOnly := range map[string]bool{"writable": false, "read-only": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, containertest.Options{ReadOnly: readOnly})
		})
	}
}

// app is a container of testdata/app.
type app struct {
	*containertest.Container
	port, volume string
}

// createApp creates one on a volume of its own, whose data it can look at.
func createApp(t *testing.T, p *containertest.Podman, image string, o containertest.Options) *app {
	t.Helper()
	a := &app{port: containertest.FreePort(t)}
	if o.Volume == "" {
		o.Volume = p.Volume(t)
	}
	a.volume = p.VolumePath(t, o.Volume)
	o.Env = append([]string{"APP_PORT=" + a.port}, o.Env...)
	a.Container = p.Create(t, image, o)
	return a
}

func runApp(t *testing.T, p *containertest.Podman, image string, o containertest.Options) *app {
	t.Helper()
	a := createApp(t, p, image, o)
	a.Start(t)
	a.WaitUp(t)
	return a
}

// answer is what the app tells about itself.
type answer struct {
	Env  map[string]string
	UID  int
	PID  int
	Zone string
}

func (a *app) get(path string) (*http.Response, error) {
	client := http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	return client.Get("http://127.0.0.1:" + a.port + path)
}

// ask waits for the app's answer.
func (a *app) ask(t *testing.T) (reply answer) {
	t.Helper()
	a.Wait(t, "the app's answer", func() bool {
		response, err := a.get("/")
		if err != nil {
			return false
		}
		defer response.Body.Close()
		return json.NewDecoder(response.Body).Decode(&reply) == nil
	})
	return reply
}

// tell has the app do something, which may keep it from answering.
func (a *app) tell(t *testing.T, path string) {
	t.Helper()
	a.ask(t)
	if response, err := a.get(path); err == nil {
		_ = response.Body.Close()
	}
}

// counted returns how many lines a file of the app's data has.
func (a *app) counted(t *testing.T, name string) int {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(a.volume, "data/app", name))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return strings.Count(string(data), "\n")
}

// wantCounts compares the data of several files, as in "run.once 1, starts 2".
func (a *app) wantCounts(t *testing.T, want string) {
	t.Helper()
	var got []string
	for part := range strings.SplitSeq(want, ", ") {
		name, _, _ := strings.Cut(part, " ")
		got = append(got, fmt.Sprintf("%s %d", name, a.counted(t, name)))
	}
	if joined := strings.Join(got, ", "); joined != want {
		t.Errorf("the data counts %s, want %s", joined, want)
	}
}

// zombies lists the processes of the container that nobody has reaped.
func (a *app) zombies(t *testing.T) []string {
	t.Helper()
	var found []string
	for line := range strings.Lines(a.Exec(t, "sh", "-c", "cat /proc/[0-9]*/stat 2>/dev/null; true")) {
		// The name may hold anything; see proc(5).
		if _, rest, _ := strings.Cut(line, ") "); strings.HasPrefix(rest, "Z ") {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}
