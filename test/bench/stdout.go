package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

const (
	linesPerSecond = 20_000
	writeFor       = 10 * time.Second
	lineCount      = linesPerSecond * int(writeFor/time.Second)
)

// writeLines is what the program does whose output is followed: numbered lines
// of a hundred bytes at an even rate. In the end it says how long it took, in the file that is named.
func writeLines(args []string) error {
	const batches = 200 // a second
	begin := time.Now()
	for n := 0; n < lineCount; {
		var text strings.Builder
		for range linesPerSecond / batches {
			n++
			fmt.Fprintf(&text, "%09d %s\n", n, strings.Repeat("x", 89))
		}
		if _, err := os.Stdout.WriteString(text.String()); err != nil {
			return err
		}
		due := begin.Add(time.Duration(n) * time.Second / linesPerSecond)
		time.Sleep(time.Until(due))
	}
	return os.WriteFile(args[0], []byte(strconv.FormatInt(int64(time.Since(begin)), 10)), 0o644)
}

// benchStdout measures what it costs to follow 20,000 lines a second to standard
// output, whether each line comes out once, and whether the program has to wait
// when nobody reads.
func benchStdout(b *bench) error {
	for _, format := range []string{"console", "json"} {
		out, err := b.followed("stdout-"+format, format, true)
		if err != nil {
			return err
		}
		b.atMost("20,000 lines/s to stdout, "+format+": wrong lines of 200,000", fmt.Sprint(out.wrong), float64(out.wrong), 0)
		b.atMost("20,000 lines/s to stdout, "+format+": CPU of one core", fmt.Sprintf("%.1f %%", 100*out.cpu), out.cpu, 0.05)
	}
	out, err := b.followed("stdout-unread", "console", false)
	if err != nil {
		return err
	}
	b.atMost("stdout that nobody reads: what the program takes : 10 s", out.took.Round(time.Millisecond).String(), float64(out.took)/float64(writeFor), 1.05)
	return nil
}

type followed struct {
	wrong int           // lines that are missing, there twice, or in another order
	cpu   float64       // of one core
	took  time.Duration // of the program
}

// followed runs a container to whose standard output 200,000 lines are followed,
// over some ten rotations.
func (b *bench) followed(name, format string, isRead bool) (followed, error) {
	t, err := b.newTree(name)
	if err != nil {
		return followed{}, err
	}
	self, err := os.Executable()
	if err != nil {
		return followed{}, err
	}
	t.set("IMAGE_LOG_STDOUT", "true")
	t.set("IMAGE_LOG_FORMAT", format)
	err = t.write("supervisord/conf.d/app.conf", fmt.Sprintf(`[program:app]
command = %s lines %s
autorestart = false
redirect_stderr = true
stdout_logfile = %%(ENV_SUPERVISOR_LOGS_DIR)s/app.log
stdout_logfile_maxbytes = 2MB
stdout_logfile_backups = 20
`, self, t.path("took")), 0o644)
	if err != nil {
		return followed{}, err
	}
	cmd := exec.Command(t.bin, "run")
	cmd.Env = t.env
	r, w, err := os.Pipe()
	if err != nil {
		return followed{}, err
	}
	defer r.Close()
	cmd.Stdout = w
	err = errors.Join(os.MkdirAll(t.path("process"), 0o755), cmd.Start(), w.Close())
	if err != nil {
		return followed{}, err
	}
	defer func() {
		go func() { _, _ = io.Copy(io.Discard, r) }()
		terminate(cmd)
	}()
	var f followed
	done := make(chan int, 1)
	if isRead {
		go func() { done <- wrongLines(r) }()
	}
	err = waitFor(writeFor+60*time.Second, func() bool {
		data, _ := os.ReadFile(t.path("took"))
		took, err := strconv.ParseInt(string(data), 10, 64)
		f.took = time.Duration(took)
		return err == nil
	})
	if err != nil {
		return f, fmt.Errorf("the program does not end: %w", err)
	}
	pid, err := t.pid("stdout-log")
	if err != nil {
		return f, err
	}
	f.cpu = float64(cpuTime(pid)) / float64(f.took)
	if isRead {
		f.wrong = <-done
	}
	return f, nil
}

// wrongLines reads the program's lines up to the last.
func wrongLines(r io.Reader) int {
	lines := bufio.NewScanner(r)
	next, wrong := 1, 0
	for next <= lineCount && lines.Scan() {
		_, rest, found := strings.Cut(lines.Text(), "app | ")
		if !found {
			_, rest, found = strings.Cut(lines.Text(), `"program":"app","stream":"stdout","message":"`)
		}
		if !found {
			continue
		}
		n, err := strconv.Atoi(rest[:min(9, len(rest))])
		if err != nil || n != next {
			wrong++
		}
		next = n + 1
	}
	return wrong + max(0, lineCount+1-next)
}
