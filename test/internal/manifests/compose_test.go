package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

const composeExample = "../../../examples/compose"

// loadCompose reads a compose file as docker compose does: the specification's
// schema, then what services, volumes and secrets say of each other.
func loadCompose(ctx context.Context, file string) (*types.Project, error) {
	options, err := cli.NewProjectOptions([]string{file}, cli.WithWorkingDirectory(filepath.Dir(file)), cli.WithConsistency(true))
	if err != nil {
		return nil, err
	}
	return options.LoadProject(ctx)
}

func TestComposeFile(t *testing.T) {
	project, err := loadCompose(t.Context(), filepath.Join(composeExample, "compose.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if names := project.ServiceNames(); !slices.Equal(names, []string{"redis", "webapp"}) {
		t.Errorf("the services are %q", names)
	}
	for _, problem := range composeProblems(project) {
		t.Error(problem)
	}
}

// composeProblems are those of services that fit the specification.
func composeProblems(project *types.Project) (problems []string) {
	for name, service := range project.Services {
		problem := func(format string, args ...any) {
			problems = append(problems, "service "+name+": "+fmt.Sprintf(format, args...))
		}
		if service.User != "500" || !service.ReadOnly || !slices.Contains(service.CapDrop, "ALL") ||
			!slices.Contains(service.SecurityOpt, "no-new-privileges:true") || !slices.Contains(service.Tmpfs, "/tmp") {
			problem("it is not user 500 with a read-only root file system, /tmp and nothing else")
		}
		if check := service.HealthCheck; check == nil || strings.Join(check.Test, " ") != "CMD container-manager health readiness" {
			problem("no healthcheck that asks for readiness")
		}
		if service.Build == nil {
			problem("nothing says how its image is built")
		} else if _, err := os.Stat(filepath.Join(service.Build.Context, "Dockerfile")); err != nil {
			problem("%v", err)
		}
		for variable, value := range service.Environment {
			if !strings.HasPrefix(variable, "FILE__") && !strings.HasSuffix(variable, "_FILE") {
				continue
			}
			secret, ok := strings.CutPrefix(*value, "/run/secrets/")
			if !ok || !slices.ContainsFunc(service.Secrets, func(s types.ServiceSecretConfig) bool { return s.Source == secret }) {
				problem("%s=%s is none of its secrets", variable, *value)
			}
		}
	}
	for name, secret := range project.Secrets {
		if _, err := os.Stat(secret.File); err != nil {
			problems = append(problems, fmt.Sprintf("secret %s: %v", name, err))
		}
	}
	return problems
}

func TestComposeMistakesAreFound(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(composeExample, "compose.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	all, err := filepath.Abs(filepath.Dir(composeExample))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []struct{ old, mistake, want string }{
		{"read_only: true", "readonly: true", "readonly"},
		{"condition: service_healthy", "condition: healthy", "condition"},
		{"      redis:\n        condition", "      rediss:\n        condition", "rediss"},
		{"- webapp:/storage", "- web:/storage", "web"},
		{"    file: ./redis-password.txt", "    file: ./password.txt", "password.txt: no such file"},
		{"/run/secrets/redis-password\n    secrets", "/run/secrets/password\n    secrets", "is none of its secrets"},
		{"build: ../redis", "build: ../valkey", "valkey"},
		{"health, readiness]", "health, liveness]", "no healthcheck that asks for readiness"},
		{"    - ALL\n", "    - SYSLOG\n", "it is not user 500"},
	} {
		if !strings.Contains(string(text), m.old) {
			t.Errorf("the compose file does not say %q, so that no mistake can be made there", m.old)
			continue
		}
		dir := t.TempDir()
		for name, content := range map[string]string{
			"compose.yaml":       strings.ReplaceAll(strings.Replace(string(text), m.old, m.mistake, 1), "build: ..", "build: "+all),
			"redis-password.txt": "x",
		} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		project, err := loadCompose(t.Context(), filepath.Join(dir, "compose.yaml"))
		var found string
		if err != nil {
			found = err.Error()
		} else {
			found = strings.Join(composeProblems(project), "\n")
		}
		if !strings.Contains(found, m.want) {
			t.Errorf("%q in place of %q: found %q, want %q", m.mistake, m.old, found, m.want)
		}
	}
}
