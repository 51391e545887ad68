package testenv

import (
	"fmt"
	"os"
)

// Rotate renames a log and those that were rotated before, as supervisord and logrotate
// do: log.1 becomes log.2, and log becomes log.1.
func Rotate(log string) error {
	last := 1
	for Exists(fmt.Sprintf("%s.%d", log, last)) {
		last++
	}
	for n := last; n > 1; n-- {
		if err := os.Rename(fmt.Sprintf("%s.%d", log, n-1), fmt.Sprintf("%s.%d", log, n)); err != nil {
			return err
		}
	}
	return os.Rename(log, log+".1")
}
