package archive

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// contentOf makes a tree of 1,000 small files and one of 16 MB, all of text.
func contentOf(b *testing.B) (dir string, size int64) {
	b.Helper()
	dir = b.TempDir()
	var text strings.Builder
	for i := 0; text.Len() < 16<<20; i++ {
		fmt.Fprintf(&text, "line %d of a log, with the number %d\n", i, i*7919%1000)
	}
	write(b, filepath.Join(dir, "large.log"), text.String())
	size = int64(text.Len())
	for i := range 1000 {
		content := text.String()[i*4000 : (i+1)*4000]
		write(b, filepath.Join(dir, fmt.Sprint(i%10), fmt.Sprint(i)), content)
		size += int64(len(content))
	}
	return dir, size
}

func BenchmarkPack(b *testing.B) {
	dir, size := contentOf(b)
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		packIn(b, b.TempDir(), dir)
	}
}

func BenchmarkUnpack(b *testing.B) {
	dir, size := contentOf(b)
	path, _ := pack(b, dir)
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := unpack(b, fromFile(path), Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}
