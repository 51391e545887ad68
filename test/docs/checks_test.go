package docs

import (
	"encoding/json"
	"io"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/cron"
	"github.com/ZPascal/container-manager/pkg/validate"
	"github.com/ZPascal/container-manager/test/testenv"
)

// checks are the readers of blocks that are no commands, by their shapes.
var checks = map[string]func(t *testing.T, b block){
	"conf.d":     inTree("supervisord/conf.d/page.conf"),
	"global":     inTree("supervisord/global.conf"),
	"logrotate":  inTree("logging/logrotate.d/page.conf"),
	"filebeat":   inTree("logging/filebeat.d/page.yml"),
	"output.yml": checkYAML,
	"template":   inTree("templates/page"),
	"script":     checkScript,
	"crontab":    checkCrontab,
	"dockerfile": checkDockerfile,
	"variables":  checkVariables,
	"json":       checkJSON,
	"yaml":       checkYAML,
}

// inTree puts a block into a tree, and wants that validate finds no error in it. Of
// variables that only an image has it says that they are open.
func inTree(file string) func(t *testing.T, b block) {
	return func(t *testing.T, b block) {
		t.Helper()
		tree := testenv.NewTree(t)
		path := tree.Path("image", file)
		testenv.Write(t, path, b.text, 0o644)
		testenv.SetEnviron(t, tree.Environ("LOGGING_REDIS_HOST=redis", "APP_NEEDS=")...)
		c, err := config.Load()
		if err != nil {
			t.Fatal(err)
		}
		found, err := validate.Image(c, validate.Options{Elsewhere: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			if strings.Contains(f.Text, filepath.Base(file)) && (f.Level == validate.Error || f.Level == validate.Warning) {
				t.Errorf("%s: %s: %s", b, f.Level, f.Text)
			}
		}
	}
}

// checkScript asks the interpreter whether it understands a script, without running it.
func checkScript(t *testing.T, b block) {
	t.Helper()
	cmd := exec.Command("sh", "-n")
	if strings.HasPrefix(b.text, "#!/usr/bin/python3") {
		cmd = exec.Command("python3", "-c", "import sys; compile(sys.stdin.read(), 'page', 'exec')")
	}
	cmd.Stdin = strings.NewReader(b.text)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", b, err, out)
	}
}

func checkCrontab(t *testing.T, b block) {
	t.Helper()
	if table, err := cron.Parse(strings.NewReader(b.text), b.String()); err != nil || len(table) == 0 {
		t.Errorf("%s: %d jobs: %v", b, len(table), err)
	}
}

var instruction = regexp.MustCompile(`^(#.*|(FROM|COPY|RUN|ENV|ADD|USER|HEALTHCHECK|ARG) \S.*|[ ]+\S.*|)$`)

func checkDockerfile(t *testing.T, b block) {
	t.Helper()
	for line := range strings.Lines(b.text) {
		if line = strings.TrimSuffix(line, "\n"); !instruction.MatchString(line) {
			t.Errorf("%s: %q is no instruction of a Dockerfile", b, line)
		}
	}
}

// checkVariables wants names that exist, with values that a start takes.
func checkVariables(t *testing.T, b block) {
	t.Helper()
	for line := range strings.Lines(b.text) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		testenv.SetEnviron(t, testenv.NewTree(t).Environ(name+"="+strings.Trim(value, `"`))...)
		if _, err := config.Load(); err != nil {
			t.Errorf("%s: %v", b, err)
		}
		if !known(name) {
			t.Errorf("%s: %s is no variable of ours", b, name)
		}
	}
}

func known(name string) bool {
	_, ok := defaults()[name]
	return ok
}

func checkYAML(t *testing.T, b block) {
	t.Helper()
	var value map[string]any
	if err := yaml.Unmarshal([]byte(b.text), &value); err != nil {
		t.Errorf("%s: %v", b, err)
	}
}

func checkJSON(t *testing.T, b block) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(b.text))
	for {
		var value any
		if err := decoder.Decode(&value); err == io.EOF {
			return
		} else if err != nil {
			t.Errorf("%s: %v", b, err)
			return
		}
	}
}
