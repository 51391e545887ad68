package shipping

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/internal/redistest"
	"github.com/ZPascal/container-manager/test/testenv"
)

// accepts has filebeat judge a container's configuration.
func accepts(c *container) (ok bool, said string) {
	c.t.Helper()
	l := c.Run(append([]string{"filebeat", "test", "config"}, c.conf()...)...)
	status := l.End()
	return status == 0, l.Output.String()
}

func TestExamplesOfOutputs(t *testing.T) {
	t.Parallel()
	needed := map[string][]string{
		"elasticsearch": {"ELASTICSEARCH_URL=https://127.0.0.1:9200"},
		"kafka":         {"KAFKA_HOST=127.0.0.1:9092"},
		"logstash":      {"LOGSTASH_HOST=127.0.0.1:5044"},
		"loki":          {"VECTOR_HOST=127.0.0.1:5044"},
	}
	examples, err := filepath.Glob("../../../examples/outputs/*.yml")
	if err != nil || len(examples) != len(needed) {
		t.Fatalf("%v, examples %q, want %d", err, examples, len(needed))
	}
	for _, path := range examples {
		name := strings.TrimSuffix(filepath.Base(path), ".yml")
		ca := redistest.New(t, redistest.Options{TLS: true}).CAFile
		upper, _, _ := strings.Cut(needed[name][0], "_")
		for _, environ := range [][]string{
			needed[name],
			append(needed[name], upper+"_TLS=true", upper+"_CA_FILE="+ca, upper+"_USER=x", upper+"_PASSWORD=p'w,{$}"),
		} {
			c := newContainer(t, 0, map[string]string{"logging/filebeat-output.yml": testenv.Read(t, path)}, environ...)
			if ok, said := accepts(c); !ok || !strings.Contains(said, "Config OK") {
				t.Errorf("%s with %q: filebeat says\n%s", path, environ, said)
			}
		}
		c := newContainer(t, 0, map[string]string{"logging/filebeat-output.yml": testenv.Read(t, path)}, append(needed[name], upper+"_CA_FILE=/none", upper+"_TLS=true")...)
		if ok, said := accepts(c); ok || !strings.Contains(said, "/none") {
			t.Errorf("%s with a file that is not there: filebeat says\n%s", path, said)
		}
	}
}

// filebeat runs where an image says itself where to ship to, without any variable.
func TestOutputOfAnImage(t *testing.T) {
	t.Parallel()
	const output = "output.file:\n  path: \"${STORAGE_DATA_DIR}\"\n  filename: shipped\nlogging.level: error\n"
	c := newContainer(t, 0, map[string]string{"logging/filebeat-output.yml": output, "supervisord/conf.d/app.conf": says}, "STORAGE_LINE=hello")
	l := c.Start()
	l.Says("filebeat ships logs where " + c.Path("image/logging/filebeat-output.yml") + " says")
	testenv.WaitFor(t, "a line in the file", func() bool {
		files, _ := filepath.Glob(c.Path("storage/data/shipped*"))
		return len(files) == 1 && strings.Contains(testenv.Read(t, files[0]), `"message":"app: hello"`)
	})
}

// What filebeat does not accept keeps nobody but filebeat from running, and the
// start says so.
func TestOutputThatFilebeatRefuses(t *testing.T) {
	t.Parallel()
	// However long filebeat takes to find out, supervisord shall call it failed.
	conf := testenv.Read(t, "../../../files/image/supervisord/conf.d/01-filebeat.conf") + "startsecs = 1000\nstartretries = 0\n"
	c := newContainer(t, 0, map[string]string{
		"logging/filebeat-output.yml":         "output.nonsense:\n  hosts: [x]\n",
		"supervisord/conf.d/01-filebeat.conf": conf, "supervisord/conf.d/app.conf": says,
	}, "STORAGE_LINE=hello")
	l := c.Run()
	l.Says("not up: filebeat")
	if said := c.filebeatLog(); !strings.Contains(said, "output type nonsense undefined") {
		t.Errorf("filebeat says\n%s", said)
	}
	if said := testenv.Read(t, c.Path("storage/logs/supervisor/app.log")); said != "app: hello\n" {
		t.Errorf("the app says %q", said)
	}
}
