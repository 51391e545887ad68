package main

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// seed makes the data the same on every machine, and each time.
const seed = 20240607

const (
	smallFiles = 50_000
	smallDirs  = 250
	smallShare = 20_000 // bytes of all data for which there is one small file at most
	logSize    = 64 << 20
	binSize    = 96 << 20
)

// generate makes a tree of about size bytes: up to 50,000 small files of text, half
// the rest logs, and half random bytes.
func generate(dir string, size int64) error {
	g := generator{rand: rand.New(rand.NewPCG(seed, seed)), dir: dir}
	for range 3000 {
		g.words = append(g.words, g.word())
	}
	small, err := g.small(int(min(smallFiles, size/smallShare)))
	if err != nil {
		return err
	}
	rest := size - small
	if err := g.many("logs/app-%02d.log", rest/2, logSize, g.log); err != nil {
		return err
	}
	return g.many("blobs/%02d.bin", rest-rest/2, binSize, g.random)
}

type generator struct {
	rand  *rand.Rand
	dir   string
	words []string
}

func (g *generator) word() string {
	b := make([]byte, 3+g.rand.IntN(7))
	for i := range b {
		b[i] = byte('a' + g.rand.IntN(26))
	}
	return string(b)
}

// small writes the small files and returns how many bytes they have.
func (g *generator) small(n int) (total int64, err error) {
	for i := range n {
		path := filepath.Join(g.dir, "small", fmt.Sprintf("%03d", i%smallDirs), fmt.Sprintf("%05d.json", i))
		var b strings.Builder
		for want := 100 + g.rand.IntN(5000); b.Len() < want; {
			fmt.Fprintf(&b, "%q: %d,\n", g.words[g.rand.IntN(len(g.words))], g.rand.IntN(1_000_000))
		}
		n, err := writeData(path, func(w *bufio.Writer) error {
			_, err := io.WriteString(w, b.String())
			return err
		})
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

// many writes files of at most limit bytes until they have total.
func (g *generator) many(pattern string, total, limit int64, fill func(*bufio.Writer, int64) error) error {
	for i := 0; total > 0; i++ {
		size := min(total, limit)
		_, err := writeData(filepath.Join(g.dir, fmt.Sprintf(pattern, i)), func(w *bufio.Writer) error { return fill(w, size) })
		if err != nil {
			return err
		}
		total -= size
	}
	return nil
}

func (g *generator) log(w *bufio.Writer, size int64) error {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for written := int64(0); written < size; {
		at = at.Add(time.Duration(g.rand.IntN(900)) * time.Millisecond)
		n, err := fmt.Fprintf(w, "%s INFO app request=%012x status=%d time=%dms path=/%s/%s user=%s\n",
			at.Format("2006-01-02 15:04:05.000"), g.rand.Uint64()>>16, 200+g.rand.IntN(4)*100, g.rand.IntN(3000),
			g.words[g.rand.IntN(len(g.words))], g.words[g.rand.IntN(len(g.words))], g.words[g.rand.IntN(len(g.words))])
		if err != nil {
			return err
		}
		written += int64(n)
	}
	return nil
}

func (g *generator) random(w *bufio.Writer, size int64) error {
	var b [8]byte
	for written := int64(0); written < size; written += int64(len(b)) {
		v := g.rand.Uint64()
		for i := range b {
			b[i] = byte(v >> (8 * i))
		}
		if _, err := w.Write(b[:]); err != nil {
			return err
		}
	}
	return nil
}

// writeData makes a file and returns its size.
func writeData(path string, fill func(*bufio.Writer) error) (int64, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return 0, err
	}
	f, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 256<<10)
	if err := fill(w); err != nil {
		return 0, err
	}
	if err := w.Flush(); err != nil {
		return 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), f.Close()
}
