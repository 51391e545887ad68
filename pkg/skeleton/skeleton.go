// Package skeleton writes a child image to begin with.
package skeleton

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

//go:embed all:child
var child embed.FS

// Write makes the directory with a child image of that name. It overwrites nothing.
func Write(dir, name string) error {
	if err := Check(name); err != nil {
		return err
	}
	switch entries, err := os.ReadDir(dir); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case len(entries) > 0:
		return fmt.Errorf("%s is there already, and not empty: name another image, or remove it", dir)
	}
	// The name of a variable has no dash.
	variable := strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
	replace := strings.NewReplacer("@name@", name, "@NAME@", variable)
	return fs.WalkDir(child, "child", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(dir, strings.ReplaceAll(strings.TrimPrefix(path, "child"), "NAME", name))
		if entry.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		data, err := child.ReadFile(path)
		if err != nil {
			return err
		}
		perm := fs.FileMode(0o644)
		if filepath.Ext(path) == ".sh" {
			perm = 0o755
		}
		return os.WriteFile(to, []byte(replace.Replace(string(data))), perm)
	})
}

// Check says what is wrong with the name of an image. It becomes the name of a container,
// of a Service and, in capitals, of variables.
func Check(name string) error {
	if !regexp.MustCompile(`^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$`).MatchString(name) {
		return fmt.Errorf("%q cannot be the name of an image here: take lower-case letters, digits and -, beginning with a letter, at most 63 of them", name)
	}
	for _, taken := range []string{"image", "storage", "logging", "crond", "filebeat", "health", "app", "supervisor", "process", "logs"} {
		if name == taken {
			return fmt.Errorf("%q is a name of the base image's own: take another one", name)
		}
	}
	return nil
}
