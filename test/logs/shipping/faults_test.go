package shipping

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ZPascal/container-manager/test/internal/redistest"
	"github.com/ZPascal/container-manager/test/testenv"
)

func TestRedisIsDownAtTheStart(t *testing.T) {
	t.Parallel()
	redis := redistest.New(t, redistest.Options{})
	c := newContainer(t, 0, nil, at(redis)...).impatient()
	l := c.ship()
	c.append("logs/backup.log", "line 1\n")
	l.Says("connection refused")
	redis.Start()
	c.append("logs/backup.log", "line 2\n")
	once(t, waitShipped(t, redis, "line", 2), "line 1", "line 2")
}

// A log may be rotated, and removed, while its lines cannot be shipped: more of
// them than filebeat takes in.
func TestRemovedUnread(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t, redistest.Options{})
	c := newContainer(t, 0, nil, at(redis)...).impatient()
	l := c.ship()
	c.append("logs/backup.log", "line 0\n")
	waitShipped(t, redis, "line", 1)
	redis.Stop()
	want := []string{"line 0"}
	for n := 1; n <= 20_000; n++ {
		want = append(want, fmt.Sprintf("line %d", n))
	}
	c.append("logs/backup.log", strings.Join(want[1:], "\n")+"\n")
	l.Says("connection refused") // it has begun to read
	log := c.Path("storage/logs/backup.log")
	rename(t, log, log+".1")
	c.append("logs/backup.log", "line last\n")
	if err := os.Remove(log + ".1"); err != nil {
		t.Fatal(err)
	}
	redis.Start()
	once(t, waitShipped(t, redis, "line", len(want)+1), append(want, "line last")...)
}

func TestWrongPassword(t *testing.T) {
	t.Parallel()
	const wrong = "not-the-password"
	redis := redistest.Start(t, redistest.Options{Password: "right"})
	c := newContainer(t, 0, nil, at(redis, "LOGGING_REDIS_PASSWORD="+wrong)...).impatient()
	l := c.Start()
	c.append("logs/backup.log", "line 1\n")
	testenv.WaitFor(t, "filebeat complains", func() bool { return strings.Contains(c.filebeatLog(), "WRONGPASS") })
	if logs := l.Output.String() + c.filebeatLog(); strings.Contains(logs, wrong) {
		t.Errorf("the password is in the logs:\n%s", logs)
	}
	for _, program := range []string{"filebeat", "health"} {
		path := "/proc/" + strings.TrimSpace(testenv.Read(t, c.Path("tmp/supervisor."+program+".pid"))) + "/cmdline"
		if line := testenv.Read(t, path); strings.Contains(line, wrong) {
			t.Errorf("the password is in a command line: %q", line)
		}
	}
	if holders := filesWith(t, c.Root, wrong); len(holders) == 0 {
		t.Error("no file holds the password: this test looks for the wrong thing")
	} else {
		for _, path := range holders {
			if mode := testenv.Mode(t, path); mode != 0o600 {
				t.Errorf("%s holds the password and has mode %v", path, mode)
			}
		}
	}
	redis.SetPassword(wrong)
	once(t, waitShipped(t, redis, "line", 1), "line 1")
}

