package repo

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/ZPascal/container-manager/test/testenv"
)

// workflow is what these tests look at in a workflow of GitHub.
type workflow struct {
	Permissions *map[string]string `yaml:"permissions"`
	Concurrency struct {
		Group string `yaml:"group"`
	} `yaml:"concurrency"`
	Jobs map[string]struct {
		Uses        string             `yaml:"uses"`
		Permissions *map[string]string `yaml:"permissions"`
		Timeout     int                `yaml:"timeout-minutes"`
		Steps       []struct {
			Uses string            `yaml:"uses"`
			With map[string]string `yaml:"with"`
			Run  string            `yaml:"run"`
		} `yaml:"steps"`
	} `yaml:"jobs"`
}

// workflows are those of the repository, by their file's name.
func workflows(t *testing.T) map[string]workflow {
	t.Helper()
	files, err := filepath.Glob("../../.github/workflows/*")
	if err != nil || len(files) == 0 {
		t.Fatalf("there is no workflow (%v)", err)
	}
	all := map[string]workflow{}
	for _, file := range files {
		var w workflow
		if err := yaml.Unmarshal([]byte(testenv.Read(t, file)), &w); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all[filepath.Base(file)] = w
	}
	return all
}

// TestActionsArePinned wants a commit for everything that a workflow runs from
// elsewhere, and its version beside it, which is the same wherever it stands. A tag
// can be moved by whoever takes over an action.
func TestActionsArePinned(t *testing.T) {
	uses := regexp.MustCompile(`(?m)^ *(?:- )?uses: (.*)$`)
	pinned := regexp.MustCompile(`^([\w.-]+/[\w./-]+)@([0-9a-f]{40} # v\d+\.\d+\.\d+)$`)
	seen := map[string]string{}
	for name := range workflows(t) {
		for _, m := range uses.FindAllStringSubmatch(testenv.Read(t, "../../.github/workflows/"+name), -1) {
			if strings.HasPrefix(m[1], "./.github/workflows/") {
				continue
			}
			p := pinned.FindStringSubmatch(m[1])
			if p == nil {
				t.Errorf("%s uses %s, want OWNER/NAME@COMMIT # vVERSION", name, m[1])
				continue
			}
			if old := seen[p[1]]; old != "" && old != p[2] {
				t.Errorf("%s is used as %s and as %s", p[1], old, p[2])
			}
			seen[p[1]] = p[2]
		}
	}
	if len(seen) == 0 {
		t.Error("no workflow uses an action: this test looks for the wrong thing")
	}
}

// TestWorkflowsHaveNoMoreThanTheyNeed wants no permission but those of a job, time
// limits, and one run at a time.
func TestWorkflowsHaveNoMoreThanTheyNeed(t *testing.T) {
	for name, w := range workflows(t) {
		if w.Permissions == nil || len(*w.Permissions) != 0 {
			t.Errorf("%s: want permissions: {} at the top", name)
		}
		if w.Concurrency.Group == "" {
			t.Errorf("%s: want concurrency", name)
		}
		for id, job := range w.Jobs {
			if job.Permissions == nil {
				t.Errorf("%s: job %s has no permissions of its own", name, id)
			} else if name == "test.yml" && len(*job.Permissions) != 1 || (*job.Permissions)["contents"] == "" {
				t.Errorf("%s: job %s has the permissions %v", name, id, *job.Permissions)
			}
			if job.Timeout == 0 && job.Uses == "" {
				t.Errorf("%s: job %s has no timeout-minutes", name, id)
			}
			for _, step := range job.Steps {
				if strings.HasPrefix(step.Uses, "actions/checkout@") && step.With["persist-credentials"] != "false" {
					t.Errorf("%s: job %s leaves a token in its checkout", name, id)
				}
				if strings.Contains(step.Run, "${{") {
					t.Errorf("%s: job %s has a script that GitHub writes values into; use env", name, id)
				}
			}
		}
	}
}

// TestGoOfWorkflows wants the same Go for a release as for its image.
func TestGoOfWorkflows(t *testing.T) {
	m := regexp.MustCompile(`(?m)^ARG GO_VERSION=(.+)$`).FindStringSubmatch(testenv.Read(t, "../../Dockerfile.alpine"))
	if m == nil {
		t.Fatal("Dockerfile.alpine names no Go")
	}
	for name, w := range workflows(t) {
		for id, job := range w.Jobs {
			for _, step := range job.Steps {
				if strings.HasPrefix(step.Uses, "actions/setup-go@") && step.With["go-version"] != m[1] {
					t.Errorf("%s: job %s takes Go %s, want %s as Dockerfile.alpine", name, id, step.With["go-version"], m[1])
				}
			}
		}
	}
}

