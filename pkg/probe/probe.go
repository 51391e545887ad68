// Package probe asks whether something is healthy, in the ways that most probes
// need: by HTTP, by TCP, and by the age of a file. An error says what is wrong.
package probe

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// TargetError says that nobody can ask a target, whatever happens.
type TargetError struct{ Target, Expected string }

func (e *TargetError) Error() string { return fmt.Sprintf("%q: %s", e.Target, e.Expected) }

// TCP connects to HOST:PORT, and hangs up.
func TCP(ctx context.Context, address string) error {
	if _, port, err := net.SplitHostPort(address); err != nil || !isPort(port) {
		return &TargetError{address, "expected HOST:PORT such as 127.0.0.1:5432"}
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("cannot connect to %s: %w", address, reason(ctx, err))
	}
	return conn.Close()
}

// isPort reports whether a port is a number, or a service that the system knows.
func isPort(port string) bool {
	n, err := net.LookupPort("tcp", port)
	return err == nil && n > 0
}

// File wants a file to be there and, unless newer is 0, to have been changed
// less than that ago.
func File(path string, newer time.Duration, now time.Time) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("%s: %w", path, reason(context.Background(), err))
	}
	if age := now.Sub(info.ModTime()); newer > 0 && age >= newer {
		return fmt.Errorf("%s was last changed %s ago, which is not newer than %s", path, age.Round(time.Second), newer)
	}
	return nil
}

// reason is what an error says at its heart: what was asked of whom stands in
// front of it.
func reason(ctx context.Context, err error) error {
	var dns *net.DNSError
	var errno unix.Errno
	var path *fs.PathError
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &dns):
		return fmt.Errorf("the name %s has no address", dns.Name)
	case errors.As(err, &errno):
		return errno
	case errors.As(err, &path):
		return path.Err
	}
	return err
}
