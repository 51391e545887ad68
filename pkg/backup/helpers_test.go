package backup

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/retention"
)

// volume is a container's tree and storage in a temporary directory.
type volume struct {
	Runner
	t   *testing.T
	log *bytes.Buffer
}

func newVolume(t *testing.T) *volume {
	t.Helper()
	v := &volume{t: t, log: &bytes.Buffer{}}
	v.Runner = Runner{Config: newConfig(t.TempDir()), Log: zerolog.New(zerolog.SyncWriter(io.MultiWriter(v.log, t.Output())))}
	c := v.Config
	for _, dir := range []string{c.RunDir, c.BackupScriptsDir, c.RestoreScriptsDir, c.LogsDir} {
		must(t, os.MkdirAll(dir, 0o755))
	}
	return v
}

// newConfig is what the environment would say of a container with everything
// below base.
func newConfig(base string) config.Config {
	return config.Config{
		RunDir:            filepath.Join(base, "run"),
		BackupScriptsDir:  filepath.Join(base, "image", "backup", "scripts"),
		RestoreScriptsDir: filepath.Join(base, "image", "restore", "scripts"),
		StorageBaseDir:    filepath.Join(base, "storage"),
		BackupDir:         filepath.Join(base, "storage", "backup"),
		LogsDir:           filepath.Join(base, "storage", "logs"),
		BackupRetention:   retention.Policy{Newest: 3},
		Environ:           os.Environ(),
		BackupPostDir:     filepath.Join(base, "image", "backup", "post.d"),
		AgeIdentities:     filepath.Join(base, "image", "secrets", "identity"),
		DataDir:           filepath.Join(base, "storage", "data"),
		ConfDir:           filepath.Join(base, "storage", "conf"),
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// write writes a file below the volume's base directory.
func write(t *testing.T, path, content string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, []byte(content), 0o644))
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	must(t, err)
	return string(data)
}

func (v *volume) backupScript(name, body string) {
	putScript(v.t, filepath.Join(v.Config.BackupScriptsDir, name), body)
}

func (v *volume) restoreScript(name, body string) {
	putScript(v.t, filepath.Join(v.Config.RestoreScriptsDir, name), body)
}

func putScript(t *testing.T, path, body string) {
	t.Helper()
	write(t, path, "#!/bin/sh\n"+body+"\n")
	must(t, os.Chmod(path, 0o755))
}

const oneLine = "#!/usr/bin/container-manager script\n"

// names lists a directory, without what is hidden.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	var names []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	return names
}

// logs reports whether the log has a text.
func (v *volume) logs(text string) bool { return strings.Contains(v.log.String(), text) }

// wantLog fails unless the log has all the texts.
func (v *volume) wantLog(texts ...string) {
	v.t.Helper()
	for _, text := range texts {
		if !v.logs(text) {
			v.t.Errorf("the log lacks %s", text)
		}
	}
}

// wantError fails unless an error has all the texts.
func wantError(t *testing.T, err error, texts ...string) {
	t.Helper()
	if err == nil {
		t.Error("there is no error")
		return
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("the error %q lacks %q", err, text)
		}
	}
}

// noLeftovers fails when a run has left anything but archives behind.
func (v *volume) noLeftovers() {
	v.t.Helper()
	entries, err := os.ReadDir(v.Config.BackupDir)
	must(v.t, err)
	for _, e := range entries {
		if isJournal(e.Name()) || isLeftover(e) {
			v.t.Errorf("%s was left behind", e.Name())
		}
	}
	must(v.t, filepath.WalkDir(v.Config.StorageBaseDir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasPrefix(d.Name(), stageMark) {
			v.t.Errorf("%s was left behind", path)
		}
		return nil
	}))
}
