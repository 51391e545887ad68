// Package examples tests the examples: what they are made of, their scripts one by
// one, and the images that they make.
package examples

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/ZPascal/container-manager/pkg/scriptdir"
)

const examplesDir = "../../examples"

// forEachExample runs a test for every example that is a child image.
func forEachExample(t *testing.T, test func(t *testing.T, name, dir string)) {
	t.Helper()
	images, err := filepath.Glob(filepath.Join(examplesDir, "*", "image"))
	if err != nil || len(images) == 0 {
		t.Fatalf("no example with an image directory below %s (%v)", examplesDir, err)
	}
	for _, image := range images {
		dir := filepath.Dir(image)
		name := filepath.Base(dir)
		t.Run(name, func(t *testing.T) { test(t, name, dir) })
	}
}

// exampleFiles returns the regular files of a directory tree.
func exampleFiles(t *testing.T, dir string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func readExample(t *testing.T, elem ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestExamplesAreChildImages(t *testing.T) {
	table := readExample(t, examplesDir, "README.md")
	from := regexp.MustCompile(`(?m)^FROM (\S+)`)
	forEachExample(t, func(t *testing.T, name, dir string) {
		dockerfile := readExample(t, dir, "Dockerfile")
		stages := from.FindAllStringSubmatch(dockerfile, -1)
		if len(stages) == 0 || stages[len(stages)-1][1] != "container-manager" {
			t.Errorf("the last stage is not FROM container-manager: %q", stages)
		}
		if !regexp.MustCompile(`(?m)^(ADD|COPY) (--\S+ )*image/ /image/$`).MatchString(dockerfile) {
			t.Error("the Dockerfile does not add image/ at /image/")
		}
		readme := readExample(t, dir, "README.md")
		if want := "docker build -t " + name + " examples/" + name; !strings.Contains(readme, want) {
			t.Errorf("README.md does not say %q", want)
		}
		for _, match := range regexp.MustCompile(`(?m)^(?:ENV|   ) ([A-Z_]+)=`).FindAllStringSubmatch(dockerfile, -1) {
			known := strings.HasPrefix(match[1], "IMAGE_") || strings.HasPrefix(match[1], "APP_")
			if !known && !strings.Contains(readme, match[1]) {
				t.Errorf("README.md does not explain %s", match[1])
			}
		}
		if !strings.Contains(table, "("+name+")") {
			t.Errorf("%s/README.md does not list %s", examplesDir, name)
		}
	})
}

func TestExampleScriptsCanRun(t *testing.T) {
	forEachExample(t, func(t *testing.T, _, dir string) {
		scripts := 0
		for _, pattern := range []string{"setup/run.*", "health/*.probes.d", "backup/scripts", "backup/post.d", "restore/scripts"} {
			dirs, err := filepath.Glob(filepath.Join(dir, "image", pattern))
			if err != nil {
				t.Fatal(err)
			}
			for _, scriptDir := range dirs {
				found, err := scriptdir.Find(scriptDir)
				if err != nil {
					t.Fatal(err)
				}
				for _, file := range found {
					scripts++
					if err := file.Check(); err != nil {
						t.Error(err)
					}
				}
			}
		}
		if scripts == 0 {
			t.Error("there is no step and no probe")
		}
	})
}

// Data that lies beside the steps is none of them, whatever its mode.
func TestExampleDataIsNoStep(t *testing.T) {
	data := 0
	for _, file := range exampleFiles(t, examplesDir) {
		if ext := filepath.Ext(file); ext != ".sql" && ext != ".js" {
			continue
		}
		data++
		found, err := scriptdir.Find(filepath.Dir(file))
		if err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(found, func(f scriptdir.File) bool { return f.Path == file }) {
			t.Errorf("%s would be run", file)
		}
	}
	if data < 3 {
		t.Errorf("found %d data files beside steps, expected that some examples have one", data)
	}
}

func TestExampleScriptsParse(t *testing.T) {
	// Python 3.8 is the oldest that the scripts are for.
	const parse = "import ast, sys; ast.parse(open(sys.argv[1]).read(), sys.argv[1], feature_version=(3, 8))"
	forEachExample(t, func(t *testing.T, _, dir string) {
		for _, file := range exampleFiles(t, dir) {
			head, _, _ := strings.Cut(readExample(t, file), "\n")
			executable := strings.HasPrefix(head, "#!")
			switch {
			case strings.HasSuffix(file, ".sh") && head != "#!/bin/sh":
				t.Errorf("%s:1: %q, want #!/bin/sh", file, head)
			case strings.HasSuffix(file, ".sh"):
				mustRun(t, "sh", "-n", file)
			case strings.HasSuffix(file, ".py") || strings.HasSuffix(head, "python3"):
				mustRun(t, "/usr/bin/python3", "-c", parse, file)
			}
			info, err := os.Stat(file)
			if err != nil {
				t.Fatal(err)
			}
			if executable != (info.Mode()&0o111 == 0o111) {
				t.Errorf("%s begins with %q and has mode %v: execute bits and a #! line go together", file, head, info.Mode())
			}
		}
	})
}

// mustRun runs a command that is expected to succeed and returns what it printed.
func mustRun(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// examplePrograms returns the options of every program of an example, as
// supervisord's parser would read them.
func examplePrograms(t *testing.T, dir string) map[string]map[string]string {
	t.Helper()
	const parse = `
import configparser, json, sys
parser = configparser.RawConfigParser(inline_comment_prefixes=(" ;",), comment_prefixes=("#", ";"), strict=True)
parser.read(sys.argv[1:])
print(json.dumps({section: dict(parser.items(section)) for section in parser.sections()}))`
	files, err := filepath.Glob(filepath.Join(dir, "image/supervisord/conf.d/*.conf"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no conf.d (%v)", dir, err)
	}
	sections := map[string]map[string]string{}
	out := mustRun(t, "/usr/bin/python3", append([]string{"-c", parse}, files...)...)
	if err := json.Unmarshal([]byte(out), &sections); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	programs := map[string]map[string]string{}
	for section, options := range sections {
		name, ok := strings.CutPrefix(section, "program:")
		if !ok {
			t.Errorf("%s: section [%s] is no program", dir, section)
			continue
		}
		programs[name] = options
	}
	return programs
}

func TestExampleProgramsAndProbes(t *testing.T) {
	expansion := regexp.MustCompile(`%\(ENV_[A-Z_]+\)s`)
	forEachExample(t, func(t *testing.T, _, dir string) {
		programs := examplePrograms(t, dir)
		for name, options := range programs {
			want := map[string]string{
				"autorestart":     "true",
				"redirect_stderr": "true",
				"stdout_logfile":  "%(ENV_SUPERVISOR_LOGS_DIR)s/" + name + ".log",
			}
			for option, value := range want {
				if options[option] != value {
					t.Errorf("%s: %s is %q, want %q", name, option, options[option], value)
				}
			}
			for _, option := range []string{"command", "stdout_logfile_maxbytes"} {
				if options[option] == "" {
					t.Errorf("%s: %s is missing", name, option)
				}
			}
			for option, value := range options {
				if strings.Contains(expansion.ReplaceAllString(value, ""), "%") {
					t.Errorf("%s: %s = %s: a bare %% ends supervisord", name, option, value)
				}
			}
		}
		probes, err := filepath.Glob(filepath.Join(dir, "image/health/*.probes.d/check-*"))
		if err != nil || len(probes) == 0 {
			t.Fatalf("there is no probe (%v)", err)
		}
		for _, probe := range probes {
			base := strings.TrimSuffix(filepath.Base(probe), filepath.Ext(probe))
			if programs[strings.TrimPrefix(base, "check-")] == nil {
				t.Errorf("%s: there is no such program", probe)
			}
			if lines := strings.Count(readExample(t, probe), "\n"); strings.HasSuffix(probe, ".sh") && lines != 2 {
				t.Errorf("%s has %d lines, want 2", probe, lines)
			}
		}
	})
}

func TestExampleLogrotateSnippets(t *testing.T) {
	names := 0
	for _, file := range exampleFiles(t, examplesDir) {
		if filepath.Base(filepath.Dir(file)) != "logrotate.d" {
			continue
		}
		names++
		logs := t.TempDir()
		// The global file says missingok for all of them.
		text := "missingok\n" + os.Expand(readExample(t, file), func(string) string { return logs })
		// logrotate ignores the configuration of others, or that others may write.
		config := filepath.Join(t.TempDir(), "logrotate.conf")
		if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		out := mustRun(t, "logrotate", "--debug", "--state", filepath.Join(t.TempDir(), "state"), config)
		if strings.Contains(out, "error:") || !strings.Contains(out, "rotating pattern: ") {
			t.Errorf("%s: logrotate says:\n%s", file, out)
		}
	}
	if names == 0 {
		t.Error("no example has a logrotate snippet")
	}
}

func TestExampleYAML(t *testing.T) {
	ids := map[string]string{}
	for _, file := range exampleFiles(t, examplesDir) {
		if ext := filepath.Ext(file); ext != ".yml" && ext != ".yaml" {
			continue
		}
		var content any
		decoder := yaml.NewDecoder(strings.NewReader(readExample(t, file)))
		if err := decoder.Decode(&content); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		if filepath.Base(filepath.Dir(file)) != "filebeat.d" {
			continue
		}
		for _, input := range content.([]any) {
			input := input.(map[string]any)
			id := fmt.Sprint(input["id"])
			if input["type"] != "filestream" || input["id"] == nil || ids[id] != "" {
				t.Errorf("%s: type %v, id %v (also in %q): want a filestream with an id of its own", file, input["type"], input["id"], ids[id])
			}
			ids[id] = file
		}
	}
	if len(ids) == 0 {
		t.Error("no example has a filebeat snippet")
	}
}
