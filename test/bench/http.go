package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// benchHTTP measures the HTTP listener beside 50 programs: how soon it answers, what it
// costs, and whether it grows.
func benchHTTP(b *bench) error {
	const programs = 50
	t, err := b.newSetUpTree("http")
	if err != nil {
		return err
	}
	t.set("IMAGE_HTTP_ADDRESS", "unix:"+t.path("http.sock"))
	t.set("IMAGE_CRON_ENABLED", "1")
	err = errors.Join(
		t.write("supervisord/conf.d/many.conf", fmt.Sprintf("[program:many]\ncommand = /bin/sleep 1000\nprocess_name = many_%%(process_num)d\nnumprocs = %d\nstdout_logfile = NONE\nredirect_stderr = true\n", programs), 0o644),
		t.write("health/readiness.probes.d/check-many.sh", "#!/bin/sh\nexit 0\n", 0o755))
	if err != nil {
		return err
	}
	cmd, err := t.startAndWait(t.ours(), "http", fmt.Sprintf("many_%d", programs-1))
	if err != nil {
		return err
	}
	defer terminate(cmd)
	pid, err := t.pid("http")
	if err != nil {
		return err
	}
	c := newAsker(t.path("http.sock"))
	if err := waitFor(20*time.Second, func() bool { _, err := c.ask("/readyz"); return err == nil }); err != nil {
		return err
	}
	if err := b.asked500(t, c); err != nil {
		return err
	}
	if err := b.askedSeldom(c); err != nil {
		return err
	}
	if err := b.askedOnceASecond(c, pid); err != nil {
		return err
	}
	return b.scraped(c, pid)
}

// asked500 asks 500 times a second, in turns with the floor: a server that only says ok.
// How late it is, the machine is, and both are late by that much.
func (b *bench) asked500(t *tree, c asker) error {
	floor, end, err := startFloor(t.path("floor.sock"))
	if err != nil {
		return err
	}
	defer end()
	var took, least []time.Duration
	for range 10 {
		ours, err := c.askedEvenly(500, time.Second)
		if err != nil {
			return err
		}
		theirs, err := floor.askedEvenly(500, time.Second)
		if err != nil {
			return err
		}
		took, least = append(took, ours...), append(least, theirs...)
	}
	slices.Sort(took)
	slices.Sort(least)
	late, lateFloor := took[len(took)*99/100], least[len(least)*99/100]
	limit := max(2*time.Millisecond, 2*lateFloor)
	b.line("/readyz, 50 programs, 500/s, 99th percentile : 2 ms", late.Round(10*time.Microsecond).String(), lateFloor.Round(10*time.Microsecond).String(), float64(late)/float64(limit), 1)
	b.compare("/readyz, 50 programs, 500/s, median : a server that says ok", took, least)
	var execs []time.Duration
	for range 15 {
		one, err := t.timed(t.bin, "health", "readiness")
		if err != nil {
			return err
		}
		execs = append(execs, one)
	}
	b.ratio("/readyz : health readiness as kubelet's exec runs it", took, execs, 1)
	return nil
}

// askedEvenly asks at fixed times: a slow answer delays no question. What the sleep is
// late, about a millisecond, is not counted.
func (a asker) askedEvenly(rate int, length time.Duration) ([]time.Duration, error) {
	took := make([]time.Duration, int(length.Seconds()*float64(rate)))
	errs := make([]error, len(took))
	var asking sync.WaitGroup
	begin := time.Now()
	for i := range took {
		time.Sleep(time.Until(begin.Add(time.Duration(i) * time.Second / time.Duration(rate))))
		asked := time.Now()
		asking.Go(func() {
			_, errs[i] = a.ask("/readyz")
			took[i] = time.Since(asked)
		})
	}
	asking.Wait()
	return took, errors.Join(errs...)
}

// startFloor starts a server that only says ok.
func startFloor(socket string) (c asker, end func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return c, nil, err
	}
	cmd := exec.Command(self, "sayok", socket)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return c, nil, err
	}
	end = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	c = newAsker(socket)
	if err := waitFor(20*time.Second, func() bool { _, err := c.ask("/readyz"); return err == nil }); err != nil {
		end()
		return c, nil, err
	}
	return c, end, nil
}

func sayOKStep(args []string) error {
	l, err := net.Listen("unix", args[0])
	if err != nil {
		return err
	}
	return http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }))
}

// askedSeldom asks after pauses, as kubelet does. The answer does not wait for supervisord.
func (b *bench) askedSeldom(c asker) error {
	const pause, times = 4 * time.Second, 8
	var took []time.Duration
	for range times {
		time.Sleep(pause)
		asked := time.Now()
		if _, err := c.ask("/readyz"); err != nil {
			return err
		}
		took = append(took, time.Since(asked))
	}
	middle := median(took)
	b.atMost(fmt.Sprintf("/readyz, asked once in %s : 2 ms", pause), middle.Round(10*time.Microsecond).String(), middle.Seconds()/0.002, 1)
	return nil
}

// askedOnceASecond is what kubelet and Prometheus do at most.
func (b *bench) askedOnceASecond(c asker, pid int) error {
	const seconds = 20
	cpu := -cpuTime(pid)
	for range seconds {
		time.Sleep(time.Second)
		if _, err := c.ask("/readyz"); err != nil {
			return err
		}
	}
	cpu += cpuTime(pid)
	b.atMost("/readyz once a second, CPU of the listener : 3 %", cpu.String(), cpu.Seconds()/seconds/0.03, 1)
	return nil
}

// scraped reads the metrics 100,000 times, and compares with the first 10,000.
func (b *bench) scraped(c asker, pid int) error {
	const warm, all = 10_000, 100_000
	var memory int64
	var files int
	size := 0
	for i := range all {
		if i == warm {
			memory, files = pss(pid), descriptors(pid)
		}
		n, err := c.ask("/metrics")
		if err != nil {
			return err
		}
		size = n
	}
	after := pss(pid)
	fmt.Printf("%-58s %12s\n", "/metrics, size", fmt.Sprintf("%d bytes", size))
	b.atMost("HTTP listener, memory (PSS) : 25 MB", megabytes(after), float64(after)/25e6, 1)
	b.line("HTTP listener, memory after 100,000 : 10,000 scrapes", megabytes(after), megabytes(memory), float64(after)/float64(memory), 1.15)
	b.atMost("HTTP listener, descriptors more than before", fmt.Sprint(descriptors(pid)-files), float64(descriptors(pid)-files), 2)
	return nil
}

func descriptors(pid int) int {
	all, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	return len(all)
}

// asker asks the listener, over connections that it keeps.
type asker struct{ http.Client }

func newAsker(socket string) asker {
	return asker{http.Client{Transport: &http.Transport{
		MaxIdleConnsPerHost: 50,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}}}
}

// ask returns the length of an answer.
func (a asker) ask(path string) (int, error) {
	resp, err := a.Get("http://container" + path)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: status %d: %s", path, resp.StatusCode, strings.TrimSpace(string(body)))
	}
	return len(body), err
}
