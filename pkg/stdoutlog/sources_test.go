package stdoutlog

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/render"
	"github.com/ZPascal/container-manager/pkg/setup"
	"github.com/ZPascal/container-manager/pkg/supervisorconf"
	"github.com/ZPascal/container-manager/test/testenv"
)

// started is what a start has done by the time when it records the ends of logs.
func started(t *testing.T, files map[string]string) (config.Config, *supervisorconf.Conf) {
	t.Helper()
	tree := testenv.NewTree(t)
	for name, text := range files {
		testenv.Write(t, tree.Path(name), text, 0o644)
	}
	testenv.SetEnviron(t, tree.Environ("IMAGE_LOG_STDOUT=yes", "APP_LOG=special")...)
	c, err := config.Load()
	if err == nil {
		err = setup.CreateStorageDirs(c)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"logging", "supervisord"} {
		testenv.Mkdir(t, c.RunDir+"/"+dir)
	}
	rendered, err := render.All(c)
	if err != nil {
		t.Fatal(err)
	}
	return c, rendered.Supervisord
}

func TestSources(t *testing.T) {
	c, conf := started(t, map[string]string{"image/supervisord/conf.d/app.conf": `[program:app]
command = app
stdout_logfile = %(ENV_SUPERVISOR_LOGS_DIR)s/%(ENV_APP_LOG)s.log
stderr_logfile = %(ENV_SUPERVISOR_LOGS_DIR)s/%(ENV_APP_LOG)s.log
[program:many]
command = many
numprocs = 2
process_name = %(program_name)s_%(process_num)d
redirect_stderr = true
stdout_logfile = %(ENV_SUPERVISOR_LOGS_DIR)s/many.log
[program:silent]
command = silent
stdout_logfile = NONE
stderr_logfile = /dev/null
[program:unnamed]
command = unnamed
stdout_logfile = NONE
`})
	all := Sources(conf)
	var got []string
	for _, s := range all {
		got = append(got, fmt.Sprintf("%s %s %s", s.Program, s.Stream, strings.TrimPrefix(s.Path, c.SupervisorLogs+"/")))
	}
	want := `supervisord stdout supervisord.log
health stderr health_stderr.log
crond stdout crond.log
filebeat stdout filebeat.log
filebeat stderr ` + c.LogsDir + `/filebeat.log
app stdout special.log
many_0,many_1 stdout many.log
unnamed stderr unnamed-stderr---supervisor-*.log`
	if strings.Join(got, "\n") != want {
		t.Errorf("sources are\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}

	testenv.Write(t, c.SupervisorLogs+"/special.log", "of a former life\n", 0o644)
	if err := Begin(c, conf); err != nil {
		t.Fatal(err)
	}
	records, known, err := readRecords(PositionsPath(c))
	if err != nil || !known || len(records) != len(all)-1 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	if r := records[c.SupervisorLogs+"/special.log"]; r.offset != 17 || r.inode != testenv.Inode(t, r.path) || r.at.IsZero() {
		t.Errorf("record %+v", r)
	}
	if r := records[c.SupervisorLogs+"/crond.log"]; r.inode != 0 {
		t.Errorf("record %+v of no file", r)
	}
	if mode := testenv.Mode(t, PositionsPath(c)); mode != 0o600 {
		t.Errorf("the positions have mode %v", mode)
	}

	testenv.Write(t, c.SupervisorLogs+"/unnamed-stderr---supervisor-abc.log", "", 0o644)
	for _, s := range resolve(all) {
		if s.Program == "unnamed" && !strings.HasSuffix(s.Path, "-abc.log") {
			t.Errorf("resolved to %s", s.Path)
		}
	}
}

func TestRecords(t *testing.T) {
	path := t.TempDir() + "/positions"
	if _, known, err := readRecords(path); known || err != nil {
		t.Errorf("without the file: %v, %v", known, err)
	}
	odd := record{path: "/a \"b\"\nc", inode: 1<<64 - 1, offset: 1<<63 - 1}
	long := record{path: "/" + strings.Repeat("x", recordSize), inode: 1}
	p, err := openPositions(path, []record{odd, long, {path: "/c"}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.f.Close()
	if err := p.set(2, record{path: "/c", inode: 7, offset: 8}); err != nil {
		t.Fatal(err)
	}
	records, known, err := readRecords(path)
	if err != nil || !known || len(records) != 2 {
		t.Fatalf("%+v, %v", records, err)
	}
	if r := records[odd.path]; r.inode != odd.inode || r.offset != odd.offset {
		t.Errorf("got %+v, want %+v", r, odd)
	}
	if r := records["/c"]; r.inode != 7 || r.offset != 8 || r.at.IsZero() {
		t.Errorf("got %+v", r)
	}
	if info, err := os.Stat(path); err != nil || info.Size() != 3*recordSize {
		t.Errorf("the file has %d bytes, %v", info.Size(), err)
	}
	// What a kill has left torn, or somebody else wrote, is no record.
	testenv.Write(t, path, "1 2\n7 x 3 \"/a\"\n\x00\n", 0o600)
	if records, _, err := readRecords(path); err != nil || len(records) != 0 {
		t.Errorf("%+v, %v", records, err)
	}
}
