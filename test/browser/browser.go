// Package browser looks at pages with Chromium, without a window, for tests and for the
// pictures of the documents.
//
// It speaks the DevTools protocol over two pipes (--remote-debugging-pipe): JSON messages
// that end with a zero byte, on the browser's file descriptors 3 and 4. See
// https://chromedevtools.github.io/devtools-protocol.
package browser

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
)

// Browser is a Chromium that runs, with one page.
type Browser struct {
	cmd     *exec.Cmd
	to      io.WriteCloser
	from    *bufio.Reader
	session string
	calls   int
	// Complaints is what the browser has logged of pages: what a policy forbids, what
	// cannot be loaded, and the errors of scripts.
	Complaints []string
}

// Start starts Chromium, which dies with ctx. It keeps its profile in a directory.
func Start(ctx context.Context, dir string) (*Browser, error) {
	theirIn, to, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer theirIn.Close()
	from, theirOut, err := os.Pipe()
	if err != nil {
		_ = to.Close()
		return nil, err
	}
	defer theirOut.Close()
	// Root has no sandbox. Containers have a small /dev/shm.
	cmd := exec.CommandContext(ctx, "chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
		"--no-first-run", "--disable-background-networking", "--user-data-dir="+dir, "--remote-debugging-pipe")
	cmd.ExtraFiles = []*os.File{theirIn, theirOut}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // its processes are ended together
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	if err := cmd.Start(); err != nil {
		_, _ = to.Close(), from.Close()
		return nil, fmt.Errorf("cannot start chromium: %w: test/install.sh test installs it", err)
	}
	b := &Browser{cmd: cmd, to: to, from: bufio.NewReader(from)}
	if err := b.open(); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

// Close ends the browser.
func (b *Browser) Close() {
	_ = b.cmd.Cancel()
	_ = b.cmd.Wait()
	_ = b.to.Close()
}

// open opens an empty page.
func (b *Browser) open() error {
	var target struct{ TargetID string }
	if err := b.call("Target.createTarget", object{"url": "about:blank"}, &target); err != nil {
		return err
	}
	var attached struct{ SessionID string }
	if err := b.call("Target.attachToTarget", object{"targetId": target.TargetID, "flatten": true}, &attached); err != nil {
		return err
	}
	b.session = attached.SessionID
	return errors.Join(b.call("Page.enable", nil, nil), b.call("Log.enable", nil, nil), b.call("Runtime.enable", nil, nil))
}

type object map[string]any

// message is an answer to a call, or an event.
type message struct {
	ID     int             `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Message string `json:"message"`
	} `json:"error"`
}

// call calls a method of the protocol.
func (b *Browser) call(method string, params object, result any) error {
	b.calls++
	request := object{"id": b.calls, "method": method}
	if params != nil {
		request["params"] = params
	}
	if b.session != "" {
		request["sessionId"] = b.session
	}
	data, err := json.Marshal(request)
	if err != nil {
		return err
	}
	if _, err := b.to.Write(append(data, 0)); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	answer, err := b.receive(func(m message) bool { return m.ID == b.calls })
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", method, err)
	case answer.Error != nil:
		return fmt.Errorf("%s: %s", method, answer.Error.Message)
	case result == nil:
		return nil
	}
	return json.Unmarshal(answer.Result, result)
}

// receive reads messages up to the one that is wanted.
func (b *Browser) receive(wanted func(message) bool) (message, error) {
	for {
		data, err := b.from.ReadBytes(0)
		if err != nil {
			return message{}, fmt.Errorf("chromium has ended: %w", err)
		}
		var m message
		if err := json.Unmarshal(data[:len(data)-1], &m); err != nil {
			return message{}, err
		}
		switch m.Method {
		case "Log.entryAdded", "Runtime.exceptionThrown", "Page.javascriptDialogOpening":
			b.Complaints = append(b.Complaints, m.Method+" "+string(m.Params))
		}
		if wanted(m) {
			return m, nil
		}
	}
}
