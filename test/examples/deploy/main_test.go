// Package deploy runs the examples that say how images are run, and on what:
// Kubernetes, compose, and Debian as a base.
package deploy

import (
	"os"
	"testing"

	"github.com/ZPascal/container-manager/test/internal/containertest"
)

func TestMain(m *testing.M) { os.Exit(containertest.Main(m)) }

const examples = "../../../examples/"

// greeting is the first line of what the web app answers.
const greeting = "Hello from the web app"
