// Command dist makes what a release consists of besides the binaries: archives to
// unpack at /, and a list of what a binary is made of (SBOM). Both go to standard
// output, and are the same bytes wherever and whenever it runs.
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/ZPascal/container-manager/pkg/cli"
)

const usage = `usage: dist archive DIR [PROGRAM] >FILE.tar.gz
       dist sbom PROGRAM VERSION SECONDS-SINCE-1970 >FILE.spdx.json`

func main() {
	args := os.Args[1:]
	var err error
	switch {
	case len(args) >= 2 && len(args) <= 3 && args[0] == "archive":
		err = write(os.Stdout, args[1], cli.ManPages(), args[2:]...)
	case len(args) == 4 && args[0] == "sbom":
		var seconds int64
		if seconds, err = strconv.ParseInt(args[3], 10, 64); err == nil {
			err = writeSBOM(os.Stdout, args[1], args[2], time.Unix(seconds, 0))
		}
	default:
		fmt.Fprintln(os.Stderr, usage)
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "dist: cannot make the %s of %s: %v\n", args[0], args[1], err)
		os.Exit(1)
	}
}
