package main

import (
	"encoding/xml"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const repository = "../.."

// TestPicturesAreDrawnFromTheirTexts holds for each picture that its text draws it,
// that it is XML, and that a document shows it.
func TestPicturesAreDrawnFromTheirTexts(t *testing.T) {
	texts, err := filepath.Glob(filepath.Join(repository, "doc/images/*.txt"))
	if err != nil || len(texts) < 4 {
		t.Fatalf("found %q (%v), want the flow of a life, run, status and validate", texts, err)
	}
	pictures, err := filepath.Glob(filepath.Join(repository, "doc/images/*.svg"))
	if err != nil || len(pictures) != len(texts) {
		t.Errorf("there are %d pictures (%v) and %d texts", len(pictures), err, len(texts))
	}
	documents := readDocuments(t)
	if _, err := os.Stat(filepath.Join(repository, "doc/images/page.png")); err != nil || !strings.Contains(documents, "images/page.png)") {
		t.Errorf("no document shows the page (%v): make pictures", err)
	}
	for _, text := range texts {
		want, err := drawFile(text)
		if err != nil {
			t.Error(err)
			continue
		}
		got, err := os.ReadFile(pictureOf(text))
		if err != nil || string(got) != string(want) {
			t.Errorf("%s is not what its text draws (%v): go run ./test/pictures", pictureOf(text), err)
		}
		checkXML(t, pictureOf(text), string(got))
		if name := "images/" + filepath.Base(pictureOf(text)); !strings.Contains(documents, name+")") {
			t.Errorf("no document shows %s", name)
		}
	}
}

func checkXML(t *testing.T, name, text string) {
	t.Helper()
	for decoder := xml.NewDecoder(strings.NewReader(text)); ; {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
	}
}

// readDocuments returns all documents that may show a picture, as one text.
func readDocuments(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, pattern := range []string{"*.md", "doc/*.md"} {
		files, err := fs.Glob(os.DirFS(repository), pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(filepath.Join(repository, file))
			if err != nil {
				t.Fatal(err)
			}
			all.Write(text)
		}
	}
	return all.String()
}

// Mistakes in a text are told, not drawn.
func TestMistakesInTexts(t *testing.T) {
	for text, want := range map[string]string{
		"picture of me":                   `line 1: "picture of me": expected "picture flow" or "picture terminal"`,
		"# nothing":                       "no line says what picture it is",
		"picture terminal\ntitle":         "a terminal has a title and lines",
		"picture flow\nbox a | b":         `"box a | b" (line 1 of the flow): "box" does not stand here`,
		"picture flow\nframe a":           `the frame "a" has no end`,
		"picture flow\nframe a\ncircle b": `"circle" does not stand here`,
		"picture flow\nframe a\nbox a | " + strings.Repeat("word ", 30): "say it with fewer words",
	} {
		if _, err := draw(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// Two runs of one program differ in nothing that the pictures show.
func TestPlain(t *testing.T) {
	text := "run: /d/run/image\n2026-12-01 03:21:01,969 INFO spawned: 'app' with pid 1094\n" +
		"app  RUNNING  1094   12s    0    \n2026-12-01 03:25:00 UTC\n2026-12-02 01:02:00 UTC\n2026-12-01 03:21:01  123ms  x"
	want := "run: build/run/image\n2026-01-02 03:04:05,678 INFO spawned: 'app' with pid 101\n" +
		"app  RUNNING  101    4s     0\n2026-01-02 03:05:00 UTC\n2026-01-03 01:02:00 UTC\n2026-01-02 03:04:05  9ms    x"
	if got := plain(text, "/d"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
