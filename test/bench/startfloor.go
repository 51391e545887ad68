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

// buildFloor builds the program that does with files what a start does, as the binary
// itself is built.
func buildFloor(dir string) (string, error) {
	path := filepath.Join(dir, "floor")
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", path, "./test/bench/floor")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	return path, cmd.Run()
}

// opened and made match the calls that strace shows with what they have opened or made.
var (
	opened = regexp.MustCompile(`^\d+ +openat\(.*, (O_[A-Z_|]+)(?:, 0\d+)?\) = \d+<(.*)>$`)
	made   = regexp.MustCompile(`^\d+ +mkdirat\([^<]*<[^>]*>, "(/.*)", 0\d+\) = 0$`)
)

// fileActions runs a start below strace, and returns what it does with files below its
// tree, in the form that floor reads.
func (t *tree) fileActions(command string) (list string, err error) {
	log := t.path("strace")
	// The runtime's threads would tear calls apart.
	cmd := exec.Command("strace", "-f", "-y", "-e", "trace=openat,mkdirat", "-e", "signal=none", "-q", "-o", log, t.bin, "run", command)
	cmd.Env = append(t.env[:len(t.env):len(t.env)], "GOMAXPROCS=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("strace: %w\n%s", err, out)
	}
	data, err := os.ReadFile(log)
	if err != nil {
		return "", err
	}
	var actions strings.Builder
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if m := made.FindStringSubmatch(line); m != nil {
			t.action(&actions, "mkdir", m[1])
		}
		m := opened.FindStringSubmatch(line)
		switch {
		case m == nil:
		case strings.Contains(m[1], "O_CREAT"):
			t.action(&actions, "write", m[2])
		case strings.Contains(m[1], "O_DIRECTORY"):
			t.action(&actions, "list", m[2])
		default:
			t.action(&actions, "read", m[2])
		}
	}
	if actions.Len() == 0 {
		return "", errors.New("strace shows no file that a start reads")
	}
	return actions.String(), nil
}

// temporary matches the name under which a file is written before it gets its own.
var temporary = regexp.MustCompile(`/\.([^/]+)\.\d+$`)

// typicalSize is that of a file which is made and no longer there.
const typicalSize = 1000

// action notes one action, if it is about a file of the tree that can be found again.
func (t *tree) action(list *strings.Builder, what, path string) {
	path = temporary.ReplaceAllString(path, "/$1")
	below, ok := strings.CutPrefix(path, t.root)
	if !ok {
		return
	}
	info, err := os.Stat(path)
	size := int64(typicalSize)
	switch {
	case err == nil && info.IsDir() && what == "read":
		what = "list"
	case err == nil && !info.IsDir():
		size = info.Size()
	case err != nil && (what == "read" || what == "list"):
		return
	}
	fmt.Fprintf(list, "%s %d %s\n", what, size, below)
}
