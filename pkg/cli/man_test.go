package cli

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

func TestManPages(t *testing.T) {
	pages := ManPages()
	for _, name := range []string{"container-manager.1", "container-manager-status.1", "container-manager-probe.1", "container-manager-run.1"} {
		if pages[name] == "" {
			t.Errorf("there is no %s", name)
		}
	}
	if page := pages["container-manager-restart.1"]; !strings.Contains(page, `\-\-timeout`) || !strings.Contains(page, ".SH EXAMPLES\n") {
		t.Errorf("restart:\n%s", page)
	}
	for name := range pages {
		if strings.Contains(name, "worker") || strings.Contains(name, "wake") {
			t.Errorf("%s is for nobody to read", name)
		}
	}
	if got, want := roff(".a -b \\c\n'd"), "\\&.a \\-b \\ec\n\\&'d"; got != want {
		t.Errorf("roff: %q, want %q", got, want)
	}
}

// groff has no complaint about any page, and shows the lines as the help has them.
func TestManPagesOfGroff(t *testing.T) {
	testenv.NotQuick(t)
	for name, page := range ManPages() {
		cmd := exec.CommandContext(t.Context(), "groff", "-man", "-Tascii", "-ww", "-P-cbou")
		cmd.Stdin = strings.NewReader(page)
		var complaints strings.Builder
		cmd.Stderr = &complaints
		shown, err := cmd.Output()
		if err != nil || complaints.Len() > 0 {
			t.Errorf("%s: %v\n%s", name, err, complaints.String())
		}
		if name == "container-manager.1" && !strings.Contains(string(shown), "  status           Show programs, probes, the next jobs and the last backup\n") {
			t.Errorf("%s shows\n%s", name, shown)
		}
	}
}
