package supervisor

import (
	"path/filepath"
	"testing"

	"github.com/abrander/go-supervisord"

	"github.com/ZPascal/container-manager/pkg/supervisorconf"
	"github.com/ZPascal/container-manager/test/testenv"
)

func noEnv(string) (string, bool) { return "", false }

func TestFromConfig(t *testing.T) {
	path := filepath.Join(testenv.Dir(t), "global.conf")
	testenv.Write(t, path, "[unix_http_server]\nfile = /tmp/x.sock\nusername = me\npassword = x\n[program:a]\nautostart = no\nstartsecs = 7\n", 0o644)
	c, err := FromConfig(path, noEnv)
	must(t, err)
	if want := (supervisorconf.Server{Network: "unix", Address: "/tmp/x.sock", Username: "me", Password: "x"}); c.server != want {
		t.Errorf("the server is %+v", c.server)
	}
	configured := c.Configured()
	if p := configured(supervisord.ProcessInfo{Name: "a", Group: "a"}); p.Autostart || p.StartSecs != 7 || p.StopWaitSecs != 10 {
		t.Errorf("configured is %+v", p)
	}
	if p := configured(supervisord.ProcessInfo{Name: "b", Group: "b"}); p.Autostart || p.StartSecs != 1 || p.StopWaitSecs != 10 {
		t.Errorf("an unknown process is %+v", p)
	}
	testenv.Write(t, path, "[supervisord]\n", 0o644)
	_, err = FromConfig(path, noEnv)
	mustFail(t, err, path+" has neither [unix_http_server] nor [inet_http_server]: supervisord cannot be asked")
	_, err = FromConfig(path+".none", noEnv)
	mustFail(t, err, "cannot find supervisord: open "+path+".none: no such file or directory (has the container started?)")
}
