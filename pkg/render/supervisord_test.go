package render_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/render"
	"github.com/ZPascal/container-manager/test/testenv"
)

// process is what supervisord makes of a section.
type process struct {
	Command    string
	Autostart  bool
	BufferSize int
	Stdout     string
}

// supervisord reads the rendered configuration as supervisord does, and returns
// its processes by GROUP:NAME, or what supervisord says against it.
func supervisord(t *testing.T, c config.Config) (processes map[string]process, complaint string) {
	t.Helper()
	testenv.NotQuick(t)
	const script = `
import json, sys
from supervisor.options import ServerOptions
options = ServerOptions()
options.realize(["-n", "-c", sys.argv[1]], doc="")
json.dump({
    group.name + ":" + p.name: {
        "command": p.command, "autostart": p.autostart, "buffersize": getattr(group, "buffer_size", 0), "stdout": str(p.stdout_logfile),
    } for group in options.process_group_configs for p in group.process_configs}, sys.stdout)
`
	cmd := exec.CommandContext(t.Context(), "/usr/bin/python3", "-W", "ignore", "-c", script, render.SupervisorConf(c))
	cmd.Env = c.Environ
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, stderr.String()
	}
	if err := json.Unmarshal(out, &processes); err != nil {
		t.Fatal(err)
	}
	return processes, ""
}

// accepted renders, and fails unless supervisord takes the result.
func accepted(t *testing.T, tree testenv.Tree, extra ...string) map[string]process {
	t.Helper()
	processes, complaint := supervisord(t, rendered(t, tree, extra...))
	if complaint != "" {
		t.Fatal(complaint)
	}
	return processes
}

func TestShippedSupervisord(t *testing.T) {
	for _, test := range []struct {
		environ         []string
		output          string // filebeat-output.yml
		crond, filebeat bool
	}{
		{nil, "", true, false},
		{[]string{"IMAGE_CRON_ENABLED=no", "LOGGING_REDIS_HOST=redis"}, "", false, true},
		{nil, "output.console: {}\n", true, true},
	} {
		tree := testenv.NewTree(t)
		withPrograms(t, tree, "filebeat")
		if test.output != "" {
			testenv.Write(t, tree.Path("image/logging/filebeat-output.yml"), test.output, 0o644)
		}
		got := accepted(t, tree, test.environ...)
		if len(got) != 3 || got["crond:crond"].Autostart != test.crond || got["filebeat:filebeat"].Autostart != test.filebeat {
			t.Errorf("%q: got %+v, want autostart of crond %v, of filebeat %v", test.environ, got, test.crond, test.filebeat)
		}
		if health := got["health:health"]; !health.Autostart || health.BufferSize != 1024 {
			t.Errorf("event listener: %+v", health)
		}
		dir := "image" // nothing is rendered for a filebeat that does not run
		if test.filebeat {
			dir = "run"
		}
		if want := `filebeat -e -c "` + tree.Path(dir, "logging/filebeat-global.yml") + `"`; got["filebeat:filebeat"].Command != want {
			t.Errorf("filebeat's command is %q, want %q", got["filebeat:filebeat"].Command, want)
		}
	}
}

func TestChildForSupervisord(t *testing.T) {
	tree := child(t)
	withPrograms(t, tree, "filebeat")
	got := accepted(t, tree, childEnviron...)
	if len(got) != 306 {
		t.Errorf("%d processes, want 306", len(got))
	}
	for name, command := range map[string]string{
		"crond:crond":       tree.Path("image/cron/cron.py") + " -c " + tree.Path("image/cron/kubernetes"),
		"filebeat:filebeat": "filebeat -c " + tree.Path("run/logging/filebeat-global.yml") + " --path.home /usr/share/filebeat",
		"all:app":           `/opt/app/strict/app --name "app" --colour #ff0000` + "\n--log " + tree.Path("storage/logs/app.log"),
		"all:worker_299":    "/opt/app/worker 299",
		"other:other":       "logrotate -d " + tree.Path("run/logging/logrotate-global.conf"),
		"health:health":     tree.Path("image/supervisord/eventlistener.py") + " " + tree.Path("tmp") + " " + tree.Path("tmp"),
	} {
		if got[name].Command != command || !got[name].Autostart {
			t.Errorf("%s: %+v, want %q, started", name, got[name], command)
		}
	}
}

