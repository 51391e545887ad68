package repo

import "testing"

// TestManifests runs the tests of the module that knows the types of Kubernetes
// and compose; `go test ./...` does not enter it.
func TestManifests(t *testing.T) {
	mustRun(t, "go", "-C", "../internal/manifests", "vet", "./...")
	t.Log(mustRun(t, "go", "-C", "../internal/manifests", "test", "-count=1", "./..."))
}
