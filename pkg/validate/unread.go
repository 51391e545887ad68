package validate

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/scriptdir"
	"github.com/ZPascal/container-manager/pkg/similar"
	"github.com/ZPascal/container-manager/pkg/supervisor"
	"github.com/ZPascal/container-manager/pkg/supervisorconf"
)

// Unread returns a line for each file of a running container's image that does nothing by
// mistake: one that nothing reads, and a probe that has almost the name of a program. A
// probe of something else, such as a database elsewhere, restarts nothing on purpose.
func Unread(c config.Config, conf *supervisorconf.Conf) []string {
	of, err := probes(c, conf, true)
	if err != nil {
		of = append(of, err.Error())
	}
	return append(strays(c), of...)
}

// probes looks for probes that are named after no program: when one of them fails, nothing
// is restarted. typos leaves out those whose names are like no program's.
func probes(c config.Config, conf *supervisorconf.Conf, typos bool) (lines []string, err error) {
	processes := conf.Processes()
	for _, dir := range []string{c.LivenessDir, c.ReadinessDir} {
		files, err := scriptdir.Find(dir)
		if err != nil {
			return lines, err
		}
		for _, f := range files {
			if line, isTypo := probe(f, processes); line != "" && (isTypo || !typos) {
				lines = append(lines, line)
			}
		}
	}
	return lines, nil
}

func probe(f scriptdir.File, processes []supervisorconf.Process) (line string, isTypo bool) {
	name, isProbe := strings.CutPrefix(strings.TrimSuffix(f.Name, filepath.Ext(f.Name)), "check-")
	stands := func(p supervisorconf.Process) bool {
		return supervisor.Stands(name, p.Group, p.Name) || name == p.Group
	}
	if !isProbe || f.Empty || f.Builtin || slices.ContainsFunc(processes, stands) {
		return "", false
	}
	var names []string
	for _, p := range processes {
		names = append(names, p.Group, p.Name)
	}
	meant := ""
	if nearest := similar.Nearest(name, names); nearest != "" {
		meant = ": did you mean check-" + nearest + "?"
	}
	return fmt.Sprintf("%s is named after no program, so a failure restarts nothing%s", f.Path, meant), meant != ""
}

// strays looks for files that nothing reads.
func strays(c config.Config) (lines []string) {
	for dir, ext := range map[string]string{
		filepath.Join(c.SupervisorDir, "conf.d"):   ".conf",
		filepath.Join(c.LoggingDir, "logrotate.d"): ".conf",
		filepath.Join(c.LoggingDir, "filebeat.d"):  ".yml",
	} {
		for _, name := range names(dir) {
			if filepath.Ext(name) != ext && !strings.HasPrefix(name, "README") {
				lines = append(lines, fmt.Sprintf("nothing reads %s: the names of the files of this directory end in %s", filepath.Join(dir, name), ext))
			}
		}
	}
	for dir, known := range map[string][]string{
		c.BaseDir:                         {"backup", "config", "cron", "health", "logging", "notify.d", "restore", "secrets", "setup", "supervisord", "templates"},
		filepath.Join(c.BaseDir, "setup"): {"run.always", "run.once", "run.finish"},
		c.HealthDir:                       {"liveness.probes.d", "readiness.probes.d"},
	} {
		for _, name := range names(dir) {
			meant := similar.Nearest(name, known)
			if slices.Contains(known, name+".d") {
				meant = name + ".d"
			}
			if meant != "" && !slices.Contains(known, name) {
				lines = append(lines, fmt.Sprintf("nothing reads %s: did you mean %s?", filepath.Join(dir, name), meant))
			}
		}
	}
	slices.Sort(lines)
	return lines
}

// names lists a directory, without hidden files.
func names(dir string) (names []string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	return names
}
