package supervisordtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/ZPascal/container-manager/test/testenv"
)

// suite is a Debian with a newer supervisord than most machines have. Its package
// is kept; another name here fetches that of another suite.
const suite = "forky"

// Modules is where Debian's packages keep Python modules.
const Modules = "/usr/lib/python3/dist-packages"

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

// Newer returns the directory of the Python modules of a newer supervisord, which it
// fetches once and keeps; "" on machines that are not Debian. say is told what takes long.
func Newer(ctx context.Context, say func(format string, args ...any)) (string, error) {
	if release, err := os.ReadFile("/etc/os-release"); err != nil || !strings.Contains(string(release), "\nID=debian\n") {
		say("only Debian has the suite %s", suite)
		return "", nil
	}
	dir, err := testenv.Cache("supervisor-"+suite, say, func(dir string) error {
		if out, err := exec.CommandContext(ctx, "/bin/sh", "-c", fetch, "sh", dir, suite).CombinedOutput(); err != nil {
			return fmt.Errorf("cannot fetch supervisor of %s: %w\n%s", suite, err, out)
		}
		return nil
	})
	return filepath.Join(dir, Modules), err
}
