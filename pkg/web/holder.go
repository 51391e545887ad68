package web

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// holderOf says who listens on the port of an address, where /proc tells.
func holderOf(address string) string {
	_, text, _ := net.SplitHostPort(address)
	port, err := strconv.Atoi(text)
	if err != nil {
		return "another process listens there"
	}
	inodes := map[string]bool{}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		data, _ := os.ReadFile(table)
		for _, inode := range listeners(string(data), port) {
			inodes["socket:["+inode+"]"] = true
		}
	}
	links, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && inodes[target] {
			pid := strings.Split(link, "/")[2]
			name, _ := os.ReadFile("/proc/" + pid + "/comm")
			return fmt.Sprintf("process %s (%s) listens there", pid, strings.TrimSpace(string(name)))
		}
	}
	return "another process listens there, of another user or another container of the pod"
}

// listeners returns the inodes of the sockets that listen on a port, from a table as
// /proc/net/tcp has it.
func listeners(table string, port int) (inodes []string) {
	const (
		localAddress, state, inode = 1, 3, 9
		listening                  = "0A"
	)
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) <= inode || fields[state] != listening {
			continue
		}
		_, hex, _ := strings.Cut(fields[localAddress], ":")
		if n, err := strconv.ParseUint(hex, 16, 16); err == nil && int(n) == port {
			inodes = append(inodes, fields[inode])
		}
	}
	return inodes
}
