package examples

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/script"
	"github.com/ZPascal/container-manager/pkg/scriptdir"
	"github.com/ZPascal/container-manager/test/testenv"
)

// exampleTree is an example's image below a private directory, with the
// environment of its container. Nothing of the container manager runs: steps
// and programs are started one by one.
type exampleTree struct {
	dir  string
	vars map[string]string
}

// newExampleTree takes NAME=value variables on top of the defaults.
func newExampleTree(t *testing.T, name string, variables ...string) *exampleTree {
	t.Helper()
	dir := t.TempDir()
	e := &exampleTree{dir: dir, vars: map[string]string{
		"PATH":             filepath.Join(dir, "bin") + ":" + os.Getenv("PATH"),
		"IMAGE_BASE_DIR":   filepath.Join(dir, "image"),
		"IMAGE_RUN_DIR":    filepath.Join(dir, "run"),
		"STORAGE_BASE_DIR": filepath.Join(dir, "storage"),
		"PROCESS_PID_DIR":  dir, "PROCESS_STATE_DIR": dir,
	}}
	for _, v := range config.Variables() {
		if _, ok := e.vars[v.Name]; !ok && v.Default != "" {
			e.vars[v.Name] = os.Expand(v.Default, func(name string) string { return e.vars[name] })
		}
	}
	for _, variable := range variables {
		name, value, _ := strings.Cut(variable, "=")
		e.vars[name] = value
	}
	if err := os.CopyFS(e.vars["IMAGE_BASE_DIR"], os.DirFS(filepath.Join(examplesDir, name, "image"))); err != nil {
		t.Fatal(err)
	}
	utils := readExample(t, "../../files/image/utils.py")
	e.write(t, "image/utils.py", utils, 0o644)
	// Stands in for the binary: says what it was asked to do.
	e.write(t, "bin/container-manager", "#!/bin/sh\necho \"$@\" >>\"$IMAGE_RUN_DIR/calls\"\n", 0o755)
	for _, name := range []string{"IMAGE_RUN_DIR", "IMAGE_CRON_DIR", "STORAGE_CONF_DIR", "STORAGE_DATA_DIR", "SUPERVISOR_LOGS_DIR"} {
		if err := os.MkdirAll(e.vars[name], 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return e
}

func (e *exampleTree) write(t *testing.T, name, content string, mode os.FileMode) {
	t.Helper()
	path := filepath.Join(e.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
}

func (e *exampleTree) environ() (environ []string) {
	for name, value := range e.vars {
		environ = append(environ, name+"="+value)
	}
	return environ
}

// run runs a script and returns what it printed.
func (e *exampleTree) run(t *testing.T, path string, args ...string) (string, error) {
	t.Helper()
	var out []string
	err := script.Command{
		Path: path, Args: args, Env: e.environ(), Timeout: time.Minute,
		Output: func(line string) { out = append(out, line) },
	}.Run(t.Context())
	return strings.Join(out, "\n"), err
}

// mustSucceed runs the scripts of a directory of the image, in order.
func (e *exampleTree) mustSucceed(t *testing.T, dir string, args ...string) (output string) {
	t.Helper()
	files, err := scriptdir.Find(filepath.Join(e.dir, "image", dir))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s holds no script (%v)", dir, err)
	}
	for _, file := range files {
		out, err := e.run(t, file.Path, args...)
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		output += out + "\n"
	}
	return output
}

// mustFail runs a script that is expected to fail, and to say want.
func (e *exampleTree) mustFail(t *testing.T, path, want string) {
	t.Helper()
	out, err := e.run(t, filepath.Join(e.dir, "image", path))
	if err == nil || !strings.Contains(out, want) {
		t.Errorf("%s: got %v and %q, want a failure that says %q", path, err, out, want)
	}
}

// start starts a program as its conf.d says. stop ends it as supervisord does,
// and returns what it printed.
func (e *exampleTree) start(t *testing.T, program string) (stop func() string) {
	t.Helper()
	command := examplePrograms(t, e.dir)[program]["command"]
	for name, value := range e.vars {
		command = strings.ReplaceAll(command, "%(ENV_"+name+")s", value)
	}
	var out bytes.Buffer
	cmd := exec.Command("/bin/sh", "-c", "exec "+command)
	cmd.Env = e.environ()
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	stop = func() string {
		if !ended {
			ended = true
			_ = cmd.Process.Signal(syscall.SIGTERM)
			if err := cmd.Wait(); err != nil {
				t.Errorf("%s does not end well: %v\n%s", program, err, out.String())
			}
		}
		return out.String()
	}
	t.Cleanup(func() { stop() })
	return stop
}

// calls returns what the stand-in for the binary was asked to do since the last call.
func (e *exampleTree) calls(t *testing.T) string {
	t.Helper()
	path := filepath.Join(e.vars["IMAGE_RUN_DIR"], "calls")
	data, err := os.ReadFile(path)
	if err == nil {
		err = os.Remove(path)
	}
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(data))
}

// probes runs every probe of a directory and wants those calls of the binary.
func (e *exampleTree) probes(t *testing.T, dir string, want ...string) {
	t.Helper()
	e.mustSucceed(t, "health/"+dir)
	if got := strings.Split(e.calls(t), "\n"); !slices.Equal(got, want) {
		t.Errorf("%s asked for %q, want %q", dir, got, want)
	}
}

func exampleFreePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// exampleGet waits for an answer; redirects are not followed.
func exampleGet(t *testing.T, url string) (response *http.Response, body string) {
	t.Helper()
	client := http.Client{
		Timeout:       time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     &http.Transport{DisableKeepAlives: true},
	}
	testenv.WaitFor(t, url, func() bool {
		var err error
		response, err = client.Get(url)
		return err == nil
	})
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(data)
}

// wantAnswer wants a status and a text of the body.
func wantAnswer(t *testing.T, url string, status int, text string) {
	t.Helper()
	response, body := exampleGet(t, url)
	if got := fmt.Sprint(response.StatusCode); got != fmt.Sprint(status) || !strings.Contains(body, text) {
		t.Errorf("%s answers %s %q, want %d %q", url, got, body, status, text)
	}
}
