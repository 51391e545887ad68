package deploy

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/ZPascal/container-manager/test/internal/containertest"
	"github.com/ZPascal/container-manager/test/testenv"
)

// objects are YAML documents by kind and name: "Deployment webapp".
type objects map[string]map[string]any

// kustomize builds one of the test's kustomizations: the example's, with what
// podman needs changed.
func kustomize(t *testing.T, name string) objects {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "go", "-C", "../../internal/manifests", "run", ".", dir).Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		t.Fatalf("%v\n%s", err, exit.Stderr)
	}
	if err != nil {
		t.Fatal(err)
	}
	all := objects{}
	for decoder := yaml.NewDecoder(bytes.NewReader(out)); ; {
		var object map[string]any
		err := decoder.Decode(&object)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		name, _ := at(object, "metadata", "name").(string)
		all[object["kind"].(string)+" "+name] = object
	}
}

// at returns what lies at a path of keys, or nil.
func at(object map[string]any, keys ...string) any {
	var value any = object
	for _, key := range keys {
		fields, _ := value.(map[string]any)
		value = fields[key]
	}
	return value
}

// cluster is podman in the place of one.
type cluster struct {
	*containertest.Podman
	objects
}

// newCluster has the secrets of a kustomization. podman 4.3 reads a secret for
// variables as the JSON of its data, and one that is mounted as a manifest, whose
// data it does not decode.
func newCluster(t *testing.T, name string) cluster {
	t.Helper()
	c := cluster{containertest.New(t), kustomize(t, name)}
	c.layFile(t)
	for name, object := range c.objects {
		name, ok := strings.CutPrefix(name, "Secret ")
		if !ok {
			continue
		}
		data := object["data"].(map[string]any)
		if strings.HasPrefix(name, "webapp-offsite-") {
			c.secret(t, name, data)
			continue
		}
		for key, value := range data {
			plain, err := base64.StdEncoding.DecodeString(value.(string))
			if err != nil {
				t.Fatal(err)
			}
			data[key] = string(plain)
		}
		c.secret(t, name, object)
	}
	return c
}

// layFile makes the one file of the ConfigMap, as kubelet does: root's, read-only by its
// mount, and for everybody to read.
func (c cluster) layFile(t *testing.T) {
	t.Helper()
	dir := testenv.Dir(t)
	testenv.Chmod(t, dir, 0o755)
	for name, object := range c.objects {
		if !strings.HasPrefix(name, "ConfigMap ") {
			continue
		}
		for key, text := range object["data"].(map[string]any) {
			path := filepath.Join(dir, key)
			testenv.Write(t, path, text.(string), 0o444)
			volumes := at(c.objects["Deployment webapp"], "spec", "template", "spec", "volumes").([]any)
			volumes[3].(map[string]any)["hostPath"].(map[string]any)["path"] = path
		}
	}
}

func (c cluster) secret(t *testing.T, name string, content map[string]any) {
	t.Helper()
	c.input(t, content, "secret", "create", name, "-")
	c.atEnd(t, "secret", "rm", name)
}

// play runs objects as podman play kube does. Pods, what claims stand for and what
// podman makes of secrets are deleted with the test.
func (c cluster) play(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		object := c.objects[name]
		if object == nil {
			t.Fatalf("there is no %s", name)
		}
		kind, name, _ := strings.Cut(name, " ")
		switch kind {
		case "PersistentVolumeClaim":
			c.atEnd(t, "volume", "rm", "--force", name)
		case "Deployment":
			c.atEnd(t, "volume", "rm", "--force", c.secretVolume(t))
			c.atEnd(t, "pod", "rm", "--force", "--time=0", name+"-pod-0")
		case "Pod":
			c.atEnd(t, "pod", "rm", "--force", "--time=0", name)
		}
		c.input(t, object, "play", "kube", "--network=none", "-")
	}
}

// secretVolume is the volume that podman makes of the Deployment's secret, by its
// name, each time that it plays it.
func (c cluster) secretVolume(t *testing.T) string {
	t.Helper()
	for name := range c.objects {
		if name, ok := strings.CutPrefix(name, "Secret "); ok && !strings.HasPrefix(name, "webapp-offsite-") {
			return name
		}
	}
	t.Fatal("there is no secret")
	return ""
}

// claim is a claim of the test's own.
func (c cluster) claim(name string) string {
	key := "PersistentVolumeClaim " + name
	c.objects[key] = map[string]any{"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": map[string]any{"name": name}}
	return key
}

// input runs podman with an object on its standard input.
func (c cluster) input(t *testing.T, object map[string]any, args ...string) {
	t.Helper()
	text, err := json.Marshal(object) // which is YAML as well
	if err != nil {
		t.Fatal(err)
	}
	cmd := c.Command(t.Context(), args...)
	cmd.Stdin = bytes.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("podman %s: %v\n%s\nof\n%s", strings.Join(args, " "), err, out, text)
	}
}

func (c cluster) atEnd(t *testing.T, args ...string) {
	t.Helper()
	t.Cleanup(func() {
		if _, err := c.Output(context.WithoutCancel(t.Context()), args...); err != nil {
			t.Error(err)
		}
	})
}
