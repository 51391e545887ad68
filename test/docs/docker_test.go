package docs

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// dockerVariable is set where this program is called as docker.
const dockerVariable = "DOCS_DOCKER"

// portVariable has the port that is free for the page.
const portVariable = "DOCS_PORT"

// Options of docker run that have a value, and none.
var (
	withValue = []string{"-e", "--env", "-v", "--volume", "-p", "--name", "--user", "-u", "--tmpfs", "--network", "--stop-timeout", "--entrypoint"}
	withNone  = []string{"--rm", "-d", "-it", "-i", "-t", "--read-only"}
)

// docker does with podman what the documents do with docker. Nobody presses Ctrl-C
// here: a container that runs programs is left in the background once it is up, after
// its log was shown. It is gone when the page ends.
func docker(args []string) int {
	switch {
	case len(args) > 0 && args[0] == "build":
		return podman(append([]string{"build", "--pull=never", "--network=host"}, args[1:]...)...)
	case len(args) > 0 && args[0] == "run":
		return dockerRun(args[1:])
	case len(args) > 4 && args[0] == "exec" && args[3] == "logs" && args[4] == "-f":
		return interrupted(args)
	case len(args) > 1 && args[0] == "exec" && args[1] == "-it":
		return podman(append([]string{"exec", "-i"}, args[2:]...)...)
	}
	return podman(args...)
}

// interrupted is a command in a container that goes on until somebody presses Ctrl-C.
func interrupted(args []string) int {
	const interrupt = 130 // 128 and SIGINT
	command := append([]string{"exec", args[1], "timeout", "-s", "INT", "1"}, args[2:]...)
	if code := podman(command...); code != interrupt {
		return max(code, 1)
	}
	return 0
}

func podman(args ...string) int {
	cmd := exec.Command("podman", args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		fmt.Fprintln(os.Stderr, "podman:", err)
		return 127
	}
	if status := cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signaled() {
		return 128 + int(status.Signal())
	}
	return cmd.ProcessState.ExitCode()
}

func dockerRun(args []string) int {
	// Nothing maps ports here: the examples listen on the one of this page.
	options := []string{"run", "--pull=never", "--env=APP_PORT=" + os.Getenv(portVariable)}
	detached, name := false, ""
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		option, n := args[0], 1
		switch {
		case slices.Contains(withValue, option):
			n = 2
		case !slices.Contains(withNone, option) && !strings.Contains(option, "="):
			fmt.Fprintf(os.Stderr, "docker run: the tests of the documents do not know %s\n", option)
			return 125
		}
		switch option {
		case "-d":
			detached = true
		case "-it", "-t", "-i", "-p": // no terminal is here, and containers have the network of the host
		case "--rm": // the log of one that ends at once is still wanted
		case "--tmpfs": // as Docker mounts it
			options = append(options, "--tmpfs="+args[1]+":notmpcopyup")
		case "--name":
			name = args[1]
			options = append(options, args[:n]...)
		default:
			options = append(options, args[:n]...)
		}
		args = args[n:]
	}
	if len(args) > 1 { // a command in place of supervisord
		return podman(append(append(options, "--rm"), args...)...)
	}
	if name == "" {
		name = fmt.Sprintf("unnamed-%d", time.Now().UnixNano())
		options = append(options, "--name="+name, "--env=HELLO_PORT="+freePort()) // beside that of the README
	}
	if out, err := exec.Command("podman", append(append(options, "-d"), args...)...).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%s", out)
		return 125
	}
	return waitUp(name, !detached)
}

func freePort() string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "0"
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return port
}

// waitUp waits until a container's programs are up or it has ended.
func waitUp(name string, show bool) int {
	for deadline := time.Now().Add(5 * time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		state, _ := exec.Command("podman", "inspect", "--format={{.State.Running}} {{.State.ExitCode}}", name).Output()
		log, _ := exec.Command("podman", "logs", name).CombinedOutput()
		running := strings.HasPrefix(string(state), "true")
		if running && !strings.Contains(string(log), " s after the start") {
			continue
		}
		if show {
			fmt.Printf("%s", log)
		}
		var code int
		if !running {
			_, _ = fmt.Sscanf(string(state), "false %d", &code)
		}
		return code
	}
	fmt.Fprintln(os.Stderr, "the container does not come up")
	return 125
}
