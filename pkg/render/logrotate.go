package render

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/fsutil"
)

// rotationFile is a file of logrotate's configuration.
type rotationFile struct {
	template, path string // path is where it is rendered
	text           string // of the template, with the values of variables
	changes        []change
	blocks         []block
	globals        []string // directives outside of blocks
	shipped        bool     // unchanged since the container manager shipped it
}

// logrotate reads the global file, which comes first, and every file of
// logrotate.d. logrotate has no variables of its own: `${NAME}` is replaced.
func (r *renderer) logrotate() ([]*rotationFile, error) {
	template := filepath.Join(r.LoggingDir, "logrotate-global.conf")
	dir := filepath.Join(filepath.Dir(LogrotateConf(r.Config)), "logrotate.d")
	r.owns(dir, LogrotateConf(r.Config))
	global, err := r.readRotation(template, LogrotateConf(r.Config))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // removed by a child image
	}
	if err != nil {
		return nil, err
	}
	snippets, err := templates(filepath.Join(r.LoggingDir, "logrotate.d"), "*")
	if err != nil {
		return nil, err
	}
	files := []*rotationFile{global}
	for _, path := range snippets {
		if isTaboo(filepath.Base(path)) {
			continue
		}
		f, err := r.readRotation(path, filepath.Join(dir, filepath.Base(path)))
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

func (r *renderer) readRotation(template, path string) (*rotationFile, error) {
	data, err := fsutil.ReadFile(template)
	if err != nil {
		return nil, fmt.Errorf("cannot read logrotate's configuration: %w", err)
	}
	f := &rotationFile{template: template, path: path, shipped: isShipped(filepath.Base(template), data)}
	f.text = r.substitute(template, string(data))
	found := parseBlocks(f.text)
	f.blocks, f.globals = found.blocks, found.globals
	return f, nil
}

// addLogrotate adds the rendered files. They are private, as they hold values.
func (r *renderer) addLogrotate(files []*rotationFile) {
	if len(files) == 0 {
		return
	}
	global, dir := files[0], filepath.Join(filepath.Dir(LogrotateConf(r.Config)), "logrotate.d")
	if r.needsSu() && !saysSu(global.text) {
		global.change(0, 0, "su root root\n") // a block's own wins
	}
	global.includeInstead(filepath.Join(r.LoggingDir, "logrotate.d"), dir)
	for _, f := range files {
		r.add(f.path, f.String(), private)
	}
}

// taboo are the ends of names that logrotate's include passes over; see
// logrotate(8).
var taboo = []string{
	",v", "~", ".bak", ".cfsaved", ".disabled", ".dpkg-bak", ".dpkg-del", ".dpkg-dist", ".dpkg-new", ".dpkg-old", ".dpkg-tmp",
	".rpmnew", ".rpmorig", ".rpmsave", ".swp", ".ucf-dist", ".ucf-new", ".ucf-old",
}

func isTaboo(name string) bool {
	return strings.Contains(name, ".rhn-cfg-tmp-") || slices.ContainsFunc(taboo, func(end string) bool { return strings.HasSuffix(name, end) })
}

// saysSu reports whether the text itself says as which user to rotate.
func saysSu(text string) bool {
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); len(words) > 1 && words[0] == "su" {
			return true
		}
	}
	return false
}

// needsSu reports whether logrotate needs to be told as which user it rotates. As
// root it refuses logs in a directory that other users can write to.
func (r *renderer) needsSu() bool {
	if os.Geteuid() != 0 {
		return false // only root can change users
	}
	dirs := []string{
		r.LogsDir, r.SupervisorLogs, filepath.Dir(r.BackupLog), filepath.Dir(r.LivenessLog), filepath.Dir(r.ReadinessLog),
	}
	slices.Sort(dirs)
	return slices.ContainsFunc(slices.Compact(dirs), func(dir string) bool {
		info, err := os.Stat(dir)
		if err != nil {
			return false
		}
		owner, ok := info.Sys().(*syscall.Stat_t)
		return info.Mode()&0o002 != 0 || info.Mode()&0o020 != 0 && ok && owner.Gid != 0
	})
}

// includeInstead makes logrotate read the directory `to` in place of `from`. When the
// text does not include `from`, logrotate reads `to` at the end.
func (f *rotationFile) includeInstead(from, to string) {
	include := "include " + to // logrotate takes the line as it is, and knows no quotes here
	at := f.includes(from)
	for _, line := range at {
		f.change(line.start, line.end, include)
	}
	if len(at) == 0 {
		f.change(len(f.text), len(f.text), "\n"+include+"\n")
	}
}

// includes returns the lines that include a directory.
func (f *rotationFile) includes(dir string) (lines []span) {
	at := 0
	for line := range strings.SplitSeq(f.text, "\n") {
		path, isInclude := strings.CutPrefix(strings.TrimSpace(line), "include")
		if isInclude && filepath.Clean(strings.Trim(path, " \t\"")) == dir {
			lines = append(lines, span{at, at + len(line)})
		}
		at += len(line) + 1
	}
	return lines
}

// scriptStarts are the words that begin a shell body in logrotate's
// configuration; endscript ends each.
var scriptStarts = []string{"prerotate", "postrotate", "firstaction", "lastaction", "preremove"}

// substitute replaces `${NAME}`. In a shell body it leaves names that are not set, and
// names whose values a shell would not take literally. The shell finds their values in
// its environment.
func (r *renderer) substitute(path, text string) string {
	lines := strings.Split(text, "\n")
	inScript := false
	for i, line := range lines {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || strings.HasPrefix(words[0], "#"):
			continue
		case inScript && words[0] == "endscript":
			inScript = false
			continue
		case !inScript && slices.Contains(scriptStarts, words[0]):
			inScript = true
			continue
		}
		lines[i] = replaceNames(line, func(name, whole string) string {
			value, set := r.env[name]
			switch {
			case set && (!inScript || isShellLiteral(value)):
				return value
			case !set && !inScript:
				r.openProblem(path, i+1, "the environment variable %s is not set: set it, empty if need be (ENV %s=\"\" in the Dockerfile)", name, name)
			}
			return whole
		})
	}
	return strings.Join(lines, "\n")
}

// replaceNames calls replace for every `${NAME}` of a line.
func replaceNames(line string, replace func(name, whole string) string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(line, "${")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed || !config.IsName(name) {
			b.WriteString("${")
			line = rest
			continue
		}
		b.WriteString(replace(name, "${"+name+"}"))
		line = after
	}
}

// isShellLiteral reports whether a shell takes the value as it is, in quotes
// and without.
func isShellLiteral(value string) bool {
	return !strings.ContainsFunc(value, func(c rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@,+=%-", c)
	})
}
