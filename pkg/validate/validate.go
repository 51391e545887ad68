// Package validate checks a whole image without starting anything: what a start would
// refuse or warn of, and what nothing would ever read.
package validate

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/cron"
	"github.com/ZPascal/container-manager/pkg/health"
	"github.com/ZPascal/container-manager/pkg/render"
	"github.com/ZPascal/container-manager/pkg/scriptdir"
	"github.com/ZPascal/container-manager/pkg/setup"
)

// Level says what a finding means for a start.
type Level string

const (
	Error   Level = "error"   // every start fails, or what it is about never works
	Warning Level = "warning" // it works, but not as its author may think
	Open    Level = "open"    // an error, unless the deployment or a step of the start mends it
	Info    Level = "info"    // nothing to mend
)

// Finding is something to mend, or to know.
type Finding struct {
	Level Level  `json:"level"`
	Text  string `json:"text"` // with the file and line, where there are
}

// Options say how an image is checked.
type Options struct {
	Elsewhere bool               // the image's programs are not those of this machine
	Builtin   scriptdir.Register // knows what a file of the image can replace
	Now       time.Time          // from which on jobs are due
	ToolLimit time.Duration      // for a program that checks its own file; 0 is a minute
}

// Image checks an image. The environment is the one that config.Load has left, with
// an IMAGE_RUN_DIR that nobody else uses.
func Image(c config.Config, o Options) ([]Finding, error) {
	v := &validator{Config: c, Options: o}
	for _, check := range []func() error{v.variables, v.scripts, v.templates, v.crontab, v.strays} {
		if err := check(); err != nil {
			return v.found, err
		}
	}
	return v.found, nil
}

type validator struct {
	config.Config
	Options
	found []Finding
}

func (v *validator) add(level Level, format string, args ...any) {
	f := Finding{level, fmt.Sprintf(format, args...)}
	if !slices.Contains(v.found, f) {
		v.found = append(v.found, f)
	}
}

func (v *validator) addAll(level Level, texts []string) {
	for _, text := range texts {
		v.add(level, "%s", text)
	}
}

func (v *validator) variables() error {
	v.addAll(Warning, config.Misspelled(v.Environ))
	if warning := config.LeftBehind(); warning != "" {
		v.add(Warning, "%s", warning)
	}
	if warning := health.Unreachable(v.Config); warning != "" {
		v.add(Warning, "%s", warning)
	}
	return nil
}

// scripts checks everything that a start, a backup or a check runs.
func (v *validator) scripts() error {
	for _, dir := range []string{
		v.RunAlwaysDir, v.RunOnceDir, v.RunFinishDir, v.BackupScriptsDir, v.BackupPostDir, v.RestoreScriptsDir, v.LivenessDir, v.ReadinessDir, v.NotifyDir,
	} {
		files, err := scriptdir.Find(dir)
		if err != nil {
			return err
		}
		for _, f := range files {
			v.script(f, dir == v.RunAlwaysDir)
		}
	}
	for _, path := range []string{setup.BackupPath(v.Config), setup.LivenessPath(v.Config), setup.ReadinessPath(v.Config)} {
		v.script(scriptdir.Inspect(path), false)
	}
	for _, path := range []string{ // whose programs' commands may name an interpreter
		filepath.Join(v.RestoreDir, "restore.py"), filepath.Join(v.CronDir, "cron.py"), filepath.Join(v.SupervisorDir, "eventlistener.py"),
	} {
		v.replaced(scriptdir.Inspect(path))
	}
	return v.pairs()
}

// script checks a file that is run. The start gives execute bits to all files of its own
// user but the steps of run.always, which run before.
func (v *validator) script(f scriptdir.File, needsBits bool) {
	v.replaced(f)
	err := f.Check()
	_, noBits := errors.AsType[*scriptdir.NotExecutableError](err)
	if err == nil || f.Empty || f.Builtin || noBits && !needsBits {
		return
	}
	level := Error
	if _, noInterpreter := errors.AsType[*scriptdir.NoInterpreterError](err); noInterpreter && v.Elsewhere {
		level = Open
	}
	v.add(level, "%v", err)
}

// pairs looks for content that is backed up by a script and restored by none.
func (v *validator) pairs() error {
	backups, err := scriptdir.Find(v.BackupScriptsDir)
	if err != nil {
		return err
	}
	restores, err := scriptdir.Find(v.RestoreScriptsDir)
	if err != nil {
		return err
	}
	what := func(name, verb string) string {
		return strings.TrimPrefix(strings.TrimSuffix(name, filepath.Ext(name)), verb+"-")
	}
	for _, b := range backups {
		isCounterpart := func(r scriptdir.File) bool { return what(r.Name, "restore") == what(b.Name, "backup") }
		if !b.Empty && !slices.ContainsFunc(restores, isCounterpart) {
			v.add(Warning, "%s stages what no script restores: add %s", b.Path, filepath.Join(v.RestoreScriptsDir, "restore-"+what(b.Name, "backup")+filepath.Ext(b.Name)))
		}
	}
	return nil
}

// templates checks what is rendered, and that probes are named after programs.
func (v *validator) templates() error {
	if err := os.MkdirAll(filepath.Dir(render.LogrotateConf(v.Config)), 0o755); err != nil { // where logrotate's are checked
		return err
	}
	found, err := render.Check(v.Config, setup.StorageDirs(v.Config)...)
	if err != nil {
		return err
	}
	v.addAll(Error, found.Problems)
	v.addAll(Open, found.Open)
	v.addAll(Warning, found.Warnings)
	if found.Supervisord == nil {
		return nil
	}
	if found.IsRendered {
		v.supervisord(found.Supervisord)
		v.filebeat()
	}
	of, err := probes(v.Config, found.Supervisord, false)
	v.addAll(Warning, of)
	return err
}

// crontab checks the image's own entries.
func (v *validator) crontab() error {
	path := setup.CrontabLink(v.Config)
	table, err := cron.ReadFile(path)
	v.addAll(Warning, table.Suspicions())
	var bad cron.Problems
	switch {
	case errors.As(err, &bad):
		v.addAll(Error, bad.Lines())
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return v.jobs(table)
}

func (v *validator) strays() error {
	v.addAll(Warning, strays(v.Config))
	slices.SortStableFunc(v.found, func(a, b Finding) int { return rank(a.Level) - rank(b.Level) })
	return nil
}

func rank(l Level) int { return slices.Index([]Level{Error, Open, Warning, Info}, l) }