// filesWith returns the files below a directory that hold a text. Files may come
// and go meanwhile.
func filesWith(t *testing.T, dir, text string) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) || err == nil && !d.Type().IsRegular() {
			return nil
		}
		if data, readErr := os.ReadFile(path); readErr == nil && strings.Contains(string(data), text) {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// TestPasswords ships with every ASCII punctuation character in the password.
func TestPasswords(t *testing.T) {
	t.Parallel()
	const punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
	redis := redistest.Start(t, redistest.Options{Password: "first"})
	c := newContainer(t, 0, nil).impatient()
	var want []string
	for _, password := range []string{
		punctuation, reversed(punctuation), "$$", "${HOME}", "%{[x]}", "- [a: b #c, {y}]", " blanks ", "1e3", "größe",
	} {
		redis.SetPassword(password)
		from := []string{"LOGGING_REDIS_PASSWORD=" + password, "LOGGING_REDIS_PASSWORD_FILE="}
		if len(want) == 0 {
			testenv.Write(t, c.Path("secret"), password+"\n", 0o400)
			from = []string{"LOGGING_REDIS_PASSWORD_FILE=" + c.Path("secret")}
		}
		c.Setenv(at(redis, from...)...)
		l := c.ship()
		want = append(want, "with "+password)
		c.append("logs/backup.log", "with "+password+"\n")
		waitShipped(t, redis, "with", len(want))
		stop(l)
	}
	// filebeat may repeat a line that Redis was slow to accept.
	if got := shipped(t, redis, "with"); len(got) != len(want) {
		t.Errorf("shipped %v, want %q", got, want)
	}
}

func reversed(s string) string {
	var b strings.Builder
	for i := len(s) - 1; i >= 0; i-- {
		b.WriteByte(s[i])
	}
	return b.String()
}

func TestTLS(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t, redistest.Options{TLS: true, Password: "secret"})
	other := redistest.New(t, redistest.Options{TLS: true})
	c := newContainer(t, 0, nil).impatient()
	c.Setenv(at(redis, "LOGGING_REDIS_PASSWORD=secret", "LOGGING_REDIS_DB=3", "LOGGING_REDIS_KEY=our [logs]: x", "LOGGING_REDIS_TLS=on")...)
	for _, ca := range []string{other.CAFile, ""} {
		c.Setenv("LOGGING_REDIS_CA_FILE=" + ca)
		c.append("logs/backup.log", "with the CA "+ca+"\n")
		l := c.ship()
		l.Says("x509: certificate signed by unknown authority")
		l.Kill()
	}
	c.Setenv("LOGGING_REDIS_CA_FILE=" + redis.CAFile)
	c.append("logs/backup.log", "with the right one\n")
	c.ship()
	counts := map[string]int{}
	testenv.WaitFor(t, "three lines in another list of another database", func() bool {
		clear(counts)
		for _, entry := range redis.List(3, "our [logs]: x") {
			counts[parse(t, entry).Message]++
		}
		return len(counts) == 3
	})
	once(t, counts, "with the CA "+other.CAFile, "with the CA ", "with the right one")
}

func TestRedisIsFull(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t, redistest.Options{MaxMemory: "1"})
	c := newContainer(t, 0, nil, at(redis)...).impatient()
	l := c.ship()
	c.append("logs/backup.log", "line 1\nline 2\n")
	l.Says("OOM command not allowed")
	c.append("logs/backup.log", "line 3\n")
	redis.Do(0, "CONFIG", "SET", "maxmemory", "0")
	once(t, waitShipped(t, redis, "line", 3), "line 1", "line 2", "line 3")
}

// TestOddLines ships what programs print by mistake.
func TestOddLines(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t, redistest.Options{})
	c := newContainer(t, 0, nil, at(redis)...).impatient()
	long := "line " + strings.Repeat("long ", 1<<20/5)
	c.append("logs/backup.log", long+"\n\nline of DOS\r\nline \x00 NUL\nline \xff\xfe broken\nline \x1b[31mred\nline without")
	c.ship()
	waitShipped(t, redis, "line", 5)
	c.append("logs/backup.log", " an end\nline last\n")
	once(t, waitShipped(t, redis, "line", 7),
		long, "line of DOS", "line \x00 NUL", "line \ufffd\ufffd broken", "line \x1b[31mred", "line without an end", "line last")
}

// TestDuplicateIDs is what an operator sees of a mistake: before anything starts.
func TestDuplicateIDs(t *testing.T) {
	t.Parallel()
	redis := redistest.New(t, redistest.Options{})
	const input = "- type: filestream\n  id: crond\n  paths: [/x]\n"
	c := newContainer(t, 0, map[string]string{"logging/filebeat.d/app.yml": input}, at(redis)...)
	l := c.Run()
	if status := l.End(); status != 2 {
		t.Errorf("exit status %d, want 2", status)
	}
	l.Says("filebeat-crond.yml:5: the id crond is taken by the input at " + c.Path("image/logging/filebeat.d/app.yml:2"))
}
