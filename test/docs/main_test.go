// Package docs runs the documents: every block of README.md, doc/ and the READMEs of
// the examples has an owner.
//
// Commands are run for real, page by page and from top to bottom, with the image and
// containers of podman: what a reader types. Configuration, scripts and crontabs are
// given to the program that reads them. A block that cannot be run says why, in a
// comment in front of it, which no reader of the page sees:
//
//	<!-- not run: it needs a cluster -->
//
// These comments say what is to be done with the block below them, where its shape does
// not (see shapeOf):
//
//	<!-- run -->               commands, in the directory of the page
//	<!-- run, fails -->        commands, the last of which has to fail
//	<!-- run in NAME -->       commands, in the shell of a container
//	<!-- file: PATH -->        the content of a file in the directory of the page
//	<!-- output -->            what the commands above have printed, or a part of it
//	<!-- output, soon -->      the same; the commands are run until they print it
//	<!-- conf.d -->            any name that shapeOf returns
//
// An expected output stands for any time, duration, process number and width of
// columns; "..." is anything, and on a line of its own any lines.
package docs

import (
	"os"
	"testing"

	"github.com/ZPascal/container-manager/test/internal/containertest"
)

func TestMain(m *testing.M) {
	if args := os.Args; os.Getenv(dockerVariable) != "" {
		os.Exit(docker(args[1:]))
	}
	os.Exit(containertest.Main(m))
}
