package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// example is the example app as make run runs it.
type example struct {
	binary, dir string
	cmd         *exec.Cmd
	said        string // until all programs were up
}

// startExample starts the example below a directory, and waits until all programs are up.
func startExample(root, binary, dir string, environ ...string) (*example, error) {
	log, err := os.Create(dir + ".log")
	if err != nil {
		return nil, err
	}
	defer log.Close()
	e := &example{binary: binary, dir: dir, cmd: exec.Command(filepath.Join(root, "test", "run-example.sh"), binary, dir)}
	e.cmd.Stdout, e.cmd.Stderr = log, log
	e.cmd.Env = append(append(os.Environ(), "TZ=UTC"), environ...)
	if err := e.cmd.Start(); err != nil {
		return nil, err
	}
	const last = " s after the start\n"
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		text, err := os.ReadFile(log.Name())
		if err == nil && time.Now().After(deadline) {
			err = fmt.Errorf("the example does not come up:\n%s", text)
		}
		if err != nil {
			_ = e.end()
			return nil, err
		}
		if before, _, ok := bytes.Cut(text, []byte(last)); ok {
			e.said = string(before) + last
			return e, nil
		}
	}
}

// ask runs one of our commands beside it.
func (e *example) ask(args ...string) (string, error) {
	cmd := exec.Command(e.binary, args...)
	cmd.Env = append(os.Environ(), "TZ=UTC", "IMAGE_RUN_DIR="+filepath.Join(e.dir, "run"), "PATH="+filepath.Dir(e.binary)+":"+os.Getenv("PATH"))
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%v: %w", args, err)
	}
	return string(out), nil
}

func (e *example) end() error {
	_ = e.cmd.Process.Signal(syscall.SIGTERM)
	return e.cmd.Wait()
}
