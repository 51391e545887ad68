package cli

import (
	"errors"
	"os"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// maxLastWords is how much kubelet reads of a termination log.
const maxLastWords = 4096

// writeLastWords writes a container's last words to its termination log, where there is
// one that can be written. kubelet makes the file, mounts it, and shows what it holds. So it
// is written in place, and never made: where nobody reads it, nothing is to be left.
func writeLastWords(path, text string) {
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	f := os.NewFile(uintptr(fd), path)
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return
	}
	// A file that cannot hold it is all the same to a container that ends.
	if f.Truncate(0) == nil {
		_, _ = f.WriteString(cutOff(text+"\n", maxLastWords))
	}
}

// cutOff returns the beginning of a text, in whole characters.
func cutOff(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}

// failure is what a start says of why it has failed; "" when it has not, or was told
// to end.
func failure(err error) string {
	var exit *exitError
	var signal signalled
	if err == nil || errors.As(err, &signal) || errors.As(err, &exit) && exit.err == nil {
		return ""
	}
	return err.Error()
}
