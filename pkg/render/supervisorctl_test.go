package render_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/render"
	"github.com/ZPascal/container-manager/test/testenv"
)

// supervisorctl asks for the state of all programs, without any environment, in a
// directory.
func supervisorctl(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/usr/bin/supervisorctl", append(args, "status")...)
	cmd.Dir, cmd.Env = dir, []string{}
	out, _ := cmd.CombinedOutput() // 3 for a program that does not run
	return string(out)
}

// running starts a supervisord that ends with the test, with the rendered
// configuration.
func running(t *testing.T, c config.Config) {
	t.Helper()
	cmd := exec.Command("/usr/bin/supervisord", "-n", "-c", render.SupervisorConf(c))
	cmd.Dir, cmd.Env = c.RunDir, c.Environ // for files that have no path
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	testenv.WaitFor(t, "supervisord listens", func() bool { return testenv.Exists(c.Socket) })
}

// It need not know what supervisord was started with: docker exec, a probe and a
// person each have another environment.
func TestSupervisorctlWithoutEnvironment(t *testing.T) {
	testenv.Isolated(t, func(t *testing.T, _ string) {
		files, err := filepath.Abs("../../files")
		if err != nil {
			t.Fatal(err)
		}
		// What is shipped names the socket's default: it gets a /tmp of its own.
		testenv.Mount(t, "tmpfs", "/srv", "tmpfs", 0, "")
		tree := testenv.NewTreeAt(t, "/srv/container")
		testenv.Mkdir(t, tree.Path("tmp"))
		testenv.Mount(t, files, "/srv/files", "", syscall.MS_BIND, "")
		testenv.Mount(t, "tmpfs", "/tmp", "tmpfs", 0, "")
		testenv.Write(t, tree.Path("image/supervisord/conf.d/app.conf"), "[program:app]\ncommand = %(ENV_COMMAND)s\nautostart = false\n", 0o644)
		c := rendered(t, tree, "COMMAND=x", "IMAGE_CRON_ENABLED=0", "IMAGE_SUPERVISOR_SOCKET=/tmp/supervisord.sock")
		running(t, c)
		for name, args := range map[string][]string{
			"with the template":      {"-c", tree.Path("image/supervisord/global.conf")},
			"with the rendered file": {"-c", render.SupervisorConf(c)},
			"without a file":         nil, // below files as below / in the image: etc/supervisord.conf
		} {
			if out := supervisorctl(t, "/srv/files", args...); !strings.HasPrefix(out, "app ") || !strings.Contains(out, "STOPPED") {
				t.Errorf("%s supervisorctl says %s", name, out)
			}
		}
	})
}

// A socket and a password from the environment are written into the rendered
// files, which only their owner reads then.
func TestSupervisorctlOfAChild(t *testing.T) {
	testenv.NotQuick(t)
	const password = "it's 50% {;#} \"x\" %(ENV_HOME)s"
	for name, test := range map[string]struct {
		global  string // of its own, or the shipped one
		private bool
	}{
		"shipped":      {"", false},
		"its own":      {"[supervisord]\nlogfile = NONE\n[unix_http_server]\nfile = %(ENV_IMAGE_SUPERVISOR_SOCKET)s\n[supervisorctl]\nserverurl = unix://%(ENV_IMAGE_SUPERVISOR_SOCKET)s\n", false},
		"a password":   {"[supervisord]\nlogfile = NONE\n[unix_http_server]\nfile = %(ENV_IMAGE_SUPERVISOR_SOCKET)s\nusername = %(ENV_WHO)s\npassword = %(ENV_PASSWORD)s\n", true},
		"least":        {"[supervisord]\nlogfile = NONE\n", false},
		"two sections": {"[supervisord]\nlogfile = NONE\n[unix_http_server]\nfile = /nowhere\n[unix_http_server]\nfile = %(ENV_IMAGE_SUPERVISOR_SOCKET)s\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			tree := testenv.NewTree(t)
			testenv.Mkdir(t, tree.Path("tmp"))
			if test.global != "" {
				testenv.Write(t, tree.Path("image/supervisord/global.conf"), test.global+"[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n", 0o644)
			}
			c := rendered(t, tree, "IMAGE_CRON_ENABLED=0", "IMAGE_SUPERVISOR_SOCKET="+tree.Path("100% mine.sock"), "WHO=me", "PASSWORD="+password)
			running(t, c)
			if out := supervisorctl(t, "/", "-c", render.SupervisorConf(c)); !strings.Contains(out, "crond ") {
				t.Errorf("supervisorctl says %s", out)
			}
			if private := testenv.Mode(t, render.SupervisorConf(c)) == 0o600; private != test.private {
				t.Errorf("readable by its owner only: %v", private)
			}
		})
	}
}

// What would be read as a comment stays a variable.
func TestPasswordThatCannotBeWritten(t *testing.T) {
	tree := testenv.NewTree(t)
	global := tree.Path("image/supervisord/global.conf")
	testenv.Write(t, global, strings.Replace(testenv.Read(t, global), "chmod =", "username = me\npassword = %(ENV_PASSWORD)s\nchmod =", 1), 0o644)
	for _, password := range []string{"a ;b", " a", "a\nb"} {
		c := rendered(t, tree, "PASSWORD="+password)
		if text := testenv.Read(t, render.SupervisorConf(c)); !strings.Contains(text, "\npassword = %(ENV_PASSWORD)s\n") {
			t.Errorf("%q:\n%s", password, text)
		}
	}
}

func TestDefaultSocket(t *testing.T) {
	for _, v := range config.Variables() {
		if v.Name != "IMAGE_SUPERVISOR_SOCKET" {
			continue
		}
		for _, file := range []string{"image/supervisord/global.conf", "etc/supervisord.conf"} {
			if text := testenv.Read(t, "../../files/"+file); !strings.Contains(text, "\nserverurl = unix://"+v.Default+"\n") {
				t.Errorf("%s does not name %s", file, v.Default)
			}
		}
	}
}
