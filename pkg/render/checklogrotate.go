package render

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/ZPascal/container-manager/pkg/fsutil"
)

// checkLogrotate lets logrotate itself check the files of a child image. This costs
// milliseconds, so it is left out when all files are as shipped, and when the last start
// has rendered, and so checked, the same files.
func (r *renderer) checkLogrotate(files []*rotationFile) error {
	if r.readOnly {
		return nil
	}
	program, err := exec.LookPath("logrotate")
	if err != nil {
		program = "/usr/sbin/logrotate" // where the PATH of a user other than root does not lead
	}
	if _, err := os.Stat(program); err != nil || len(r.problems)+len(r.open) > 0 || !r.areNew(files) {
		return nil
	}
	from := filepath.Dir(LogrotateConf(r.Config))
	to := filepath.Join(from, ".check")
	defer os.RemoveAll(to)
	if err := errors.Join(os.RemoveAll(to), os.Mkdir(to, 0o700)); err != nil {
		return fmt.Errorf("cannot check logrotate's configuration: %w", err)
	}
	copied := func(path string) string { return to + strings.TrimPrefix(path, from) }
	if err := os.Mkdir(copied(filepath.Join(from, "logrotate.d")), 0o700); err != nil {
		return fmt.Errorf("cannot check logrotate's configuration: %w", err)
	}
	for _, f := range files {
		text := f.String()
		if f == files[0] {
			text = strings.ReplaceAll(text, "include "+from, "include "+to)
		}
		if err := os.WriteFile(copied(f.path), []byte(text), private); err != nil {
			return fmt.Errorf("cannot check logrotate's configuration: %w", err)
		}
	}
	cmd := exec.Command(program, "-d", "-s", filepath.Join(to, "state"), copied(files[0].path))
	cmd.Env = r.Environ
	output, err := cmd.CombinedOutput()
	if ended := (*exec.ExitError)(nil); err != nil && !errors.As(err, &ended) {
		return fmt.Errorf("cannot check logrotate's configuration: %w", err)
	}
	for _, f := range files {
		r.reportErrors(f, string(output), copied(f.path))
	}
	return nil
}

// areNew reports whether there is something to check: a file that is not shipped, and a
// difference from what the last start has rendered.
func (r *renderer) areNew(files []*rotationFile) bool {
	if !slices.ContainsFunc(files, func(f *rotationFile) bool { return !f.shipped }) {
		return false
	}
	return slices.ContainsFunc(files, func(f *rotationFile) bool {
		former, err := fsutil.ReadFile(f.path)
		return err != nil || !bytes.Equal(former, r.out[f.path].data)
	})
}

// reportErrors finds what logrotate says about a file: `error: NAME:LINE text`,
// with a comma or blank here and there, and without the line where the end is
// missing. It names the file as it was given it, those that it includes without
// their directory.
func (r *renderer) reportErrors(f *rotationFile, output, path string) {
	_, lines := f.apply()
	for line := range strings.Lines(output) {
		text, isError := strings.CutPrefix(strings.TrimSpace(line), "error: ")
		rest, named := strings.CutPrefix(text, path+":")
		if !named {
			rest, named = strings.CutPrefix(text, filepath.Base(path)+":")
		}
		if !isError || !named {
			continue
		}
		rest = strings.TrimLeft(rest, " ")
		digits := rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
		number, _ := strconv.Atoi(digits)
		at := noLine
		if number > 0 {
			at = lines[min(number, len(lines))-1]
		}
		r.problem(f.template, at, "logrotate: %s", strings.TrimLeft(rest[len(digits):], " ,:"))
	}
}
