package repo

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// machine is a directory of programs: all that install.sh finds on its path,
// but for what lies in /usr/sbin and /sbin.
type machine struct {
	t   *testing.T
	dir string
}

// newMachine has what every distribution has, and no package manager.
func newMachine(t *testing.T) machine {
	m := machine{t, t.TempDir()}
	for _, tool := range []string{"sh", "cat", "awk", "sort", "paste", "env"} {
		path, err := exec.LookPath(tool)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(m.dir, tool)); err != nil {
			t.Fatal(err)
		}
	}
	m.program("id", "echo 0")
	m.program("sleep", "")
	return m
}

func (m machine) program(name, body string) {
	m.t.Helper()
	if err := os.WriteFile(filepath.Join(m.dir, name), []byte("#!/bin/sh\n"+body+"\n"), 0o755); err != nil {
		m.t.Fatal(err)
	}
}

// manager is a program that records its arguments; its body may install.
func (m machine) manager(name, body string) {
	m.program(name, `echo "`+name+` $*" >>`+filepath.Join(m.dir, "calls")+"\n"+body)
}

func (m machine) install(purposes ...string) (output string, err error) {
	cmd := exec.Command("../install.sh", purposes...)
	cmd.Env = []string{"PATH=" + m.dir}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (m machine) calls() string {
	data, err := os.ReadFile(filepath.Join(m.dir, "calls"))
	if err != nil && !os.IsNotExist(err) {
		m.t.Fatal(err)
	}
	return string(data)
}

// appears makes the program whose package is installed, in a manager's body.
func (m machine) appears(name string) string {
	return "case \"$*\" in *" + name + "*) printf '#!/bin/sh\\n' >" + m.dir + "/" + name +
		"; exec /bin/chmod +x " + m.dir + "/" + name + " ;; esac"
}

func TestInstallWithNothingMissing(t *testing.T) {
	m := newMachine(t)
	m.manager("apt-get", "")
	m.program("shellcheck", "")
	if out, err := m.install("lint"); err != nil || out != "" || m.calls() != "" {
		t.Errorf("install.sh lint: %v, output %q, calls %q; want nothing said and nothing run", err, out, m.calls())
	}
}

func TestInstall(t *testing.T) {
	const apt = "apt-get -q -o DPkg::Lock::Timeout=120 "
	tests := []struct {
		name, manager string
		want          string
	}{
		{"Debian", "apt-get", apt + "update\n" + apt + "install -y --no-install-recommends shellcheck\n"},
		{"Alpine", "apk", "apk add --no-progress --update-cache shellcheck\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newMachine(t)
			m.manager(tt.manager, m.appears("shellcheck"))
			out, err := m.install("lint")
			if err != nil {
				t.Fatalf("install.sh lint: %v\n%s", err, out)
			}
			if got := m.calls(); got != tt.want {
				t.Errorf("it ran\n%s\nwant\n%s", got, tt.want)
			}
			if want := "missing: shellcheck; installing with"; !strings.Contains(out, want) {
				t.Errorf("it said %q, want %q in it", out, want)
			}
		})
	}
}

func TestInstallFails(t *testing.T) {
	tests := []struct {
		name  string
		setup func(m machine)
		calls int
		want  string
	}{
		{"twice", func(m machine) { m.manager("apt-get", "exit 100") }, 2, "install: cannot install shellcheck"},
		{"without the program", func(m machine) { m.manager("apt-get", "") }, 2, "installed shellcheck, and still missing: shellcheck"},
		{"for want of rights", func(m machine) {
			m.manager("apt-get", "exit 100")
			m.program("id", "echo 500")
		}, 0, "neither root nor sudo"},
		{"because sudo wants a password", func(m machine) {
			m.manager("apt-get", "exit 100")
			m.program("id", "echo 500")
			m.manager("sudo", "exit 1")
		}, 2, "sudo -n env DEBIAN_FRONTEND=noninteractive apt-get"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newMachine(t)
			tt.setup(m)
			out, err := m.install("lint")
			if err == nil {
				t.Errorf("install.sh lint succeeded:\n%s", out)
			}
			if got := strings.Count(m.calls(), "\n"); got != tt.calls {
				t.Errorf("%d calls, want %d:\n%s", got, tt.calls, m.calls())
			}
			if said := out + m.calls(); !strings.Contains(said, tt.want) {
				t.Errorf("it said\n%s\nwant %q in it", said, tt.want)
			}
		})
	}
}
