// Command floor is the least that a start could cost: a static Go program that does
// with files what a start does, in the same order, and ends in an exec as well.
//
//	floor LIST FROM TO COMMAND
//
// A line of LIST is an action, a size and a path: read a file, list a directory, make a
// directory, or write a file with as many bytes. Paths of the image are below FROM, and
// those of everything that starts make below TO.
package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

func main() {
	if err := run(os.Args[1], os.Args[2], os.Args[3], os.Args[4]); err != nil {
		println(err.Error())
		os.Exit(1)
	}
}

func run(list, from, to, command string) error {
	lines, err := os.ReadFile(list)
	if err != nil {
		return err
	}
	for start, i := 0, 0; i < len(lines); i++ {
		if lines[i] == '\n' {
			if err := do(string(lines[start:i]), from, to); err != nil {
				return err
			}
			start = i + 1
		}
	}
	return syscall.Exec(command, []string{command}, os.Environ())
}

// content is what is written, or the part of it that is asked for.
var content [64 << 10]byte

func do(line, from, to string) (err error) {
	var action, path string
	var size int
	if _, err := fmt.Sscan(line, &action, &size, &path); err != nil {
		return err
	}
	full := to + path
	if strings.HasPrefix(path, "/image") {
		full = from + path
	}
	switch action {
	case "read":
		_, err = os.ReadFile(full)
	case "list":
		_, err = os.ReadDir(full)
	case "mkdir":
		err = os.MkdirAll(full, 0o755)
	case "write":
		err = write(full, content[:size])
	}
	return err
}

// write writes over what is there. To truncate a file first would cost ext4 a flush.
func write(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.Write(data)
	return err
}
