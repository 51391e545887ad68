package examples

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

// rootPassword has what addresses, YAML and shells would trip over.
const rootPassword = `r@:/"'\ %`

func newMongoDB(t *testing.T) *exampleTree {
	t.Helper()
	e := newExampleTree(t, "mongodb", "MONGODB_PORT="+exampleFreePort(t), "EXPORTER_PORT="+exampleFreePort(t),
		"MONGODB_ROOT_PASSWORD="+rootPassword, "MONGODB_EXPORTER_PASSWORD=e")
	if err := os.CopyFS(filepath.Join(e.dir, "bin"), os.DirFS(filepath.Join(examplesDir, "mongodb/stand-in"))); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestMongoDBExample(t *testing.T) {
	e := newMongoDB(t)
	out := e.mustSucceed(t, "setup/run.always") + e.mustSucceed(t, "setup/run.once")
	if !strings.Contains(out, "ran accounts.js") || !strings.Contains(out, "ran schema.js") || strings.Contains(out, rootPassword) {
		t.Errorf("the steps printed:\n%s", out)
	}
	for _, name := range []string{"tools.yml", "exporter.uri"} {
		if info, err := os.Stat(filepath.Join(e.vars["IMAGE_RUN_DIR"], "mongodb", name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s is not its user's alone: %v %v", name, info, err)
		}
	}
	data := filepath.Join(e.vars["STORAGE_DATA_DIR"], "mongodb")
	if info, err := os.Stat(data); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the data is not its user's alone: %v %v", info, err)
	}

	stop := e.start(t, "mongodb")
	e.start(t, "exporter")
	metrics := "http://127.0.0.1:" + e.vars["EXPORTER_PORT"] + "/metrics"
	testenv.WaitFor(t, "mongodb_up 1", func() bool {
		_, body := exampleGet(t, metrics)
		return strings.Contains(body, "mongodb_up 1\n")
	})
	e.probes(t, "readiness.probes.d", "probe http --body mongodb_up "+metrics, "probe tcp 127.0.0.1:"+e.vars["MONGODB_PORT"])

	// A backup of the running server, a restore without one.
	statements := readExample(t, data, "statements.json")
	staging := t.TempDir()
	e.mustSucceed(t, "backup/scripts", "-i", staging)
	stop()
	wantAnswer(t, metrics, http.StatusOK, "mongodb_up 0\n")
	if err := os.Remove(filepath.Join(data, "statements.json")); err != nil {
		t.Fatal(err)
	}
	e.mustSucceed(t, "restore/scripts", "-i", staging)
	if got := readExample(t, data, "statements.json"); got != statements || !strings.Contains(got, "createUser") {
		t.Errorf("restored %s, want %s", got, statements)
	}
	if out := e.mustSucceed(t, "restore/scripts", "-i", t.TempDir()); !strings.Contains(out, "the backup holds no dump of MongoDB") {
		t.Errorf("a backup without a dump: %s", out)
	}
}

func TestMongoDBExampleRefusesToStartHalf(t *testing.T) {
	const step = "setup/run.always/05-configure-mongodb-environment.py"
	e := newMongoDB(t)
	e.mustSucceed(t, "setup/run.always")
	e.vars["MONGODB_PORT"] = "1;2"
	e.mustFail(t, step, `MONGODB_PORT="1;2": expected the number of a port`)
	delete(e.vars, "MONGODB_ROOT_PASSWORD")
	e.mustFail(t, step, "MONGODB_ROOT_PASSWORD is not set; FILE__MONGODB_ROOT_PASSWORD can name a file that holds it")

	// No mongod.conf: the server does not start, and the step says where to look.
	e.vars["MONGODB_PORT"] = exampleFreePort(t)
	e.mustFail(t, "setup/run.once/04-create-accounts.py", filepath.Join(e.vars["STORAGE_LOGS_DIR"], "mongodb-setup.log")+" says why")
}

// Probes of old restart their program by themselves.
func TestMongoDBExampleProbeRestarts(t *testing.T) {
	const probe = "health/liveness.probes.d/check-mongodb.py"
	e := newMongoDB(t)
	e.mustFail(t, probe, "mongodb does not run;")
	if calls := e.calls(t); !strings.HasPrefix(calls, "restart ") || !strings.HasSuffix(calls, " mongodb") {
		t.Errorf("the probe asked for %q, want a restart of mongodb", calls)
	}
	e.write(t, "supervisor.mongodb.state", "RUNNING", 0o644)
	if out := e.mustSucceed(t, "health/liveness.probes.d"); !strings.Contains(out, "mongodb runs;") {
		t.Errorf("the probe says %q", out)
	}
	if calls := e.calls(t); calls != "" {
		t.Errorf("a healthy program: the probe asked for %q", calls)
	}
}

func TestRedisExample(t *testing.T) {
	const step, probe = "setup/run.always/05-configure-redis-environment.sh", "health/readiness.probes.d/check-redis.sh"
	e := newExampleTree(t, "redis", "REDIS_PORT="+exampleFreePort(t), "REDIS_ADDRESS=127.0.0.1")
	e.mustFail(t, step, "REDIS_PASSWORD is not set; FILE__REDIS_PASSWORD can name a file that holds it")
	e.vars["REDIS_PASSWORD"] = rootPassword
	e.mustSucceed(t, "setup/run.always")
	e.mustSucceed(t, "setup/run.once")
	e.mustFail(t, probe, "Connection refused")
	e.start(t, "redis")
	testenv.WaitFor(t, "redis", func() bool {
		_, err := e.run(t, filepath.Join(e.dir, "image", probe))
		return err == nil
	})
	e.vars["REDIS_PASSWORD"] = "another"
	e.mustFail(t, probe, "WRONGPASS")
}
