package stdoutlog

import (
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

// What is read from the end is what somebody finds who reads all.
func TestLastLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.log")
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		var lines []string
		for range random.IntN(6) {
			lines = append(lines, strings.Repeat("x", []int{0, 1, 100, blockSize - 1, blockSize, 3 * blockSize}[random.IntN(6)])+"\n")
		}
		if len(lines) > 0 && random.IntN(2) == 0 {
			lines = append(lines, "no end")
		}
		testenv.Write(t, path, strings.Join(lines, ""), 0o600)
		for n := range 8 {
			if got, want := lastLines(t, path, n), strings.Join(lines[max(0, len(lines)-n):], ""); got != want {
				t.Fatalf("the last %d of %d lines have %d bytes, want %d", n, len(lines), len(got), len(want))
			}
		}
	}
}

func lastLines(t *testing.T, path string, n int) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	p := part{File: f, generation: generation{path: path}, size: info.Size()}
	if _, err := p.limit(n, true); err != nil {
		t.Fatal(err)
	}
	content, err := p.open()
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(content)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.SplitAfter(string(data), "\n")[p.skip:], "")
}

// Only the end of a long log is read.
func TestLastLinesOfALongLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.log")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const size = 1 << 40 // nobody reads so much in the time of a test
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("\none\ntwo\n"), size); err != nil {
		t.Fatal(err)
	}
	if got := lastLines(t, path, 2); got != "one\ntwo\n" {
		t.Errorf("the last lines are %q", got)
	}
}

// A log that copytruncate has emptied meanwhile has what is there.
func TestLastLinesOfALogThatIsCutOff(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.log")
	testenv.Write(t, path, "one\ntwo\n", 0o600)
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p := part{File: f, generation: generation{path: path}, size: 1000}
	if n, err := p.limit(1, true); n != 2 || err != nil || p.from != 0 || p.skip != 1 {
		t.Errorf("%d lines from %d on, without the first %d, and %v", n, p.from, p.skip, err)
	}
}
