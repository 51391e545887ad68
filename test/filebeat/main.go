// Command filebeat is filebeat 7.17, compiled from its Go module: one static
// binary for any Linux, where Elastic's own releases need glibc. The tests ship
// logs with it, and the image can be built with it in place of a release.
package main

import (
	"os"

	"github.com/elastic/beats/v7/filebeat/cmd"
	inputs "github.com/elastic/beats/v7/filebeat/input/default-inputs"
)

func main() {
	beat := cmd.Filebeat(inputs.Init, cmd.FilebeatSettings())
	if beat.Execute() != nil { // it has said why
		os.Exit(1)
	}
}
