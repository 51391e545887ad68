package stdoutlog

import (
	"os"

	"github.com/ZPascal/container-manager/pkg/config"
)

// Lag returns how many bytes of the logs the program that follows them has not written
// yet. It is not known while nothing follows. Files that were rotated meanwhile are not
// counted.
func Lag(c config.Config) (bytes int64, known bool) {
	records, known, err := readRecords(PositionsPath(c))
	if err != nil || !known || !bool(c.LogStdout) {
		return 0, false
	}
	for path, r := range records {
		info, err := os.Stat(path)
		if err != nil {
			continue
		}
		size := info.Size()
		if inodeOf(info) == r.inode {
			size -= r.offset
		}
		bytes += max(size, 0)
	}
	return bytes, true
}

// Files returns the logs that are there, like Sources.
func Files(sources []Source) []Source { return resolve(sources) }
