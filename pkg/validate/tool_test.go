package validate_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ZPascal/container-manager/test/testenv"
)

// TestSupervisordSays makes mistakes that only supervisord's own parser knows.
func TestSupervisordSays(t *testing.T) {
	testenv.NotQuick(t)
	const conf = "image/supervisord/conf.d/hello.conf"
	for name, test := range map[string]struct{ options, want string }{
		"no mistake":       {"stdout_logfile = %(ENV_STORAGE_LOGS_DIR)s/hello.log\n", ""}, // whose directory a start makes
		"a signal":         {"stopsignal = BYE\n", "error: " + conf + ":3: supervisord says of [program:hello]: value 'BYE' is not a valid signal name"},
		"a user":           {"autostart = true\nuser = nobody-here\n", "open: " + conf + ":4: supervisord says of [program:hello]: Invalid user name nobody-here"},
		"an environment":   {`environment = A="%(ENV_HELLO_TOKEN)s",B` + "\n", "error: " + conf + ":1: supervisord says of [program:hello]: Unexpected end of key/value pairs"},
		"another section":  {"[fcgi-program:hi]\ncommand = /bin/true\n", "error: " + conf + ":3: supervisord says: [fcgi-program:hi] section requires a \"socket\" line"},
		"an interface":     {"[rpcinterface:hi]\nsupervisor.rpcinterface_factory = hi.there:make\n", "error: " + conf + ":3: supervisord says: hi.there:make cannot be resolved within [rpcinterface:hi]"},
		"a secret's value": {"stopsignal = %(ENV_HELLO_TOKEN)s\n", "error: " + conf + ":1: supervisord says of [program:hello]: value '*****' is not a valid signal name"},
	} {
		t.Run(name, func(t *testing.T) {
			tree := testenv.NewTree(t)
			testenv.Write(t, tree.Path(conf), "[program:hello]\ncommand = /bin/sleep 1000\n"+test.options, 0o644)
			says(t, tree, test.want, "HELLO_TOKEN=s3cret")
		})
	}
}

// says wants one finding, or none.
func says(t *testing.T, tree testenv.Tree, want string, environ ...string) {
	t.Helper()
	lines := slices.DeleteFunc(all(t, tree, environ...), func(line string) bool { return strings.HasPrefix(line, "info: ") })
	if got := strings.Join(lines, "\n"); (want == "") != (got == "") || !strings.HasPrefix(got, want) || len(lines) > 1 {
		t.Errorf("found\n%s\nwant\n%s", got, want)
	}
}

func TestFilebeatSays(t *testing.T) {
	path := "PATH=" + testenv.ProgramsWithFilebeat(t) + ":" + os.Getenv("PATH")
	const file = "image/logging/filebeat-output.yml"
	for text, want := range map[string]string{
		"output.redis: {hosts: [localhost]}\n":                                    "",
		"output.redis: {hosts: [localhost], datatype: stack, password: s3cret}\n": "error: " + file + ": filebeat says: error initializing publisher: redis data type stack not supported accessing 'output.redis'",
		"output.rediss: {hosts: [localhost]}\n":                                   "error: " + file + ": filebeat says: error initializing publisher: output type rediss undefined",
		"output.redis: {hosts: [a], ssl: {certificate_authorities: [/no/ca]}}\n":  "open: " + file + ": filebeat says: error initializing publisher: 1 error: open /no/ca: no such file or directory",
	} {
		tree := testenv.NewTree(t)
		testenv.Write(t, tree.Path(file), text, 0o644)
		says(t, tree, want, path)
	}
}

// TestProgramThatCannotCheck has a supervisord that cannot run, which is no word about
// its configuration.
func TestProgramThatCannotCheck(t *testing.T) {
	tree, bin := testenv.NewTree(t), t.TempDir()
	testenv.Write(t, filepath.Join(bin, "supervisord"), "#!"+bin+"/python3\n", 0o755)
	testenv.Script(t, filepath.Join(bin, "python3"), "kill -9 $$\n")
	says(t, tree, "warning: "+bin+"/python3 could not check its configuration: signal: killed", "PATH="+bin)
}

// TestProgramThatHangs has one that would never say anything.
func TestProgramThatHangs(t *testing.T) {
	tree, bin := testenv.NewTree(t), t.TempDir()
	testenv.Write(t, filepath.Join(bin, "supervisord"), "#!"+bin+"/python3\n", 0o755)
	testenv.Script(t, filepath.Join(bin, "python3"), "exec /bin/sleep 1000\n")
	want := "warning: " + bin + "/python3 could not check its configuration: it has not come to an end within 10ms"
	if got := allWithin(t, 10*time.Millisecond, tree, "PATH="+bin)[0]; got != want {
		t.Errorf("found\n%s\nwant\n%s", got, want)
	}
}

// TestNothingIsAskedInVain has mistakes already, which supervisord would only repeat.
func TestNothingIsAskedInVain(t *testing.T) {
	tree, bin := testenv.NewTree(t), t.TempDir()
	testenv.Write(t, filepath.Join(bin, "supervisord"), "#!"+bin+"/python3\n", 0o755)
	testenv.Script(t, filepath.Join(bin, "python3"), "echo never; exit 1\n")
	testenv.Write(t, tree.Path("image/supervisord/conf.d/hello.conf"), "[program:hello]\ncommand = %(ENV_HELLO)s\n", 0o644)
	says(t, tree, "open: image/supervisord/conf.d/hello.conf:2: ", "PATH="+bin)
}
