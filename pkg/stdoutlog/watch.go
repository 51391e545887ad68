package stdoutlog

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// watcher reports each new file at once, and the next change of each file that is armed.
// If it watched for every change, a busy log would wake us for each write.
type watcher struct {
	f    *os.File
	dirs map[int32]string
	wake chan struct{} // has an element when something has changed
}

func newWatcher(dirs []string) (*watcher, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("inotify_init1", err)
	}
	w := &watcher{f: os.NewFile(uintptr(fd), "inotify"), dirs: map[int32]string{}, wake: make(chan struct{}, 1)}
	for _, dir := range dirs {
		wd, err := unix.InotifyAddWatch(fd, dir, unix.IN_CREATE|unix.IN_MOVED_TO|unix.IN_ONLYDIR)
		if err != nil {
			_ = w.f.Close()
			return nil, fmt.Errorf("inotify_add_watch %s: %w", dir, err)
		}
		w.dirs[int32(wd)] = dir
	}
	return w, nil
}

// arm makes the next change of a file wake us.
func (w *watcher) arm(f *file) error {
	conn, err := w.f.SyscallConn()
	if err != nil {
		return err
	}
	control := conn.Control(func(fd uintptr) {
		_, err = unix.InotifyAddWatch(int(fd), fmt.Sprintf("/proc/self/fd/%d", f.Fd()), unix.IN_MODIFY|unix.IN_ONESHOT)
	})
	if control != nil {
		return control
	}
	return err
}

// run reads events until the watcher is closed. created is called with the path
// of a new file, or with "" when events were dropped.
func (w *watcher) run(created func(path string)) {
	buf := make([]byte, 64<<10)
	for {
		n, err := w.f.Read(buf)
		if err != nil {
			return
		}
		for b := buf[:n]; len(b) >= unix.SizeofInotifyEvent; {
			wd, mask := int32(binary.NativeEndian.Uint32(b)), binary.NativeEndian.Uint32(b[4:])
			length := int(binary.NativeEndian.Uint32(b[12:]))
			name := strings.TrimRight(string(b[unix.SizeofInotifyEvent:unix.SizeofInotifyEvent+length]), "\x00")
			b = b[unix.SizeofInotifyEvent+length:]
			switch dir := w.dirs[wd]; {
			case mask&unix.IN_Q_OVERFLOW != 0:
				created("")
			case dir != "" && name != "":
				created(filepath.Join(dir, name))
			}
		}
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}
