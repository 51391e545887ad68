package render

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ZPascal/container-manager/pkg/fsutil"
)

// app renders the application's own templates: every file below IMAGE_TEMPLATES_DIR, to
// the same path below IMAGE_TEMPLATES_TARGET.
func (r *renderer) app() error {
	entries, err := os.ReadDir(r.TemplatesDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot read the application's templates: %w", err)
	}
	if r.TemplatesTarget == r.TemplatesDir || strings.HasPrefix(r.TemplatesTarget, r.TemplatesDir+"/") {
		r.problem(r.TemplatesDir, noLine, "IMAGE_TEMPLATES_TARGET=%s lies in this directory, so the next start would take what is rendered for templates: name a directory outside", r.TemplatesTarget)
		return nil
	}
	return r.appDir("", entries)
}

// appDir renders a directory of templates. dir is relative to the directory of all.
func (r *renderer) appDir(dir string, entries []fs.DirEntry) error {
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), "..") {
			continue // Kubernetes keeps the files of a ConfigMap there, and links to them
		}
		name := filepath.Join(dir, entry.Name())
		path := filepath.Join(r.TemplatesDir, name)
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			err = nil
			r.problem(path, noLine, "is a link that leads nowhere: remove it, or make it lead to a file")
		case err != nil:
			return fmt.Errorf("cannot read the application's templates: %w", err)
		case info.Mode().IsRegular():
			err = r.appFile(name, path, info.Mode().Perm())
		case entry.IsDir():
			err = r.appSubdir(name, path, info.Mode().Perm())
		default:
			r.problem(path, noLine, "is neither a file, nor a directory, nor a link to a file: copy what it stands for in its place")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *renderer) appSubdir(name, path string, perm fs.FileMode) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return fmt.Errorf("cannot read the application's templates: %w", err)
	}
	r.appDirs = append(r.appDirs, appDir{filepath.Join(r.TemplatesTarget, name), writable(perm)})
	return r.appDir(name, entries)
}

// appFile renders a template. A file with a NUL byte is no text, and stays as it is.
func (r *renderer) appFile(name, path string, perm fs.FileMode) error {
	data, err := fsutil.ReadFile(path)
	if err != nil {
		return fmt.Errorf("cannot read the application's templates: %w", err)
	}
	if bytes.IndexByte(data, 0) < 0 {
		data = []byte(r.replaceVariables(path, string(data)))
	}
	r.appFiles = append(r.appFiles, appFile{filepath.Join(r.TemplatesTarget, name), output{data, writable(perm)}})
	return nil
}

// writable is the mode of what is rendered from a template: the template's, which the
// lock-down has taken the write bits of, with the owner's write bit.
func writable(perm fs.FileMode) fs.FileMode { return perm&^0o222 | 0o200 }

// replaceVariables replaces `${NAME}` and `${NAME:-default}`.
func (r *renderer) replaceVariables(path, text string) string {
	var b strings.Builder
	line := 1
	for {
		before, rest, found := strings.Cut(text, "${")
		b.WriteString(before)
		line += strings.Count(before, "\n")
		if !found {
			return b.String()
		}
		v, ok := parseVariable(rest)
		if !ok {
			b.WriteString("${")
			text = rest
			continue
		}
		b.WriteString(r.valueOf(v, path, line))
		text = rest[v.length:]
	}
}

// valueOf returns what stands for a variable, and reports that there is nothing.
func (r *renderer) valueOf(v variable, path string, line int) string {
	value, set := r.env[v.name]
	switch {
	case v.hasDefault && strings.Contains(v.byDefault, "${"):
		r.problem(path, line, "the default of %s holds another ${...}, and a default is taken as it stands: set %s in a run.always step or the Dockerfile", v.name, v.name)
	case v.hasDefault && value == "":
		return v.byDefault
	case !set && !v.hasDefault:
		r.openProblem(path, line, "the environment variable %s is not set: set it, empty if need be (ENV %s=\"\" in the Dockerfile), or give it a default (${%s:-}); for a ${%s} that is not ours, write ${DOLLAR:-$}{%s}%s",
			v.name, v.name, v.name, v.name, v.name, r.noTemplates())
	}
	return value
}

// noTemplates says how nothing is rendered, for an old image that has files of its own in
// that directory. It says so in the first of their problems only.
func (r *renderer) noTemplates() string {
	if slices.ContainsFunc(r.open, func(p problem) bool { return strings.HasPrefix(p.file, r.TemplatesDir+"/") }) {
		return ""
	}
	return fmt.Sprintf("; if the files in %s are no templates, ENV IMAGE_TEMPLATES_DIR=%s leaves them alone", r.TemplatesDir, filepath.Join(r.BaseDir, "none"))
}
