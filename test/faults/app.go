package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// recordFormat is a line of the app's data. Its length divides that of a page, so
// that a full disk cuts none in two.
const recordFormat = "%015d\n"

const (
	pingRequest = "ping\n"
	putRequest  = "put %d\n"
)

// serve is the app. It holds its data open, as databases do, appends the number of
// each put to it and to its log, and answers when that is done.
func serve(socket string) error {
	data, err := os.OpenFile(filepath.Join(os.Getenv("APP_DATA"), "numbers"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	_ = os.Remove(socket) // of an app that was killed
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		answer(conn, data)
	}
}

func answer(conn net.Conn, data *os.File) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	request, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return
	}
	var n uint64
	if _, err := fmt.Sscanf(request, putRequest, &n); err == nil {
		if _, err := fmt.Fprintf(data, recordFormat, n); err != nil {
			fmt.Fprintf(conn, "cannot write: %v\n", err)
			return
		}
		fmt.Printf("app line %d\n", n)
	}
	fmt.Fprintln(conn, "done")
}

// ask asks the app.
func ask(socket, request string, limit time.Duration) (string, error) {
	conn, err := net.DialTimeout("unix", socket, limit)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(limit))
	if _, err := conn.Write([]byte(request)); err != nil {
		return "", err
	}
	reply, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return "", err
	}
	if reply = strings.TrimSpace(reply); reply != "done" {
		return "", fmt.Errorf("the app says: %s", reply)
	}
	return reply, nil
}