// TestPlatformsAreOneList wants of every place the platforms of the Makefile.
func TestPlatformsAreOneList(t *testing.T) {
	var names []string
	for _, p := range platforms(t) {
		names = append(names, strings.ReplaceAll(strings.TrimPrefix(p, "linux/"), "/", ""))
	}
	policy := regexp.MustCompile("`ARCH` one of (.+)\\.\n").FindStringSubmatch(testenv.Read(t, "../../SECURITY.md"))
	if policy == nil {
		t.Fatal("SECURITY.md does not say what ARCH is")
	}
	if got := regexp.MustCompile("`([a-z0-9]+)`").FindAllStringSubmatch(policy[1], -1); !slices.EqualFunc(got, names, func(m []string, name string) bool { return m[1] == name }) {
		t.Errorf("SECURITY.md names %s, want %q", policy[1], names)
	}
	release := testenv.Read(t, "../../.github/workflows/release.yml")
	if strings.Contains(release, "PLATFORMS=") {
		t.Error("release.yml names platforms for make dist: the Makefile does")
	}
	if !strings.Contains(release, `make dist BUILD="$RUNNER_TEMP" VERSION="${GITHUB_REF_NAME#v}"`) {
		t.Error("release.yml does not call make dist: this test looks for the wrong thing")
	}
	images := regexp.MustCompile(`docker buildx build .* --platform (\S+) `).FindStringSubmatch(release)
	if images == nil {
		t.Fatal("release.yml builds no image")
	}
	for p := range strings.SplitSeq(images[1], ",") {
		if !slices.Contains(platforms(t), p) {
			t.Errorf("release.yml builds an image for %s, which the Makefile does not name", p)
		}
	}
	recipe := testenv.Read(t, "../../Dockerfile.alpine")
	for _, arch := range []string{"amd64", "arm64"} { // for which there is a filebeat
		if !strings.Contains(recipe, arch+" | ") || !strings.Contains(images[1], "linux/"+arch) {
			t.Errorf("the image is built for %s, want linux/%s among them", images[1], arch)
		}
	}
}

// TestVerificationNamesWhatDistMakes wants of the policy's table each name that a
// release has, and of its commands none besides.
func TestVerificationNamesWhatDistMakes(t *testing.T) {
	policy := testenv.Read(t, "../../SECURITY.md")
	var table []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(policy, -1) {
		table = append(table, m[1])
	}
	want := []string{
		"container-manager-linux-ARCH", "container-manager-linux-ARCH.spdx.json", "container-manager-VERSION-linux-ARCH.tar.gz",
		"container-manager-files-VERSION.tar.gz", "SHA256SUMS", "SHA256SUMS.sigstore.json", "ghcr.io/zpascal/container-manager:VERSION",
	}
	if !slices.Equal(table, want) {
		t.Errorf("SECURITY.md lists %q, want %q, which TestMakeDist and release.yml make", table, want)
	}
	release := testenv.Read(t, "../../.github/workflows/release.yml")
	for _, said := range []string{"--bundle SHA256SUMS.sigstore.json", "ghcr.io/zpascal/container-manager", "SHA256SUMS"} {
		if !strings.Contains(release, said) || !strings.Contains(policy, said) {
			t.Errorf("release.yml and SECURITY.md do not both say %s", said)
		}
	}
	_, commands, _ := strings.Cut(policy, "## Verify a release")
	for _, m := range regexp.MustCompile(`container-manager-[\w.-]+`).FindAllString(commands, -1) {
		if !slices.Contains(want, strings.Replace(m, "amd64", "ARCH", 1)) {
			t.Errorf("a command of SECURITY.md names %s, which no release has", m)
		}
	}
	if want := "version=" + newest(t) + "\n"; !strings.Contains(commands, want) {
		t.Errorf("the commands of SECURITY.md are not for %s", want)
	}
	if !strings.Contains(commands, "workflow=ZPascal/container-manager/.github/workflows/release.yml\n") {
		t.Error("the commands of SECURITY.md name another workflow")
	}
}
