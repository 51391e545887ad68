package repo

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

// TestDockerfileCopiesWhatIsThere keeps the Dockerfile, the files that it
// copies and the list of those that its build may see together.
func TestDockerfileCopiesWhatIsThere(t *testing.T) {
	seen := strings.Split(testenv.Read(t, "../../.dockerignore"), "\n")
	copied := 0
	for line := range strings.Lines(testenv.Read(t, "../../Dockerfile.alpine")) {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] != "COPY" || slices.ContainsFunc(words, isFromStage) {
			continue
		}
		for _, source := range words[1 : len(words)-1] {
			if strings.HasPrefix(source, "--") {
				continue
			}
			copied++
			if _, err := os.Stat("../../" + source); err != nil {
				t.Errorf("%s: %v", strings.TrimSpace(line), err)
			}
			if !slices.ContainsFunc(seen, func(rule string) bool {
				allowed, negated := strings.CutPrefix(rule, "!")
				return negated && (source == allowed || strings.HasPrefix(source, allowed+"/"))
			}) {
				t.Errorf("%s: .dockerignore keeps %s from the build", strings.TrimSpace(line), source)
			}
		}
	}
	if copied == 0 {
		t.Error("Dockerfile.alpine copies nothing")
	}
}

func isFromStage(word string) bool { return strings.HasPrefix(word, "--from=") }

// TestBaseDeclaresNoHealthcheck keeps images on top of the base as they are:
// compose and swarm treat a container with a HEALTHCHECK differently. Those that
// declare one say what the documentation shows.
func TestBaseDeclaresNoHealthcheck(t *testing.T) {
	const line = `HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["container-manager", "health", "liveness"]`
	for _, file := range []string{"../../Dockerfile.alpine", "../../examples/debian/Dockerfile"} {
		if strings.Contains(testenv.Read(t, file), "HEALTHCHECK") {
			t.Errorf("%s declares a HEALTHCHECK, which every image on top of it inherits", file)
		}
	}
	for _, file := range []string{"../../examples/webapp/Dockerfile", "../../doc/health.md"} {
		if !strings.Contains(testenv.Read(t, file), line) {
			t.Errorf("%s does not say %s", file, line)
		}
	}
}
