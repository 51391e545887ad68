package containers

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/internal/containertest"
	"github.com/ZPascal/container-manager/test/testenv"
)

// TestSkeleton does what a newcomer does first: init, and the test that comes with it.
// That builds the image, starts it, asks its page and its probe, makes a backup, and stops it.
func TestSkeleton(t *testing.T) {
	p := containertest.New(t)
	dir := t.TempDir()
	said := p.Podman(t, "run", "--rm", "--pull=never", "--volume="+dir+":/src", "--workdir=/src", "--entrypoint=container-manager", containertest.BaseImage, "init", "hello")
	if !strings.Contains(said, "wrote hello: ") {
		t.Errorf("init says %q", said)
	}
	// All containers of the tests are in one network.
	dockerfile := filepath.Join(dir, "hello/Dockerfile")
	text := strings.Replace(testenv.Read(t, dockerfile), "HELLO_PORT=8080", "HELLO_PORT="+containertest.FreePort(t), 1)
	testenv.Write(t, dockerfile, text, 0o644)

	test := exec.CommandContext(t.Context(), filepath.Join(dir, "hello/test.sh"))
	test.Env = append(p.Command(t.Context()).Env, "ENGINE=podman")
	out, err := test.CombinedOutput()
	if err != nil || !strings.HasSuffix(string(out), "\nhello works\n") {
		t.Errorf("test.sh: %v\n%s", err, out)
	}
	if left := p.Podman(t, "ps", "--all", "--filter=name=hello-test", "--format={{.Names}}") + p.Podman(t, "volume", "ls", "--filter=dangling=true", "--quiet"); left != "" {
		t.Errorf("test.sh leaves %s", left)
	}
}
