package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The overlay that README.md shows replaces what has to be replaced, and what it
// makes holds together.
func TestREADMEsOverlay(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(examples, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	overlay := regexp.MustCompile(`(?m)^    resources:\n(?:    .*\n)+`).FindString(string(readme))
	dir := t.TempDir()
	base, err := filepath.Abs(filepath.Join(examples, "base"))
	if err != nil {
		t.Fatal(err)
	}
	relative, err := filepath.Rel(dir, base)
	if err != nil {
		t.Fatal(err)
	}
	const remote = "github.com/ZPascal/container-manager//examples/kubernetes/base?ref=TAG"
	if !strings.Contains(overlay, remote) {
		t.Fatalf("README.md shows no overlay of %s, but\n%s", remote, overlay)
	}
	overlay = strings.ReplaceAll(strings.Replace(overlay, remote, relative, 1), "\n    ", "\n")
	for name, content := range map[string]string{
		"kustomization.yaml": strings.TrimPrefix(overlay, "    "),
		"webapp.env":         "backup-passphrase=p\nredis-password=r\n",
		"webapp-offsite.env": "access-key-id=a\nsecret-access-key=s\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	all, err := load(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range all.problems() {
		t.Error(problem)
	}
	if len(all.secrets) != 2 {
		t.Errorf("there are %d secrets, want the two generated ones", len(all.secrets))
	}
	for name, secret := range all.secrets {
		for key, value := range secret.Data {
			if len(value) != 1 {
				t.Errorf("secret %s: %s is %q, want the overlay's value", name, key, value)
			}
		}
	}
	for name, pod := range all.pods() {
		if image := pod.Spec.Containers[0].Image; strings.HasPrefix(name, "Deployment") && image != "registry.of.yours/webapp:1.2.3" {
			t.Errorf("%s runs %s", name, image)
		}
	}
}