func TestEventBuffer(t *testing.T) {
	const listener = "[eventlistener:mine]\ncommand=x\nevents=PROCESS_STATE\n"
	many := strings.Builder{}
	for i := range 500 {
		fmt.Fprintf(&many, "[program:p%d]\ncommand=sleep 1000\n", i)
	}
	for name, test := range map[string]struct {
		conf string
		want int
	}{
		"few programs":      {listener, 1024},
		"500 programs":      {listener + many.String(), 4 * (500 + 4)}, // and what is shipped
		"numprocs":          {listener + "[program:n]\ncommand=x\nprocess_name=n%(process_num)d\nnumprocs=1000\n", 4 * (1000 + 4)},
		"too small":         {listener + "buffer_size=1000\n", 1024},
		"large enough":      {listener + "buffer_size=5000\n", 5000},
		"from a variable":   {listener + "buffer_size=%(ENV_SIZE)s\n", 9000},
		"numprocs from one": {listener + "[program:n]\ncommand=x\nprocess_name=n%(process_num)d\nnumprocs=%(ENV_N)s\n", 4 * (500 + 4)},
		"fast CGI programs": {listener + "[fcgi-program:f]\ncommand=x\nsocket=tcp://localhost:9\nprocess_name=n%(process_num)d\nnumprocs=996\n", 4000},
	} {
		t.Run(name, func(t *testing.T) {
			tree := testenv.NewTree(t)
			testenv.Write(t, tree.Path("image/supervisord/conf.d/x.conf"), test.conf, 0o644)
			if got := accepted(t, tree, "SIZE=9000", "N=500")["mine:mine"].BufferSize; got != test.want {
				t.Errorf("buffer_size %d, want %d", got, test.want)
			}
		})
	}
}

