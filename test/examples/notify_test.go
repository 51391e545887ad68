package examples

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

const notifyDir = "../../examples/notify"

// notifyEvent has what a script may stumble over.
const notifyEvent = `{"kind":"job-failed","job":"größte <job>","what":"größte <job> failed: \"exit\" & status 1","when":"2026-03-01T03:30:04Z","repeated":2,"labels":{"APP_NAME":"hällo"}}` + "\n"

// notifies calls an example with an event, and returns its exit code and what it said.
func notifies(t *testing.T, name string, environ ...string) (code int, said string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(notifyDir, name))
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, environ...)
	cmd.Stdin = strings.NewReader(notifyEvent)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String()
}

func TestNotifyOverHTTP(t *testing.T) {
	got := make(chan string, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.URL.Path != "/topic" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		got <- r.Method + " " + r.Header.Get("Title") + " " + r.Header.Get("Authorization") + " " + string(body)
	}))
	t.Cleanup(s.Close)
	for _, test := range []struct {
		name    string
		environ []string
		want    string
	}{
		{"ntfy.py", []string{"NTFY_URL=" + s.URL + "/topic", "NTFY_TOKEN=tk"}, `POST h?llo: job-failed Bearer tk größte <job> failed: "exit" & status 1 (and 2 times before)`},
		{"slack.py", []string{"SLACK_WEBHOOK_URL=" + s.URL + "/topic"}, `POST   {"text": "h\u00e4llo: gr\u00f6\u00dfte &lt;job&gt; failed: \"exit\" &amp; status 1 (and 2 times before)"}`},
	} {
		code, said := notifies(t, test.name, test.environ...)
		if code != 0 || said != "" {
			t.Fatalf("%s: exit code %d: %s", test.name, code, said)
		}
		if sent := <-got; sent != test.want {
			t.Errorf("%s sent %s, want %s", test.name, sent, test.want)
		}
		bad := strings.Replace(test.environ[0], "/topic", "/secret", 1)
		if code, said := notifies(t, test.name, bad); code != 1 || !strings.Contains(said, "has not taken it: Forbidden") || strings.Contains(said, "secret") {
			t.Errorf("%s, refused: exit code %d: %s", test.name, code, said)
		}
	}
}

// What is not installed is stood in for by a script that keeps what it gets.
func TestNotifyByPrograms(t *testing.T) {
	dir := testenv.Dir(t)
	for name, body := range map[string]string{
		"msmtp":    `echo "$@" >"$OUT"; cat >>"$OUT"`,
		"shoutrrr": `printf '%s|' "$@" "$SHOUTRRR_URL" >"$OUT"`,
	} {
		testenv.Script(t, filepath.Join(dir, name), body)
	}
	out := filepath.Join(dir, "out")
	environ := []string{"PATH=" + dir + ":" + os.Getenv("PATH"), "OUT=" + out}
	code, said := notifies(t, "mail.py", append(environ, "MAIL_TO=admin@example.org", "MAIL_FROM=app@example.org", "MSMTP_CONFIG=/x/msmtprc")...)
	if code != 0 {
		t.Fatalf("mail.py: exit code %d: %s", code, said)
	}
	for _, want := range []string{"-C /x/msmtprc -t\n", "From: app@example.org\n", "To: admin@example.org\n", "Subject: =?utf-8?", "\nrepeated: 2\n"} {
		if sent := testenv.Read(t, out); !strings.Contains(sent, want) {
			t.Errorf("the mail lacks %q:\n%s", want, sent)
		}
	}
	code, said = notifies(t, "shoutrrr.sh", append(environ, "SHOUTRRR_URL=telegram://token@telegram")...)
	if want := `send|--message|größte <job> failed: "exit" & status 1|telegram://token@telegram|`; code != 0 || testenv.Read(t, out) != want {
		t.Errorf("shoutrrr.sh: exit code %d: %s\nsent %s, want %s", code, said, testenv.Read(t, out), want)
	}
	if code, said := notifies(t, "shoutrrr.sh", environ...); code == 0 || !strings.Contains(said, "SHOUTRRR_URL: is not set") {
		t.Errorf("shoutrrr.sh without an address: exit code %d: %s", code, said)
	}
}
