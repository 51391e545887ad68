package render

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/startorder"
	"github.com/ZPascal/container-manager/test/testenv"
)

// No secret shows, whatever was rendered before, and with whatever secret.
func TestPreviewsHoldNoSecret(t *testing.T) {
	tree := testenv.NewTree(t)
	bin := testenv.Dir(t)
	testenv.Script(t, bin+"/filebeat", "exit 0")
	testenv.Write(t, tree.Path("image/templates/key.pem"), "begin\n${TLS_KEY}\nend\n", 0o644)
	testenv.Write(t, tree.Path("image/templates/alone"), "${API_TOKEN}", 0o644)
	testenv.Write(t, tree.Path("image/templates/binary"), "\x00${API_TOKEN}", 0o644)
	load := func(secret string) config.Config {
		testenv.SetEnviron(t, tree.Environ("PATH="+bin+":/usr/bin:/bin", "LOGGING_REDIS_HOST=redis", "LOGGING_REDIS_PASSWORD="+secret, "TLS_KEY="+secret+"\n"+secret, "API_TOKEN="+secret, "URL=http://u:"+secret+"@h")...)
		c, err := config.Load()
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	states := func(c config.Config) string {
		t.Helper()
		all, err := Previews(c)
		if err != nil {
			t.Fatal(err)
		}
		var changed []string
		for _, p := range all {
			for _, secret := range []string{"hunter", "it''s", "it's"} {
				if strings.Contains(p.Is, secret) || strings.Contains(p.Would, secret) {
					t.Errorf("%s shows %q:\n%s\n%s", p.Path, secret, p.Is, p.Would)
				}
			}
			if p.State != Same {
				changed = append(changed, string(p.State)+" "+p.Path[strings.LastIndexByte(p.Path, '/')+1:])
			}
		}
		return strings.Join(changed, ", ")
	}
	testenv.Mkdir(t, tree.Path("storage/logs/supervisor"))
	for _, dir := range []string{"supervisord", "logging"} {
		testenv.Mkdir(t, tree.Path("run", dir))
	}
	c := load("hunter2")
	if got := states(c); strings.Count(got, "new ") < 10 || strings.Contains(got, "same") {
		t.Errorf("before the first start: %s", got)
	}
	if _, err := All(c); err != nil {
		t.Fatal(err)
	}
	if got := states(c); got != "" {
		t.Errorf("after it: %s", got)
	}
	if got, want := states(load("it's\ta hunter3")), "changed filebeat-global.yml, changed alone, changed key.pem"; got != want {
		t.Errorf("with other secrets: %s, want %s", got, want)
	}
}

// A file that the next start removes has no template any more that tells where secrets are.
func TestPreviewsOfRemovedFilesHoldNoSecret(t *testing.T) {
	tree := testenv.NewTree(t)
	for _, dir := range []string{"storage/logs/supervisor", "run/supervisord", "run/logging"} {
		testenv.Mkdir(t, tree.Path(dir))
	}
	template := tree.Path("image/logging/logrotate.d/old")
	testenv.Write(t, template, "/nowhere/${PLAIN}.log {\n  missingok\n  postrotate\n    tell ${HOOK_TOKEN} ${URL}\n  endscript\n}\n", 0o644)
	testenv.SetEnviron(t, tree.Environ("HOOK_TOKEN=hunter2", "URL=http://u:h%nter3@h/", "PLAIN=plain")...)
	c, err := config.Load()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := All(c); err != nil {
		t.Fatal(err)
	}
	testenv.Write(t, tree.Path("run/supervisord/conf.d/binary.conf"), "\x00hunter2", 0o600)
	if err := os.Remove(template); err != nil {
		t.Fatal(err)
	}
	all, err := Previews(c)
	if err != nil {
		t.Fatal(err)
	}
	removed := map[string]string{}
	for _, p := range all {
		if p.State == Removed {
			removed[filepath.Base(p.Path)] = p.Is
		}
	}
	const want = "/nowhere/plain.log {\n  missingok\n  postrotate\n    tell ***** http://u:*****@h/\n  endscript\n}\n"
	if got := removed["old"]; got != want || removed["binary.conf"] != "" || len(removed) != 2 {
		t.Errorf("removed are %q, want %q", removed, want)
	}
}

func TestMaskValues(t *testing.T) {
	secrets := secretsIn([]string{"A_TOKEN=two\n lines\n", "B_SECRET=it's", `C_KEY=a"b`, "D_PASSWORD=*", "E_PASSWORD=", "F_TOKEN=lines", "NAME=shown", "G=http://u:pass@h http://h:80/x"})
	for text, want := range map[string]string{
		"two; lines; three": "*****; *****; three",
		"'it''s' it's":      "'*****' *****",
		`"a\"b" a"b`:        `"*****" *****`,
		"* shown pass 80":   "***** shown ***** 80",
	} {
		if got := maskValues(text, secrets); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

// What waits for others is a record of the running container.
func TestPreviewsHoldNoRecord(t *testing.T) {
	tree := testenv.NewTree(t)
	testenv.Write(t, tree.Path("image/supervisord/conf.d/x.conf"), "[program:x]\ncommand = x\ndepends_on = crond\n", 0o644)
	for _, dir := range []string{"storage/logs/supervisor", "run/supervisord", "run/logging"} {
		testenv.Mkdir(t, tree.Path(dir))
	}
	testenv.SetEnviron(t, tree.Environ()...)
	c, err := config.Load()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := All(c); err != nil {
		t.Fatal(err)
	}
	testenv.Write(t, startorder.Path(c.RunDir), "{}\n", 0o600) // x was started
	all, err := Previews(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		if p.State != Same {
			t.Errorf("%s is %s", p.Path, p.State)
		}
	}
}

func TestWithoutSecrets(t *testing.T) {
	const would, masked = "user: a\npassword: 'new'\nend", "user: a\npassword: '*****'\nend"
	for text, want := range map[string]string{
		would:                              masked,
		"user: b\npassword: 'old'\nend":    "user: b\npassword: ***** (another)\nend",
		"password: \"o\\\"ld\"\nuser: a":   "password: ***** (another)\nuser: a",
		"":                                 "",
		"password: 'new'\npassword: 'new'": "password: '*****'\npassword: '*****'",
	} {
		if got := withoutSecrets(text, would, masked); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
	if got := withoutSecrets("a\nb", "a\nb", "a"); strings.Contains(got, "b") {
		t.Errorf("lines that nobody can place: %q", got)
	}
}

func TestMaskKeys(t *testing.T) {
	for line, want := range map[string]string{
		"password: hunter2":           "password: *****",
		"  redis.password = hunter2":  "  redis.password = *****",
		"api_key=hunter2":             "api_key=*****",
		"# secret: 'x y'":             "# secret: *****",
		"password: ${DB_PASSWORD}":    "password: ${DB_PASSWORD}",
		"password = %(ENV_PASSWORD)s": "password = %(ENV_PASSWORD)s",
		"username: app":               "username: app",
		"command = get-token --all":   "command = get-token --all",
	} {
		if got := maskKeys(line); got != want {
			t.Errorf("%q becomes %q, want %q", line, got, want)
		}
	}
}
