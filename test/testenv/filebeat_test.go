package testenv_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

func TestFilebeat(t *testing.T) {
	out, err := exec.Command(testenv.Filebeat(t), "version").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "filebeat version 7.17.") {
		t.Errorf("%v: %s", err, out)
	}
}
