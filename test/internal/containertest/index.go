package containertest

import (
	"archive/zip"
	"embed"
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// index holds the modules of the stand-in for Python's package index.
//
//go:embed index
var index embed.FS

// indexed are their versions.
var indexed = map[string]string{"crontab": "1.0.5", "greeting": "1.0"}

// PackageIndex returns the arguments that give pip in a build the packages of a
// stand-in for the package index.
func (p *Podman) PackageIndex() ([]string, error) {
	dir := filepath.Join(p.dir, "index")
	conf := filepath.Join(dir, "pip.conf")
	errs := []error{
		os.MkdirAll(dir, 0o755),
		os.WriteFile(conf, []byte("[global]\nno-index = true\nfind-links = /wheels\n"), 0o644),
	}
	for name, version := range indexed {
		errs = append(errs, writeWheel(dir, name, version))
	}
	return []string{"--volume=" + dir + ":/wheels:ro", "--volume=" + conf + ":/etc/xdg/pip/pip.conf:ro"}, errors.Join(errs...)
}

// writeWheel packs a module as pip installs it.
func writeWheel(dir, name, version string) error {
	module, err := index.ReadFile("index/" + name + ".py")
	if err != nil {
		return err
	}
	release := name + "-" + version
	info := release + ".dist-info/"
	files := [][2]string{
		{name + ".py", string(module)},
		{info + "METADATA", "Metadata-Version: 2.1\nName: " + name + "\nVersion: " + version + "\n"},
		{info + "WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"},
	}
	var record strings.Builder
	for _, file := range files {
		record.WriteString(file[0] + ",,\n")
	}
	files = append(files, [2]string{info + "RECORD", record.String() + info + "RECORD,,\n"})
	wheel, err := os.Create(filepath.Join(dir, release+"-py3-none-any.whl"))
	if err != nil {
		return err
	}
	defer wheel.Close()
	archive := zip.NewWriter(wheel)
	for _, file := range files {
		w, err := archive.Create(file[0])
		if err != nil {
			return err
		}
		if _, err := w.Write([]byte(file[1])); err != nil {
			return err
		}
	}
	return archive.Close()
}
