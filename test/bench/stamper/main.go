// Command stamper is the app of the comparison with other tools. Its first act is to note
// the time and its process id in a file. Then it sleeps. It uses no package that would
// have to be set up.
//
//	stamper FILE
package main

import (
	"os"
	"strconv"
	"syscall"
)

func main() {
	var now syscall.Timeval
	if syscall.Gettimeofday(&now) != nil {
		os.Exit(1)
	}
	text := strconv.FormatInt(now.Nano(), 10) + " " + strconv.Itoa(syscall.Getpid()) + "\n"
	fd, err := syscall.Open(os.Args[1], syscall.O_WRONLY|syscall.O_CREAT|syscall.O_TRUNC, 0o644)
	if err != nil {
		os.Exit(1)
	}
	if _, err := syscall.Write(fd, []byte(text)); err != nil {
		os.Exit(1)
	}
	for {
		_ = syscall.Pause()
	}
}
