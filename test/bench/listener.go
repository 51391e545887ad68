package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// benchListener measures how many state changes per second the listener handles,
// and whether any is lost when five hundred programs start at once.
func benchListener(b *bench) error {
	rate, err := b.listenerRate(4000)
	if err != nil {
		return err
	}
	b.atMost("event listener: 800 state changes/s : what it handles", fmt.Sprintf("%.0f/s", rate), 800/rate, 1)
	lost, err := b.lostEvents(500)
	if err != nil {
		return err
	}
	b.atMost("events lost when 500 programs start", fmt.Sprint(lost), float64(lost), 0)
	return nil
}

// listenerRate speaks supervisord's side of the protocol.
func (b *bench) listenerRate(events int) (float64, error) {
	dir := filepath.Join(b.dir, "listener")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return 0, err
	}
	cmd := exec.Command(b.binary, "eventlistener", dir, dir)
	in, err := cmd.StdinPipe()
	if err != nil {
		return 0, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer func() {
		_ = in.Close()
		_ = cmd.Wait()
	}()
	answers := bufio.NewReader(out)
	if _, err := answers.ReadString('\n'); err != nil { // READY
		return 0, err
	}
	states := []string{"STARTING", "RUNNING", "STOPPING", "STOPPED"}
	begin := time.Now()
	for i := range events {
		payload := fmt.Sprintf("processname:app%d groupname:app from_state:X pid:%d", i/4%100, 1000+i)
		fmt.Fprintf(in, "ver:3.0 server:supervisor serial:%d pool:health poolserial:%d eventname:PROCESS_STATE_%s len:%d\n%s",
			i, i, states[i%4], len(payload), payload)
		for range 2 { // RESULT 2, OKREADY
			if _, err := answers.ReadString('\n'); err != nil {
				return 0, err
			}
		}
	}
	return float64(events) / time.Since(begin).Seconds(), nil
}

// lostEvents starts n programs under supervisord and counts those whose state
// file never says RUNNING, and the events that supervisord says it dropped.
func (b *bench) lostEvents(n int) (int, error) {
	t, err := b.newTree("events")
	if err != nil {
		return 0, err
	}
	err = t.write("supervisord/conf.d/many.conf", fmt.Sprintf(`[program:many]
command = /bin/sleep 1000
process_name = %%(program_name)s_%%(process_num)d
numprocs = %d
stdout_logfile = NONE
stderr_logfile = NONE
`, n), 0o644)
	if err != nil {
		return 0, err
	}
	if err := t.write("supervisord/conf.d/minfds.conf", "[supervisord]\nminfds = 4096\n", 0o644); err != nil {
		return 0, err
	}
	cmd, err := t.start([]string{t.bin, "run"})
	if err != nil {
		return 0, err
	}
	defer killAll(cmd)
	running := 0
	_ = waitFor(2*time.Minute, func() bool {
		running = 0
		for i := range n {
			state, _ := os.ReadFile(t.path(fmt.Sprintf("process/supervisor.many_%d.state", i)))
			if string(state) == "RUNNING" {
				running++
			}
		}
		return running == n
	})
	output, err := os.ReadFile(t.path("storage/logs/supervisor/supervisord.log"))
	return n - running + strings.Count(string(output), "buffer overflowed"), err
}

// killAll kills supervisord and its programs, which takes less time than a stop.
func killAll(cmd *exec.Cmd) {
	kill := exec.Command("kill", append([]string{"-KILL"}, strings.Fields(childIDs(cmd.Process.Pid))...)...)
	_ = cmd.Process.Kill()
	_ = kill.Run()
	_ = cmd.Wait()
}

func childIDs(pid int) string {
	ids, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	return string(ids)
}
