package render

import (
	"errors"
	"path/filepath"
	"strings"

	"github.com/ZPascal/container-manager/pkg/scriptdir"
	"github.com/ZPascal/container-manager/pkg/supervisorconf"
)

// entryPoint checks a command that runs an entry point of the image by its path. A child
// image's file there must be executable, because otherwise the program would only become
// FATAL. When the kernel cannot run a built-in file, because the binary lies somewhere
// else on this machine, the returned command runs the binary instead.
func (r *renderer) entryPoint(s *supervisorconf.Section, command string) string {
	for _, e := range []struct{ dir, variable, name string }{
		{r.CronDir, "IMAGE_CRON_DIR", "cron.py"},
		{r.SupervisorDir, "IMAGE_SUPERVISOR_DIR", "eventlistener.py"},
	} {
		path := filepath.Join(e.dir, e.name)
		word := strings.TrimLeft(command, `"'`)
		if !strings.HasPrefix(word, path) && !strings.HasPrefix(word, "%(ENV_"+e.variable+")s/"+e.name) {
			continue
		}
		f := scriptdir.Inspect(path)
		if f.NeedsBinary() {
			return "container-manager script " + command
		}
		err := f.Check()
		if _, noBits := errors.AsType[*scriptdir.NotExecutableError](err); noBits && r.bitsCome {
			continue
		}
		if err != nil && (s.ID() != "program:crond" || bool(r.CronEnabled)) {
			r.problemAt(s, "command", "%v", err)
		}
	}
	return command
}