// Where supervisord would end, the error says which line it is; what it takes is
// none.
func TestSupervisordProblems(t *testing.T) {
	const unset = ` is not set: set it, empty if need be (ENV %s="" in the Dockerfile)`
	for name, test := range map[string]struct{ conf, want string }{
		"unset":                  {"[program:x]\ncommand=run %(ENV_NONE)s\n", "2: command: the environment variable NONE" + fmt.Sprintf(unset, "NONE")},
		"unset further down":     {"; head\n\n[program:x]\ncommand=run\n  -a\n  %(ENV_A_1)s\n", "6: command: the environment variable A_1" + fmt.Sprintf(unset, "A_1")},
		"unset, odd":             {"[program:x]\ncommand=%(ENV_)s\n", "2: command: the environment variable " + fmt.Sprintf(unset, "")},
		"in an environment":      {"[program:x]\ncommand=x\nenvironment=A=\"%(ENV_NONE)s\"\n", "3: environment: the environment variable NONE" + fmt.Sprintf(unset, "NONE")},
		"in another program":     {"[program:x]\ncommand=x\nenvironment=A=\"1\"\n[program:y]\ncommand=%(ENV_A)s\n", "5: command: the environment variable A" + fmt.Sprintf(unset, "A")},
		"a single percent":       {"[program:x]\ncommand=date +%F\n", "2: command: a single % must be written %%"},
		"percent at the end":     {"[program:x]\ncommand=x 100%\n", "2: command: a single % must be written %%"},
		"an odd number":          {"[program:x]\ncommand=x %%%\n", "2: command: a single % must be written %%"},
		"unclosed":               {"[program:x]\ncommand=x %(ENV_HOME\n", "2: command: %(ENV_HOME is not closed"},
		"no ENV_":                {"[program:x]\ncommand=x %(STORAGE_DATA_DIR)s\n", "2: command: %(STORAGE_DATA_DIR)s is no name that supervisord knows: write %(ENV_STORAGE_DATA_DIR)s for an environment variable"},
		"no log directory":       {"[program:x]\ncommand=x\nstdout_logfile=/none/x.log\n", "3: stdout_logfile: the directory /none does not exist: create it in a run.always step"},
		"log below a file":       {"[program:x]\ncommand=x\nstderr_logfile=%(ENV_A_FILE)s/x.log\n", "3: stderr_logfile: the directory /etc/passwd does not exist: create it in a run.always step"},
		"no directory of logs":   {"[program:x]\ncommand=x\n[supervisord]\nchildlogdir=/none\n", "4: childlogdir: the directory /none does not exist: create it in a run.always step"},
		"no place for the pid":   {"[program:x]\ncommand=x\n[supervisord]\npidfile=/none/pid\n", "4: pidfile: the directory /none does not exist: create it in a run.always step"},
		"without its s":          {"[program:x]\ncommand=x %(ENV_EMPTY)/y\n", "2: command: %(ENV_EMPTY) must be followed by an s: %(ENV_EMPTY)s"},
		"without its s, at end":  {"[program:x]\ncommand=x %(ENV_EMPTY)\n", "2: command: %(ENV_EMPTY) must be followed by an s: %(ENV_EMPTY)s"},
		"a name as a number":     {"[program:x]\ncommand=x %(program_name)d\n", "2: command: %(program_name) must be followed by an s: %(program_name)s"},
		"within quotes":          {"[program:x]\ncommand=x %(ENV_B)s\nenvironment=A=\"x,B=1\"\n", "2: command: the environment variable B" + fmt.Sprintf(unset, "B")},
		"a log expanded twice":   {"[program:x]\ncommand=x\nstdout_logfile=/tmp/50%%.log\n", "3: stdout_logfile: supervisord cannot write to a file with a % in its path (/tmp/50%.log): choose another"},
		"a log of a percent":     {"[program:x]\ncommand=x\nstdout_logfile=/tmp/%(ENV_HALF)s.log\n", "3: stdout_logfile: supervisord cannot write to a file with a % in its path (/tmp/50%.log): choose another"},
		"its own, with blanks":   {"[program:x]\ncommand=x %(ENV_A)s %(ENV_B)s %(ENV_C)s\nenvironment = A = \"x\" , B= '=', C =z\n", ""},
		"unknown options":        {"[program:x]\ncommand=x\nnote=50% of %(ENV_NONE)s %(it)\n[group:g]\nprograms=x\nnote=%\n[supervisorctl]\nprompt=100%\n[ctlplugin:x]\na=%\n", ""},
		"numbers":                {"[program:x]\ncommand=x %(process_num)d %(numprocs)03x %(process_num)5.1f %(program_name)-10s\n", ""},
		"in a group":             {"[program:x]\ncommand=x\n[group:g]\nprograms=%(ENV_NONE)s\n", "4: programs: the environment variable NONE" + fmt.Sprintf(unset, "NONE")},
		"set":                    {"[program:x]\ncommand=%(ENV_A_FILE)s %(ENV_EMPTY)s%(here)s %(host_node_name)s %(program_name)s %(group_name)s %(process_num)02d %(numprocs)d\n", ""},
		"doubled percent":        {"[program:x]\ncommand=date +%%F 100%%\n", ""},
		"a percent in the value": {"[program:x]\ncommand=%(ENV_PERCENT)s\n", ""},
		"its own environment":    {"[program:x]\ncommand=x %(ENV_OWN)s\nenvironment=OTHER=\"2\",OWN=\"1\"\n", ""},
		"in a comment":           {"[program:x]\ncommand=x ; %(ENV_NONE)s 100%\n; %(ENV_NONE)s\n#%\n", ""},
		"nobody's section":       {"[program:x]\ncommand=x\n[mine]\na=100% %(ENV_NONE)s\n", ""},
		"not a file":             {"[program:x]\ncommand=x\nstdout_logfile=NONE\nstderr_logfile=AUTO\n", ""},
		"standard output":        {"[program:x]\ncommand=x\nstdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\n", ""},
		"a name in the log":      {"[program:x]\ncommand=x\nstdout_logfile=%(ENV_STORAGE_LOGS_DIR)s/%(program_name)s.log\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			environ := []string{"HALF=50%", "A_FILE=/etc/passwd", "EMPTY=", "PERCENT=50% %(ENV_NONE)s %"}
			tree := testenv.NewTree(t)
			testenv.Write(t, tree.Path("image/supervisord/conf.d/x.conf"), test.conf, 0o644)
			if test.want == "" {
				accepted(t, tree, environ...)
				return
			}
			got := problems(t, tree, environ...)
			if want := "image/supervisord/conf.d/x.conf:" + test.want; len(got) != 1 || got[0] != want {
				t.Errorf("problems %q, want %q", got, want)
			}
		})
	}
}

