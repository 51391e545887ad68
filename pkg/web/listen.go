package web

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ZPascal/container-manager/pkg/fsutil"
)

// The time between two attempts to listen doubles from firstRetry up to lastRetry.
const (
	firstRetry = 500 * time.Millisecond
	lastRetry  = 10 * time.Second
)

// listen tries until it can listen. It says once why it cannot, and then that it can. The
// error is that of ctx.
func (s *Server) listen(ctx context.Context) (net.Listener, error) {
	said := ""
	for delay := firstRetry; ; delay = min(2*delay, lastRetry) {
		l, err := s.tryListen(ctx)
		if err == nil {
			s.Log.Info().Msgf("listening on %s", s.Config.HTTPAddress)
			return l, nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if text := err.Error(); text != said {
			said = text
			s.Log.Error().Msg(text)
			if s.Tell != nil {
				s.Tell(text)
			}
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(delay):
		}
	}
}

func (s *Server) tryListen(ctx context.Context) (net.Listener, error) {
	network, address := s.Config.ListenAddress()
	if network == "unix" {
		return s.listenUnix(ctx, address)
	}
	l, err := new(net.ListenConfig).Listen(ctx, network, address)
	if err == nil {
		return l, nil
	}
	text := fsutil.Cause(err)
	if call, ok := errors.AsType[*os.SyscallError](err); ok {
		text = call.Err
	}
	who := ""
	switch {
	case errors.Is(err, unix.EADDRINUSE):
		who = ": " + holderOf(address)
	case errors.Is(err, unix.EADDRNOTAVAIL):
		who = ": no interface of this container has that address"
	case errors.Is(err, unix.EACCES):
		who = ": a port below 1024 may need root"
	}
	return nil, fmt.Errorf("cannot listen on IMAGE_HTTP_ADDRESS=%s: %w%s; trying again", address, text, who)
}

// listenUnix listens on a socket. It removes one that nobody listens on any more, and
// nothing else.
func (s *Server) listenUnix(ctx context.Context, path string) (net.Listener, error) {
	cannot := func(err error) error {
		return fmt.Errorf("cannot listen on IMAGE_HTTP_ADDRESS=unix:%s: %w; trying again", path, err)
	}
	info, err := os.Lstat(path)
	switch {
	case err == nil && info.Mode()&fs.ModeSocket == 0:
		return nil, cannot(errors.New("there is something else than a socket of that name: name another path"))
	case err == nil:
		if conn, err := new(net.Dialer).DialContext(ctx, "unix", path); err == nil {
			_ = conn.Close()
			return nil, cannot(errors.New("another process listens there"))
		}
		if err := os.Remove(path); err != nil {
			return nil, cannot(err)
		}
	}
	l, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	if err != nil {
		return nil, cannot(fsutil.Cause(err))
	}
	return l, nil
}
