package cli

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ZPascal/container-manager/pkg/status"
)

// printStatus prints tables for people, the same on a terminal and in a file.
func printStatus(w io.Writer, s status.Report) error {
	var out bytes.Buffer
	table(&out, "PROGRAM\tSTATE\tPID\tUPTIME\tRESTARTS\tNOTE", s.Programs, programRow)
	table(&out, "\nCHECK\tPROBE\tRESULT\tAT\tTOOK", s.Probes, probeRow)
	table(&out, "\nNEXT JOB AT\tSCHEDULE\tCOMMAND", s.Jobs, jobRow)
	backup := s.LastBackup
	if backup == "" {
		backup = "none"
	}
	fmt.Fprintf(&out, "\nLast backup: %s\n", backup)
	for _, path := range s.Kept {
		fmt.Fprintf(&out, "Kept by a restore: %s\n", path)
	}
	for _, e := range s.Errors {
		fmt.Fprintf(&out, "\n%s\n", e)
	}
	_, err := w.Write(out.Bytes())
	return err
}

// table prints a header and a row for each thing, or nothing.
func table[T any](out io.Writer, header string, things []T, row func(T) []string) {
	if len(things) == 0 {
		return
	}
	const gap = 2
	w := tabwriter.NewWriter(out, 0, 0, gap, ' ', 0)
	fmt.Fprintln(w, header)
	for _, thing := range things {
		fmt.Fprintln(w, strings.Join(row(thing), "\t"))
	}
	_ = w.Flush() // to a buffer
}

func programRow(p status.Program) []string {
	pid, uptime := "-", "-"
	if p.PID != 0 {
		pid, uptime = fmt.Sprint(p.PID), (time.Duration(p.Uptime) * time.Second).String()
	}
	var notes []string
	for _, note := range []string{p.Held, p.Waits, p.Error} {
		if note != "" {
			notes = append(notes, note)
		}
	}
	if p.LastEnd != nil {
		started := "started once"
		if p.Starts > 1 {
			started = fmt.Sprintf("started %d times", p.Starts)
		}
		notes = append(notes, started+": "+p.LastEnd.Text)
	}
	if p.LastRestart != nil {
		note := fmt.Sprintf("restarted at %s: %s", p.LastRestart.Local().Format(time.DateTime), p.Why)
		if p.RestartFailed != "" {
			note += ", which failed: " + p.RestartFailed
		}
		notes = append(notes, note)
	}
	return []string{p.Name, p.State, pid, uptime, fmt.Sprint(p.Restarts), oneLine(strings.Join(notes, "; "))}
}

func probeRow(p status.Probe) []string {
	if !p.Ran {
		return []string{string(p.Check), p.Probe, "not run yet", "-", "-"}
	}
	result := "healthy"
	if !*p.Healthy {
		result = "failed"
	}
	took := time.Duration(p.Result.Seconds * float64(time.Second)).Round(time.Millisecond)
	return []string{string(p.Check), p.Probe, result, p.Result.Began.Local().Format(time.DateTime), took.String()}
}

func jobRow(j status.Job) []string {
	next := "-"
	if j.Next != nil {
		next = j.Next.Format("2006-01-02 15:04:05 MST")
	}
	return []string{next, j.Schedule, oneLine(j.Command)}
}

// oneLine keeps a text in its cell.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, text)
}
