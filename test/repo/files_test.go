package repo

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// filesDir is the tree that an image adds at its root.
const filesDir = "../../files"

// pythonLine is what a built-in file holds: for the kernel the first line, and for
// Python a second one that runs the binary. restore.py has a function besides, which
// a run.py of the Python version calls.
var pythonLine = regexp.MustCompile(`^#!/usr/bin/container-manager script
import os, (subprocess, sys; restore_data = lambda file: subprocess\.check_call\(\[__file__, file\]\)|sys); ` +
	regexp.QuoteMeta(`__name__ == "__main__" and os.execvp("container-manager", ["container-manager", "script"] + sys.argv)`) + `
$`)

// kind is what a name of the tree stands for.
type kind string

const (
	entry    kind = "built-in file" // the binary, by the name of the file
	template kind = "template"
	module   kind = "module"
	keep     kind = "placeholder" // keeps a directory that git would drop
	empty    kind = "empty"       // what the start replaces by a link
)

// promised are the names that child images, manifests and people rely on.
var promised = map[string]kind{
	"run.py":               entry,
	"etc/supervisord.conf": template,

	"image/app/.gitkeep":     keep,
	"image/secrets/.gitkeep": keep,
	"image/utils.py":         module,

	"image/backup/backup.py":                              entry,
	"image/backup/scripts/backup-logs.py":                 entry,
	"image/config/env":                                    empty,
	"image/cron/cron.py":                                  entry,
	"image/cron/kubernetes":                               template,
	"image/health/check-liveness.py":                      entry,
	"image/health/check-readiness.py":                     entry,
	"image/health/liveness.probes.d/check-base.py":        entry,
	"image/health/readiness.probes.d/.gitkeep":            keep,
	"image/logging/filebeat-global.yml":                   template,
	"image/logging/filebeat.d/filebeat-backup.yml":        template,
	"image/logging/filebeat.d/filebeat-crond.yml":         template,
	"image/logging/filebeat.d/filebeat-supervisor.yml":    template,
	"image/logging/logrotate-global.conf":                 template,
	"image/logging/logrotate.d/logrotate-backup.conf":     template,
	"image/logging/logrotate.d/logrotate-crond.conf":      template,
	"image/logging/logrotate.d/logrotate-supervisor.conf": template,
	"image/notify.d/webhook.py":                           entry,
	"image/restore/restore.py":                            entry,
	"image/restore/scripts/restore-logs.py":               entry,
	"image/supervisord/conf.d/00-crond.conf":              template,
	"image/supervisord/conf.d/01-filebeat.conf":           template,
	"image/supervisord/eventlistener.py":                  entry,
	"image/supervisord/global.conf":                       template,

	"image/setup/run.always/00-configure-environment.py": entry,
	"image/setup/run.always/01-configure-backup.py":      entry,
	"image/setup/run.always/02-configure-cron.py":        entry,
	"image/setup/run.always/03-configure-health.py":      entry,
	"image/setup/run.always/04-configure-filebeat.py":    entry,
	"image/setup/run.always/05-configure-logrotate.py":   entry,
	"image/setup/run.once/00-create-storage-dirs.py":     entry,
}

func TestTreeHoldsExactlyThePromisedNames(t *testing.T) {
	got := map[string]kind{}
	err := filepath.WalkDir(filesDir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == "__pycache__" {
			return fs.SkipDir // Python's, after utils.py was imported
		}
		if !d.IsDir() {
			name, err := filepath.Rel(filesDir, path)
			got[filepath.ToSlash(name)] = kindOf(t, path)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(promised)) {
		if got[name] != promised[name] {
			t.Errorf("files/%s is %q, want %q: the list of what files/ holds is promised in test/repo/files_test.go", name, got[name], promised[name])
		}
		delete(got, name)
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		t.Errorf("files/%s (%s) is not in the list of promised names: add it to promised in test/repo/files_test.go", name, got[name])
	}
}

// kindOf looks at content and mode; what it cannot name is described instead.
func kindOf(t *testing.T, path string) kind {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		target, err := os.Readlink(path)
		if err != nil {
			t.Fatal(err)
		}
		return kind(target)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	executable := info.Mode()&0o111 == 0o111
	switch base := filepath.Base(path); {
	case pythonLine.Match(content) && executable:
		return entry
	case executable:
		return "an executable that is not built in"
	case strings.HasPrefix(string(content), "#!"):
		return "a script without execute bits"
	case base == ".gitkeep" && len(content) == 0:
		return keep
	case len(content) == 0:
		return empty
	case base == "utils.py":
		return module
	default:
		return template
	}
}
