package health

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/ZPascal/container-manager/pkg/fsutil"
)

// exitCalls are the calls with which a Python or shell script ends, up to the status.
var exitCalls = []string{"sys.exit(", "os._exit(", "exit(", "quit(", "exit "}

// exitLine returns the line of a script that ends it with this status, as in
// "line 12: sys.exit(True)". It returns "" where no line or several could have done so.
// The owner of a probe reads there that True is 1 for Python, which is a failure.
func exitLine(path string, status int) string {
	data, err := fsutil.ReadFile(path)
	if err != nil {
		return ""
	}
	found, number := "", 0
	for line := range strings.Lines(string(data)) {
		number++
		line = strings.TrimSpace(line)
		if s, ok := exitStatus(line); !ok || s != status {
			continue
		}
		if found != "" {
			return ""
		}
		found = fmt.Sprintf("line %d: %s", number, line)
	}
	return found
}

// exitStatus returns the status with which a line ends its script, where the line is
// nothing else and says the status outright.
func exitStatus(line string) (status int, ok bool) {
	for _, call := range exitCalls {
		argument, found := strings.CutPrefix(line, call)
		if !found {
			continue
		}
		if strings.HasSuffix(call, "(") {
			argument, found = strings.CutSuffix(argument, ")")
		}
		switch argument = strings.TrimSpace(argument); {
		case !found:
			return 0, false
		case argument == "True":
			return 1, true
		case argument == "" || argument == "False" || argument == "None":
			return 0, true
		}
		n, err := strconv.Atoi(argument)
		return n & 0xff, err == nil
	}
	return 0, false
}
