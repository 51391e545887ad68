package skeleton_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/ZPascal/container-manager/pkg/skeleton"
)

func TestWrite(t *testing.T) {
	dir := t.TempDir() + "/my-shop"
	if err := skeleton.Write(dir, "my-shop"); err != nil {
		t.Fatal(err)
	}
	files := 0
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files++
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if strings.Contains(path, "NAME") || strings.Contains(string(text), "@name@") || strings.Contains(string(text), "@NAME@") {
			t.Errorf("%s still has a placeholder", path)
		}
		switch filepath.Ext(path) {
		case ".sh":
			if out, err := exec.Command("sh", "-n", path).CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", path, err, out)
			}
			if info, err := entry.Info(); err != nil || info.Mode().Perm() != 0o755 {
				t.Errorf("%s is not executable", path)
			}
		case ".yaml":
			for _, document := range strings.Split(string(text), "\n---\n") {
				var parsed map[string]any
				if err := yaml.Unmarshal([]byte(document), &parsed); err != nil || parsed == nil {
					t.Errorf("%s: %v", path, err)
				}
			}
		}
		return nil
	})
	if err != nil || files != 12 {
		t.Errorf("%d files, %v", files, err)
	}
	text, err := os.ReadFile(dir + "/image/health/readiness.probes.d/check-my-shop.sh")
	if err != nil || !strings.Contains(string(text), "$MY_SHOP_PORT") {
		t.Errorf("the probe is %q, %v", text, err)
	}
	if err := skeleton.Write(dir, "my-shop"); err == nil || !strings.Contains(err.Error(), dir+" is there already, and not empty: ") {
		t.Errorf("a second time: %v", err)
	}
}

func TestNames(t *testing.T) {
	for name, ok := range map[string]bool{
		"hello": true, "a": true, "my-shop-2": true, strings.Repeat("a", 63): true,
		"": false, "Hello": false, "2go": false, "-a": false, "a-": false, "a_b": false, "a.b": false, "ä": false, "a b": false,
		strings.Repeat("a", 64): false, "crond": false, "image": false,
	} {
		if err := skeleton.Check(name); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
	}
	if err := skeleton.Write(t.TempDir()+"/x", "X"); err == nil || !strings.Contains(err.Error(), `"X" cannot be the name`) {
		t.Error(err)
	}
}
