package fsutil

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// ErrLocked says that somebody else holds the lock.
var ErrLocked = errors.New("locked by another process")

// lockRetry is how often a waiting Lock asks again. The kernel can wake a
// waiter itself, but not one that a signal must be able to stop.
const lockRetry = 50 * time.Millisecond

// Lock is an flock(2) on a file. The kernel releases it when its holder dies,
// so no lock is ever left behind.
type Lock struct{ f *os.File }

// TryLock takes the lock on path, which is created when it is missing, or
// returns ErrLocked at once.
func TryLock(path string) (*Lock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o664)
	if errors.Is(err, fs.ErrPermission) {
		// A lock file of another user can be locked by every user who may read it.
		if theirs, readErr := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW, 0); readErr == nil {
			f, err = theirs, nil
		}
	}
	if err != nil {
		return nil, cannot("lock", path, path, err)
	}
	for {
		switch err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err {
		case nil:
			return &Lock{f}, nil
		case unix.EINTR:
			continue
		case unix.EWOULDBLOCK:
			err = ErrLocked
		default:
			err = cannot("lock", path, path, err)
		}
		_ = f.Close()
		return nil, err
	}
}

// WaitLock takes the lock on path, waiting for as long as ctx allows. It calls
// waiting once when it has to.
func WaitLock(ctx context.Context, path string, waiting func()) (*Lock, error) {
	retry := time.NewTicker(lockRetry)
	defer retry.Stop()
	for first := true; ; first = false {
		l, err := TryLock(path)
		if !errors.Is(err, ErrLocked) {
			return l, err
		}
		if first {
			waiting()
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-retry.C:
		}
	}
}

// Unlock releases the lock. The file stays: removing it would let two holders
// in.
func (l *Lock) Unlock() error { return l.f.Close() }
