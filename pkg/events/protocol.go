// Package events is an event listener of supervisord: the protocol on standard
// input and output, and the pid and state files that it keeps for every process.
// See http://supervisord.org/events.html.
package events

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Event is an event as supervisord sends it.
type Event struct {
	Name    string            // PROCESS_STATE_RUNNING
	Payload map[string]string // processname, groupname, from_state, pid ...
}

// Limits on what is read into memory; an event about a process's state has some
// hundred bytes.
const (
	maxHeader  = 4 << 10
	maxPayload = 1 << 20
)

// Listen answers one event after the other until in ends. Every event counts as
// processed once handle has returned: sending it again would not help. Anything that is
// no event is an error: then the stream cannot be trusted any more, the listener ends,
// and supervisord starts it again.
func Listen(in io.Reader, out io.Writer, handle func(Event)) error {
	r := bufio.NewReaderSize(in, maxHeader)
	answer := "READY\n"
	for {
		if _, err := io.WriteString(out, answer); err != nil {
			return fmt.Errorf("cannot answer supervisord: %w", err)
		}
		event, err := read(r)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		handle(event)
		// The result and the readiness for the next event in one go: otherwise
		// supervisord's main loop has to come round twice for each.
		answer = "RESULT 2\nOKREADY\n"
	}
}

func read(r *bufio.Reader) (Event, error) {
	line, err := r.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return Event{}, fmt.Errorf("event header is longer than %d bytes: it begins with %.60q", maxHeader, line)
	case errors.Is(err, io.EOF) && len(line) > 0:
		return Event{}, fmt.Errorf("event header is cut off: %q", line)
	case err != nil:
		return Event{}, err
	}
	header := fields(string(line))
	name := header["eventname"]
	length, err := strconv.Atoi(header["len"])
	if name == "" || err != nil || length < 0 {
		return Event{}, fmt.Errorf("event header lacks eventname or len: %q", line)
	}
	if length > maxPayload {
		return Event{}, fmt.Errorf("event %s has %d characters of payload, more than %d", name, length, maxPayload)
	}
	payload, err := readRunes(r, length)
	if err != nil {
		return Event{}, fmt.Errorf("payload of event %s is cut off: %w", name, io.ErrUnexpectedEOF)
	}
	// Some events carry data behind a first line of fields.
	first, _, _ := strings.Cut(payload, "\n")
	return Event{name, fields(first)}, nil
}

// readRunes reads n characters: that is what supervisord counts.
func readRunes(r *bufio.Reader, n int) (string, error) {
	var b strings.Builder
	for range n {
		c, _, err := r.ReadRune()
		if err != nil {
			return "", err
		}
		b.WriteRune(c)
	}
	return b.String(), nil
}

// fields takes `key:value key:value` apart.
func fields(s string) map[string]string {
	m := map[string]string{}
	for _, field := range strings.Fields(s) {
		if key, value, ok := strings.Cut(field, ":"); ok {
			m[key] = value
		}
	}
	return m
}
