package supervisor

import (
	"fmt"
	"strconv"
	"strings"
)

// Fault codes of supervisord's XML-RPC interface; see supervisor/xmlrpc.py.
const (
	FaultShutdownState  = 6
	FaultBadName        = 10
	FaultNoFile         = 20
	FaultNotExecutable  = 21
	FaultFailed         = 30
	FaultAbnormalExit   = 40
	FaultSpawnError     = 50
	FaultAlreadyStarted = 60
	FaultNotRunning     = 70
)

// Fault is supervisord's refusal of a call.
type Fault struct {
	Code int
	Text string // NOT_RUNNING: app
}

func (f *Fault) Error() string { return fmt.Sprintf("supervisord refuses: %s", f.Text) }

// parseFault returns the fault in an error of the library, where they arrive as
// text (`Fault(70): NOT_RUNNING: app`), or nil.
func parseFault(err error) *Fault {
	_, text, _ := strings.Cut(err.Error(), "Fault(")
	number, text, _ := strings.Cut(text, "): ")
	code, err := strconv.Atoi(number)
	if err != nil {
		return nil
	}
	text, _, _ = strings.Cut(text, "\n")
	return &Fault{code, text}
}
