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

// logrotate renders the global file and every file of logrotate.d. logrotate
// has no variables of its own: `${NAME}` is replaced. The results are private,
// as they hold values.
func (r *renderer) logrotate() error {
	template := filepath.Join(r.LoggingDir, "logrotate-global.conf")
	dir := filepath.Join(filepath.Dir(LogrotateConf(r.Config)), "logrotate.d")
	r.owns(dir, LogrotateConf(r.Config))
	global, err := fsutil.ReadFile(template)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // removed by a child image
	}
	if err != nil {
		return fmt.Errorf("cannot read logrotate's configuration: %w", err)
	}
	snippets, err := templates(filepath.Join(r.LoggingDir, "logrotate.d"), "*")
	if err != nil {
		return err
	}
	text := r.substitute(template, string(global))
	if r.needsSu() && !saysSu(text) {
		text = "su root root\n" + text // a block's own wins
	}
	r.add(LogrotateConf(r.Config), includeInstead(text, filepath.Join(r.LoggingDir, "logrotate.d"), dir), private)
	for _, path := range snippets {
		if isTaboo(filepath.Base(path)) {
			continue
		}
		data, err := fsutil.ReadFile(path)
		if err != nil {
			return fmt.Errorf("cannot read logrotate's configuration: %w", err)
		}
		r.add(filepath.Join(dir, filepath.Base(path)), r.substitute(path, string(data)), private)
	}
	return nil
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

// saysSu reports whether a child image says itself as whom to rotate.
func saysSu(text string) bool {
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); len(words) > 1 && words[0] == "su" {
			return true
		}
	}
	return false
}

// needsSu reports whether logrotate, as root, would rotate none of the logs
// unless it is told as whom: others than root can write to their directory.
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

// includeInstead makes logrotate read the directory `to` where it would have
// read `from`, and in any case.
func includeInstead(text, from, to string) string {
	lines := strings.Split(text, "\n")
	include, found := "include "+to, false // logrotate takes the line as it is, and knows no quotes here
	for i, line := range lines {
		path, isInclude := strings.CutPrefix(strings.TrimSpace(line), "include")
		if isInclude && filepath.Clean(strings.Trim(path, " \t\"")) == from {
			lines[i], found = include, true
		}
	}
	if !found {
		lines = append(lines, include, "")
	}
	return strings.Join(lines, "\n")
}

// scriptStarts are the words that begin a shell body in logrotate's
// configuration; endscript ends each.
var scriptStarts = []string{"prerotate", "postrotate", "firstaction", "lastaction", "preremove"}

// substitute replaces `${NAME}`. In a shell body every name that is not set, and
// every value that a shell would not take literally, is left for the shell: it
// finds the value in its environment.
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
				r.problem(path, i+1, "the environment variable %s is not set: set it, empty if need be (ENV %s=\"\" in the Dockerfile)", name, name)
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
