package stdoutlog

import (
	"bytes"
	"testing"
)

// FuzzRecords reads what may lie in the file of positions. What is accepted is a
// place in a file, and is read as the same again.
func FuzzRecords(f *testing.F) {
	f.Add(record{path: "/storage/logs/app.log", inode: 7, offset: 12}.bytes())
	f.Add([]byte("7 12 1 \"/logs/a b\\n\"\n8 0 0 \"\"\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for path, r := range parseRecords(string(data)) {
			if r.path != path || r.offset < 0 {
				t.Fatalf("%q: %+v", path, r)
			}
			line := r.bytes()
			if len(line) != recordSize || bytes.IndexByte(line, '\n') != recordSize-1 {
				t.Fatalf("%+v is written as %q", r, line)
			}
			again, ok := parseRecords(string(line))[path]
			if len(bytes.TrimSpace(line)) > 0 && (!ok || again.inode != r.inode || again.offset != r.offset || !again.at.Equal(r.at)) {
				t.Fatalf("%+v is read again as %+v", r, again)
			}
		}
	})
}
