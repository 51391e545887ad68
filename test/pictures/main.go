// Command pictures draws the pictures of the documents: each doc/images/NAME.svg
// from doc/images/NAME.txt beside it.
//
//	go run ./test/pictures            draws them
//	go run ./test/pictures capture    makes the texts of the terminals anew, and draws;
//	                                  photographs the page of the HTTP listener (page.png)
//
// A text says in its first line that is no comment what it is: "picture flow" is a
// description of boxes and arrows (flow.go), "picture terminal" is what a terminal
// has shown (terminal.go). The pictures are small SVG files without scripts or
// fonts of their own. They bring their background along, because GitHub shows them
// on light and on dark pages and tells a picture only what the browser prefers.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	images := filepath.Join("doc", "images")
	if len(args) > 0 && args[0] == "capture" {
		if err := capture(images); err != nil {
			return err
		}
	}
	texts, err := filepath.Glob(filepath.Join(images, "*.txt"))
	if err != nil {
		return err
	}
	if len(texts) == 0 {
		return fmt.Errorf("%s has no texts: run it in the root of the repository", images)
	}
	for _, text := range texts {
		svg, err := drawFile(text)
		if err != nil {
			return err
		}
		if err := os.WriteFile(pictureOf(text), svg, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func pictureOf(text string) string { return strings.TrimSuffix(text, ".txt") + ".svg" }

func drawFile(name string) ([]byte, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	svg, err := draw(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return []byte(svg), nil
}

// draw turns a text into an SVG.
func draw(text string) (string, error) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i, line := range lines {
		switch {
		case strings.HasPrefix(line, "#"):
		case line == "picture flow":
			return drawFlow(lines[i+1:])
		case line == "picture terminal":
			return drawTerminal(lines[i+1:])
		default:
			return "", fmt.Errorf("line %d: %q: expected \"picture flow\" or \"picture terminal\"", i+1, line)
		}
	}
	return "", fmt.Errorf("no line says what picture it is")
}
