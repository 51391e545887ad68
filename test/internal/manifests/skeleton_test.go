package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const skeleton = "../../../pkg/skeleton/child"

// lay writes a file of the skeleton of a child image, with a name in place of the marks.
func lay(t *testing.T, dir, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(skeleton, file))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, file)
	if err := os.WriteFile(path, []byte(strings.NewReplacer("@name@", "hello", "@NAME@", "HELLO").Replace(string(text))), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// What `container-manager init` writes is held against the same rules as the examples. The
// tag of the image is its builder's to say.
func TestSkeleton(t *testing.T) {
	dir := t.TempDir()
	lay(t, dir, "kubernetes.yaml")
	kustomization := "resources: [kubernetes.yaml]\nimages: [{name: hello, newTag: \"1.0\"}]\n"
	if err := os.WriteFile(filepath.Join(dir, "kustomization.yaml"), []byte(kustomization), 0o644); err != nil {
		t.Fatal(err)
	}
	all, err := load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(all.deployments) != 1 || len(all.services) != 1 || len(all.claims) != 1 {
		t.Errorf("%d deployments, %d services, %d claims", len(all.deployments), len(all.services), len(all.claims))
	}
	for _, problem := range all.problems() {
		t.Error(problem)
	}
	lay(t, dir, "Dockerfile")
	project, err := loadCompose(t.Context(), lay(t, dir, "compose.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range composeProblems(project) {
		t.Error(problem)
	}
}
