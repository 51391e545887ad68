package supervisordtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

// suite is a Debian with a newer supervisord than most machines have. Its package
// is kept; another name here fetches that of another suite.
const suite = "forky"

// fetch unpacks the suite's package supervisor in $1, from this machine's mirror.
const fetch = `set -eu
mkdir -p "$1/lists/partial" "$1/cache/archives/partial"
cd "$1"
. /etc/os-release
mirror=$(apt-get indextargets --format '$(REPO_URI)' "Codename: $VERSION_CODENAME" | head -n 1)
echo "deb $mirror $2 main" >sources.list
apt() { apt-get -q -o APT::Sandbox::User=root -o Dir::Etc::SourceList="$1/sources.list" -o Dir::Etc::SourceParts=/dev/null \
	-o Dir::State::Lists="$1/lists" -o Dir::Cache="$1/cache" "$2" $3; }
apt "$1" update ""
apt "$1" download supervisor
dpkg-deb -x supervisor_*.deb .
rm -r lists cache
`

// facing are the packages whose tests run a supervisord.
var facing = []string{"./pkg/supervisorconf", "./pkg/supervisor", "./pkg/events", "./pkg/health", "./pkg/boot", "./pkg/pid1", "./pkg/render"}

// TestNewerSupervisord runs the tests that run a supervisord once more, with a
// newer one in place of this machine's: nobody else sees that it is there.
func TestNewerSupervisord(t *testing.T) {
	const modules = "/usr/lib/python3/dist-packages/supervisor"
	if release, err := os.ReadFile("/etc/os-release"); err != nil || !strings.Contains(string(release), "\nID=debian\n") {
		t.Logf("only Debian has the suite %s", suite)
		return
	}
	testenv.NotQuick(t)
	dir, err := testenv.Cache("supervisor-"+suite, t.Logf, func(dir string) error {
		if out, err := exec.CommandContext(t.Context(), "/bin/sh", "-c", fetch, "sh", dir, suite).CombinedOutput(); err != nil {
			return fmt.Errorf("cannot fetch supervisor of %s: %w\n%s", suite, err, out)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	newer := filepath.Join(dir, modules)
	t.Logf("supervisord %s", testenv.Read(t, newer+"/version.txt"))
	const run = `mount --bind "$1" "$2" && shift 2 && exec go test -count=1 "$@"`
	cmd := exec.CommandContext(t.Context(), "/bin/sh", append([]string{"-c", run, "sh", newer, modules}, facing...)...)
	cmd.Dir = "../.."
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
