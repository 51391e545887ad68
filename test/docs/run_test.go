package docs

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ZPascal/container-manager/test/internal/containertest"
	"github.com/ZPascal/container-manager/test/testenv"
)

// TestDocuments goes through all pages.
func TestDocuments(t *testing.T) {
	p := containertest.New(t)
	env := environment(t, p)
	port, port2 := containertest.FreePort(t), containertest.FreePort(t)
	for _, page := range pages(t) {
		t.Run(strings.ReplaceAll(page, "/", "-"), func(t *testing.T) {
			s := &session{dir: t.TempDir(), env: env, port: port, port2: port2, walk: page == "README.md" || page == "doc/tutorial.md"}
			if strings.HasPrefix(page, "examples/") {
				s.port = containertest.FreePort(t) // the README's container has the other one
				testenv.Symlink(t, absolute(t, repository+"/examples"), filepath.Join(s.dir, "examples"))
			}
			for _, b := range blocks(page, readPage(t, page)) {
				if !s.do(t, b) {
					break // what comes below builds on it
				}
			}
			if s.runs > 0 {
				s.removeContainers(t)
			}
		})
	}
	clear := p.Command(context.WithoutCancel(t.Context()), "rm", "--all", "--force", "--time=0", "--volumes")
	if out, err := clear.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	if out, err := p.Command(context.WithoutCancel(t.Context()), "volume", "rm", "--all", "--force").CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// TestEveryBlockHasAnOwner looks at all pages, without running anything.
func TestEveryBlockHasAnOwner(t *testing.T) {
	owners := map[string]int{}
	for _, page := range pages(t) {
		for _, b := range blocks(page, readPage(t, page)) {
			what, rest := b.owner()
			switch _, ok := checks[what]; {
			case what == "not run" && len(rest) < 10:
				t.Errorf("%s: the comment does not say why it is not run", b)
			case !ok && what != "file" && what != "not run" && !strings.HasPrefix(what, "run") && !strings.HasPrefix(what, "output"):
				t.Errorf("%s: nobody knows what to do with this block (%q): say it in a comment in front of it\n%s", b, b.mark, b.text)
			}
			owners[what]++
		}
	}
	t.Logf("%v", owners)
	if owners["run"] < 20 || owners["output"] < 5 {
		t.Errorf("the owners of blocks are %v: this test looks for the wrong thing", owners)
	}
}

// environment is that of a reader who has docker, and types the commands of a
// container without docker exec in front.
func environment(t *testing.T, p *containertest.Podman) []string {
	t.Helper()
	bin := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	testenv.Write(t, filepath.Join(bin, "docker"), "#!/bin/sh\nexport "+dockerVariable+"=1\nexec "+self+" \"$@\"\n", 0o755)
	for _, name := range []string{"container-manager", "supervisorctl"} {
		// With -s it is that of the reader's own machine.
		testenv.Write(t, filepath.Join(bin, name), "#!/bin/sh\n[ \"$1\" != -s ] || exec /usr/bin/supervisorctl \"$@\"\nexec podman exec -i hello container-manager exec "+name+" \"$@\"\n", 0o755)
	}
	return append(p.Command(t.Context()).Env, "PATH="+bin+":"+os.Getenv("PATH"), "NO_COLOR=1")
}

// session is one page being read.
type session struct {
	dir         string
	env         []string
	port, port2 string // in place of 8080 and 9090, which somebody may listen on
	walk        bool   // the page starts its containers itself
	runs        int

	last   block // what was run last
	output string
}

// owner says what is to be done with a block, and with what.
func (b block) owner() (what, rest string) {
	if b.mark == "" {
		return shapeOf(b), ""
	}
	what, rest, _ = strings.Cut(b.mark, ": ")
	return what, rest
}

// do gives a block to its owner, and says whether to go on with the page.
func (s *session) do(t *testing.T, b block) bool {
	t.Helper()
	what, rest := b.owner()
	switch {
	case strings.HasPrefix(what, "run"):
		return s.run(t, b, strings.HasSuffix(what, ", fails"))
	case what == "output", what == "output, soon":
		return s.compare(t, b, what == "output, soon")
	case what == "file":
		testenv.Write(t, filepath.Join(s.dir, rest), s.mine(b.text), 0o644)
	default:
		if check := checks[what]; check != nil {
			check(t, b)
		}
	}
	return true
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// mine puts what this run has in place of what pages say for any.
func (s *session) mine(text string) string {
	text = strings.NewReplacer("8080", s.port, "9090", s.port2).Replace(text)
	return regexp.MustCompile(`\bIMAGE\b`).ReplaceAllString(text, "hello")
}

func (s *session) run(t *testing.T, b block, fails bool) bool {
	t.Helper()
	if s.runs++; !s.walk {
		s.startHello(t)
	}
	s.last = b
	begin := time.Now()
	err := s.execute(t, b)
	t.Logf("%s: %s", b, time.Since(begin).Round(10*time.Millisecond))
	if (err != nil) != fails {
		t.Errorf("%s: %v\n%s\nprinted\n%s", b, err, b.text, s.output)
		return false
	}
	return true
}

func (s *session) execute(t *testing.T, b block) error {
	t.Helper()
	script := "set -e\n" + s.mine(b.text)
	cmd := exec.CommandContext(t.Context(), "sh", "-c", script)
	if container, ok := strings.CutPrefix(b.mark, "run in "); ok {
		cmd = exec.CommandContext(t.Context(), "podman", "exec", "-i", container, "container-manager", "exec", "sh", "-c", script)
	}
	cmd.Dir, cmd.Env = s.dir, append(s.env, portVariable+"="+s.port)
	out, err := cmd.CombinedOutput()
	s.output = string(out)
	return err
}

func (s *session) compare(t *testing.T, b block, soon bool) bool {
	t.Helper()
	want := pattern(s.mine(b.text))
	if soon {
		for deadline := time.Now().Add(3 * time.Minute); !want.MatchString(s.output) && time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
			_ = s.execute(t, s.last)
		}
	}
	if !want.MatchString(s.output) {
		t.Errorf("%s: the page shows\n%s\nbut %s prints\n%s", b, b.text, s.last, s.output)
		return false
	}
	return true
}

// startHello starts the README's image, once, for pages that look into a container
// without saying how it was started.
func (s *session) startHello(t *testing.T) {
	t.Helper()
	there := exec.CommandContext(t.Context(), "podman", "container", "exists", "hello")
	there.Env = s.env
	if there.Run() == nil {
		return
	}
	if err := s.execute(t, block{text: "docker run -d -p 8080:8080 --name hello hello"}); err != nil {
		t.Fatalf("%v: %s", err, s.output)
	}
}

// removeContainers ends what the page has started, but for what other pages share.
func (s *session) removeContainers(t *testing.T) {
	t.Helper()
	list := exec.CommandContext(t.Context(), "podman", "ps", "--all", "--format={{.Names}}")
	list.Env = s.env
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	names := slices.DeleteFunc(strings.Fields(string(out)), func(name string) bool { return name == "hello" && !s.walk })
	if len(names) == 0 {
		return
	}
	remove := exec.CommandContext(t.Context(), "podman", append([]string{"rm", "--force", "--time=0", "--volumes"}, names...)...)
	remove.Env = s.env
	if out, err := remove.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
