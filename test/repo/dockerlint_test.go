package repo

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// dockerlint runs BuildKit's linter, which is a module of its own.
func dockerlint(t *testing.T, files ...string) (string, error) {
	t.Helper()
	args := []string{"run", "-C", "../internal/dockerlint", "."}
	for _, file := range files {
		path, err := filepath.Abs(file)
		if err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	}
	out, err := exec.CommandContext(t.Context(), "go", args...).CombinedOutput()
	return string(out), err
}

func TestDockerfilesHaveNoFinding(t *testing.T) {
	files := []string{"../../Dockerfile.alpine"}
	for _, pattern := range []string{"../../examples/*/Dockerfile", "../containers/testdata/*/Dockerfile"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: no such file (%v)", pattern, err)
		}
		files = append(files, found...)
	}
	if out, err := dockerlint(t, files...); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestDockerlintFinds(t *testing.T) {
	tests := []struct{ name, dockerfile, want string }{
		{"a variable that is not set", "FROM alpine:3\nCOPY a $NONE\n", ":2: UndefinedVar: "},
		{"a variable of the image that it is not FROM", "FROM alpine:3\nCOPY a $IMAGE_CRON_DIR\n", ":2: UndefinedVar: "},
		{"a variable that the image has not", "FROM container-manager\nCOPY a $IMAGE_CORN_DIR\n", ":2: UndefinedVar: "},
		{"an old form", "FROM alpine:3\nENV NAME value\n", ":2: LegacyKeyValueFormat: "},
		{"a secret", "FROM alpine:3\nENV APP_PASSWORD=x\n", ":2: SecretsUsedInArgOrEnv: "},
		{"a stage that no image needs", "FROM alpine:3 AS unused\nMAINTAINER x\nFROM alpine:3\n", ":2: MaintainerDeprecated: "},
		{"no instruction", "FROM alpine:3\nRAN true\n", "unknown instruction: RAN"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "Dockerfile")
			if err := os.WriteFile(file, []byte(tt.dockerfile), 0o644); err != nil {
				t.Fatal(err)
			}
			if out, err := dockerlint(t, "../../Dockerfile.alpine", file); err == nil || !strings.Contains(out, tt.want) {
				t.Errorf("got %v and\n%s\nwant a failure that says %q", err, out, tt.want)
			}
		})
	}
}