func TestGlobalConf(t *testing.T) {
	const mine = "[program:x]\ncommand=%(ENV_FROM_GLOBAL)s\n"
	const basic = "[supervisord]\nenvironment=FROM_GLOBAL=\"1\"\nlogfile=NONE\n"
	for name, test := range map[string]struct{ conf, has, lacks string }{
		"least":               {basic, "[unix_http_server]\nfile = SOCKET\nchmod = 0700\n[supervisorctl]\nserverurl = unix://SOCKET\n[rpcinterface:supervisor]\n", "[inet_http_server]"},
		"with a socket":       {basic + "[unix_http_server]\nfile=/tmp/mine.sock\n", "[rpcinterface:supervisor]\n", "file = SOCKET"},
		"with a port":         {basic + "[inet_http_server]\nport=127.0.0.1:9001\nusername=x\npassword={SHA}x\n", "[unix_http_server]\nfile = SOCKET\n", ""},
		"with its clients":    {basic + "[supervisorctl]\nserverurl=http://x\n", "file = SOCKET", "serverurl = unix"},
		"with an interface":   {basic + "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n", "file = SOCKET", "serverurl = unix://SOCKET\n[rpcinterface:supervisor]"},
		"includes elsewhere":  {basic + "[include]\nfiles=/etc/none/*.conf\n", "[include]\nfiles = conf.d/*.conf\n", "/etc/none"},
		"with a user":         {basic + "user=nobody\n", "user=nobody", "user = root"},
		"as root":             {basic, "[supervisord]\nuser = root\n", ""},
		"unknown to us":       {basic + "[ctlplugin:x]\nsupervisor.ctl_factory = x:y\n", "[ctlplugin:x]\n", ""},
		"without a last line": {strings.TrimSuffix(basic, "\n"), "\n[include]\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			tree := testenv.NewTree(t)
			testenv.Write(t, tree.Path("image/supervisord/global.conf"), test.conf, 0o644)
			testenv.Write(t, tree.Path("image/supervisord/conf.d/x.conf"), mine, 0o644)
			c := rendered(t, tree)
			processes, complaint := supervisord(t, c)
			if processes["x:x"].Command != "1" {
				t.Errorf("supervisord has %+v, says %q", processes, complaint)
			}
			paths := strings.NewReplacer("SOCKET", c.Socket)
			text := testenv.Read(t, render.SupervisorConf(c))
			if !strings.Contains(text, paths.Replace(test.has)) {
				t.Errorf("lacks %q:\n%s", test.has, text)
			}
			if test.lacks != "" && strings.Contains(text, paths.Replace(test.lacks)) {
				t.Errorf("has %q:\n%s", test.lacks, text)
			}
		})
	}
}

func TestGlobalConfAsAnotherUser(t *testing.T) {
	testenv.Isolated(t, func(t *testing.T, dir string) {
		tree := testenv.NewTreeAt(t, dir)
		testenv.Chown(t, dir, 500)
		testenv.Become(t, 500)
		if text := testenv.Read(t, render.SupervisorConf(rendered(t, tree))); strings.Contains(text, "user =") {
			t.Errorf("names a user:\n%s", text)
		}
	})
}

func TestMissingGlobalConf(t *testing.T) {
	tree := testenv.Tree{Root: testenv.Dir(t)}
	_, err := render.All(load(t, tree))
	want := "the configuration templates are invalid:\n  " + tree.Path("image/supervisord/global.conf") +
		" does not exist: IMAGE_SUPERVISOR_DIR, which follows IMAGE_BASE_DIR=" + tree.Path("image") + ", must name the directory of supervisord's templates"
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestFilebeatIsNotInstalled(t *testing.T) {
	tree := testenv.NewTree(t)
	conf := tree.Path("image/supervisord/conf.d/01-filebeat.conf")
	testenv.Write(t, conf, "[program:filebeat]\n\ncommand=%(ENV_BEAT)s -c x\n", 0o644)
	got := problems(t, tree, "LOGGING_REDIS_HOST=redis", "BEAT=/opt/none/filebeat")
	want := "image/supervisord/conf.d/01-filebeat.conf:3: LOGGING_REDIS_HOST is set, but %(ENV_BEAT)s is not installed: install filebeat, or unset the variable"
	if len(got) != 1 || strings.ReplaceAll(got[0], "/opt/none/filebeat", "%(ENV_BEAT)s") != want {
		t.Errorf("problems %q, want %q", got, want)
	}
	accepted(t, tree, "BEAT=/opt/none/filebeat") // nobody starts it
}

func TestMainProgram(t *testing.T) {
	tree := testenv.NewTree(t)
	testenv.Write(t, tree.Path("image/supervisord/conf.d/x.conf"), "[program:web]\ncommand=x\n[fcgi-program:fast]\ncommand=x\nsocket=tcp://localhost:9\n[group:both]\nprograms=web\n", 0o644)
	for name, ok := range map[string]bool{
		"": true, "web": true, "fast": true, "both": true, "both:web": true, "crond": true,
		"app": false, "health": false, "both/web": false, "program:web": false, "Web": false,
	} {
		_, err := render.All(load(t, tree, "IMAGE_MAIN_PROGRAM="+name))
		var invalid *config.Error
		program, _, _ := strings.Cut(name, ":")
		want := fmt.Sprintf("IMAGE_MAIN_PROGRAM=%q: there is no [program:%s] among supervisord's files in %s", name, program, tree.Path("image/supervisord"))
		if ok && err != nil || !ok && (!errors.As(err, &invalid) || len(invalid.Problems) != 1 || invalid.Problems[0] != want) {
			t.Errorf("%q: %v", name, err)
		}
	}
}
