package stdoutlog

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/ZPascal/container-manager/pkg/fsutil"
)

// record says how far a log has been written: the file with that inode up to the offset,
// and all files that were rotated before it.
type record struct {
	path   string
	inode  uint64 // 0: there was no file
	offset int64
	at     time.Time // of the record
}

// recordSize is the length of a record in the file of positions, filled up with
// blanks. It divides the size of a page, so that a kill leaves a record whole.
const recordSize = 512

func (r record) bytes() []byte {
	b := fmt.Appendf(nil, "%d %d %d %q", r.inode, r.offset, r.at.UnixNano(), r.path)
	if len(b) >= recordSize {
		b = nil // longer than any path that makes sense: it has no record
	}
	b = append(b, bytes.Repeat([]byte(" "), recordSize-1-len(b))...)
	return append(b, '\n')
}

// writeRecords makes the file anew.
func writeRecords(path string, records []record) error {
	var data []byte
	now := time.Now()
	for _, r := range records {
		if r.at.IsZero() {
			r.at = now
		}
		data = append(data, r.bytes()...)
	}
	if err := fsutil.Replace(path, data, 0o600); err != nil {
		return fmt.Errorf("cannot record the positions in logs: %w", err)
	}
	return nil
}

// readRecords returns the records by path; known is false when there is no file.
func readRecords(path string) (records map[string]record, known bool, err error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	return parseRecords(string(data)), true, nil
}

// parseRecords skips damaged lines. Their logs are read as if they had no record.
func parseRecords(data string) map[string]record {
	records := map[string]record{}
	for line := range strings.Lines(data) {
		var r record
		var at int64
		if _, err := fmt.Sscanf(line, "%d %d %d %q", &r.inode, &r.offset, &at, &r.path); err == nil && r.offset >= 0 {
			r.at = time.Unix(0, at)
			records[r.path] = r
		}
	}
	return records
}

// positions is the open file of records, one for each stream, in their order.
type positions struct {
	f    *os.File
	last []record // as written
}

func openPositions(path string, records []record) (*positions, error) {
	if err := writeRecords(path, records); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	return &positions{f, records}, nil
}

// set writes the record of a stream where it has changed.
func (p *positions) set(i int, r record) error {
	if last := p.last[i]; last.inode == r.inode && last.offset == r.offset {
		return nil
	}
	r.at = time.Now()
	p.last[i] = r
	_, err := p.f.WriteAt(r.bytes(), int64(i)*recordSize)
	return err
}
