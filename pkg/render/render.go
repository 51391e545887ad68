// Package render turns the templates of the image tree and the environment into
// the configuration that supervisord, filebeat, logrotate and the application read. Templates
// stay in each tool's own syntax and are never edited: the results lie below
// IMAGE_RUN_DIR, so that a second start with another environment renders other
// files and the image can be read-only.
package render

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/supervisorconf"
)

// SupervisorConf is the rendered configuration that supervisord is started with
// and that its clients read.
func SupervisorConf(c config.Config) string {
	return filepath.Join(c.RunDir, "supervisord", "global.conf")
}

// LogrotateConf is the rendered configuration of logrotate.
func LogrotateConf(c config.Config) string {
	return filepath.Join(c.RunDir, "logging", "logrotate-global.conf")
}

// FilebeatConf is the rendered configuration of filebeat.
func FilebeatConf(c config.Config) string {
	return filepath.Join(c.RunDir, "logging", "filebeat-global.yml")
}

// Result is what a start needs to know of what was rendered.
type Result struct {
	Supervisord *supervisorconf.Conf
	// Warnings, with file and line, are about things that work, but not as their author
	// may think.
	Warnings []string
}

// All renders everything, or nothing when a template is invalid: then the error
// is an *Error.
func All(c config.Config) (Result, error) {
	r := newRenderer(c)
	conf, err := r.all()
	if err != nil {
		return Result{}, err
	}
	if problems := slices.Concat(r.problems, r.open); len(problems) > 0 {
		return Result{}, &Error{texts(problems)}
	}
	return Result{conf, texts(r.warnings)}, r.write()
}

// Findings are what Check has found, with file and line.
type Findings struct {
	Supervisord *supervisorconf.Conf // nil when it cannot be read
	Problems    []string             // that end every start
	// Open are problems unless the deployment or a step of the start solves them: a
	// variable that is not set, a directory that is not there.
	Open     []string
	Warnings []string
	// IsRendered says that the files of supervisord, logrotate and filebeat are there for
	// those programs to check: nothing was wrong, and nothing is open.
	IsRendered bool
}

// Check finds what All would say, and writes nothing but below IMAGE_RUN_DIR, which has
// to be there. made are directories that the start will have made by then.
func Check(c config.Config, made ...string) (Findings, error) {
	r := newRenderer(c)
	r.bitsCome = true
	r.willHave(made)
	conf, err := r.all()
	f := Findings{Supervisord: conf, Problems: texts(r.problems), Open: texts(r.open), Warnings: texts(r.warnings)}
	invalid, isInvalid := errors.AsType[*Error](err)
	environment, isEnvironment := errors.AsType[*config.Error](err)
	switch {
	case isInvalid:
		f.Problems = append(f.Problems, invalid.Problems...)
	case isEnvironment:
		f.Problems = append(f.Problems, environment.Problems...)
	case err != nil:
		return f, err
	case len(f.Problems)+len(f.Open) == 0:
		f.IsRendered = true
		return f, r.writeConfiguration()
	}
	return f, nil
}

func newRenderer(c config.Config) *renderer {
	r := &renderer{Config: c, env: make(map[string]string, len(c.Environ)), out: map[string]output{}, isDirs: map[string]bool{}}
	for _, entry := range c.Environ {
		name, value, _ := strings.Cut(entry, "=")
		r.env[name] = value
	}
	return r
}

// all reads, checks and renders everything.
func (r *renderer) all() (*supervisorconf.Conf, error) {
	conf, err := r.supervisord()
	if err != nil {
		return nil, err
	}
	rotated, err := r.logrotate()
	if err != nil {
		return conf, err
	}
	r.addStdoutLogProgram(conf)
	r.addHTTPProgram(conf)
	r.divideRotation(conf, rotated)
	r.addSupervisord(conf)
	r.addLogrotate(rotated)
	if err := r.checkLogrotate(rotated); err != nil {
		return conf, err
	}
	if err := r.filebeat(); err != nil {
		return conf, err
	}
	return conf, r.app()
}

// renderer collects the results, so that nothing is written unless all is well.
type renderer struct {
	config.Config
	env      map[string]string
	out      map[string]output // by path
	dirs     []string          // directories that hold rendered files only
	files    []string          // files to remove that this start does not write
	appDirs  []appDir          // what the application's own templates become
	appFiles []appFile
	problems []problem
	open     []problem // see Findings
	warnings []problem
	isDirs   map[string]bool // what is known of the directories that templates name
	readOnly bool            // writes nothing, not even to check
	bitsCome bool            // a start will have given the image's files execute bits
}

type output struct {
	data []byte
	perm fs.FileMode
}

// Rendered files are public where they hold no value of a variable.
const (
	public  fs.FileMode = 0o644
	private fs.FileMode = 0o600
)

func (r *renderer) add(path string, data string, perm fs.FileMode) {
	r.out[path] = output{[]byte(data), perm}
}

// owns names a directory that holds only rendered files, and rendered files in other
// directories. write removes those of them that this start does not render.
func (r *renderer) owns(dir string, files ...string) {
	r.dirs = append(r.dirs, dir)
	r.files = append(r.files, files...)
}

// templates returns the files of dir that match pattern, by name. A directory that
// is missing has no files.
func templates(dir, pattern string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		if ok, _ := filepath.Match(pattern, e.Name()); ok && !strings.HasPrefix(e.Name(), ".") && !e.IsDir() {
			names = append(names, filepath.Join(dir, e.Name()))
		}
	}
	return names, err
}

// write puts the results in place.
func (r *renderer) write() error {
	if err := r.writeConfiguration(); err != nil {
		return err
	}
	return r.writeApp()
}

// writeConfiguration writes everything but the application's own files, and removes what
// a former start rendered from templates that are gone.
func (r *renderer) writeConfiguration() error {
	for _, dir := range r.dirs {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	former, err := r.former()
	if err != nil {
		return err
	}
	for _, path := range former {
		if err := fsutil.RemoveFile(path); err != nil {
			return err
		}
	}
	for _, path := range slices.Sorted(maps.Keys(r.out)) {
		o := r.out[path]
		if err := fsutil.Update(path, o.data, o.perm); err != nil {
			return err
		}
	}
	return nil
}

// former returns what a former start may have rendered, and this one does not.
func (r *renderer) former() ([]string, error) {
	former := r.files
	for _, dir := range r.dirs {
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for _, entry := range entries {
			former = append(former, filepath.Join(dir, entry.Name()))
		}
	}
	return slices.DeleteFunc(former, func(path string) bool {
		_, rendered := r.out[path]
		return rendered
	}), nil
}

// willHave notes directories that will be there when the programs start.
func (r *renderer) willHave(dirs []string) {
	for _, dir := range dirs {
		r.isDirs[filepath.Clean(dir)] = true
	}
}
