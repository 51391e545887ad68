package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// capture runs the example as make run does, and writes what a terminal shows to
// the texts of the pictures: the start, status, and validate of a tree with mistakes.
func capture(images string) error {
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	binary := filepath.Join(root, "build", "bin", "container-manager")
	if _, err := os.Stat(binary); err != nil {
		return fmt.Errorf("%w: make build, or make pictures", err)
	}
	dir, err := os.MkdirTemp("", "pictures-")
	if err != nil {
		return err
	}
	defer func() {
		_ = exec.Command("chmod", "-R", "u+w", dir).Run()
		_ = os.RemoveAll(dir)
	}()
	start, status, err := runExample(root, binary, filepath.Join(dir, "run"))
	if err != nil {
		return err
	}
	if err := photograph(root, binary, filepath.Join(dir, "page"), filepath.Join(images, "page.png")); err != nil {
		return err
	}
	validate, err := runValidate(root, binary, filepath.Join(dir, "mistakes"))
	if err != nil {
		return err
	}
	for name, lines := range map[string]string{
		"run":      "make run\n$ make run\n" + start,
		"status":   "container-manager status\n$ IMAGE_RUN_DIR=$PWD/build/run/run build/bin/container-manager status\n" + status,
		"validate": "container-manager validate\n$ container-manager validate\n" + validate,
	} {
		text := "# Made by make pictures, from the real thing.\npicture terminal\n" + plain(lines, dir)
		if err := os.WriteFile(filepath.Join(images, name+".txt"), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// runExample starts the example, and returns what it prints until all programs are
// up, and what status prints after a first check.
func runExample(root, binary, dir string) (start, status string, err error) {
	e, err := startExample(root, binary, dir)
	if err != nil {
		return "", "", err
	}
	defer func() { err = errors.Join(err, e.end()) }()
	if _, err := e.ask("check-readiness"); err != nil {
		return "", "", err
	}
	status, err = e.ask("status")
	return strings.ReplaceAll(e.said, binary, "build/bin/container-manager"), status, err
}

// runValidate checks the example with three mistakes that are easily made.
func runValidate(root, binary, dir string) (string, error) {
	script := `set -e
mkdir "$2" && cp -R "$1/files/image/." "$1/examples/webapp/image/." "$2"
cd "$2"
sed -i 's/^autorestart/auto_restart/; s/%(ENV_APP_PORT)s/$APP_PORT/' supervisord/conf.d/app.conf
printf 'mkdir -p "$STORAGE_DATA_DIR/app"\n' >setup/run.always/10-app.sh
mv health/readiness.probes.d/check-app.sh health/readiness.probes.d/check-apps.sh
`
	if out, err := exec.Command("sh", "-c", script, "sh", root, dir).CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	cmd := exec.Command(binary, "validate")
	cmd.Env = append(os.Environ(), "IMAGE_BASE_DIR="+dir, "APP_PORT=8080", "APP_NAME=webapp")
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		return "", err
	}
	return string(out), nil
}

// What differs from run to run, and what stands in its place.
var (
	aTime  = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(,\d{3})?( UTC)?`)
	aPid   = regexp.MustCompile(`(pid |RUNNING  )(\d+)( *)`)
	uptime = regexp.MustCompile(`(RUNNING  \S+ +)(\d+s)( *)`)
	took   = regexp.MustCompile(`(\d\d:\d\d:\d\d  )(\d+ms)( *)`)
)

// plain puts what is the same each time in the place of paths, times and numbers of
// processes. Columns stay as wide as they are.
func plain(text, dir string) string {
	text = strings.ReplaceAll(text, filepath.Join(dir, "run"), "build/run")
	text = strings.ReplaceAll(text, filepath.Join(dir, "mistakes"), "/image")
	if port := os.Getenv("APP_PORT"); port != "" {
		text = strings.ReplaceAll(text, port, "8080")
	}
	text = uptime.ReplaceAllStringFunc(text, func(s string) string {
		m := uptime.FindStringSubmatch(s)
		return m[1] + fmt.Sprintf("%-*s", len(m[2])+len(m[3]), "4s")
	})
	text = took.ReplaceAllStringFunc(text, func(s string) string {
		m := took.FindStringSubmatch(s)
		return m[1] + fmt.Sprintf("%-*s", len(m[2])+len(m[3]), "9ms")
	})
	text = aTime.ReplaceAllStringFunc(text, func(s string) string {
		switch {
		case strings.HasSuffix(s, "5:00 UTC"), strings.HasSuffix(s, "0:00 UTC"):
			return "2026-01-02 03:05:00 UTC" // of every five minutes
		case strings.HasSuffix(s, " UTC"):
			return "2026-01-03" + s[len("2026-01-03"):] // of a fixed time of the day
		}
		return "2026-01-02 03:04:05,678"[:len(s)]
	})
	pids := map[string]int{}
	text = aPid.ReplaceAllStringFunc(text, func(s string) string {
		m := aPid.FindStringSubmatch(s)
		if _, ok := pids[m[2]]; !ok {
			pids[m[2]] = 101 + len(pids)
		}
		return m[1] + fmt.Sprintf("%-*d", len(m[2])+len(m[3]), pids[m[2]])
	})
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return strings.Join(lines, "\n")
}
