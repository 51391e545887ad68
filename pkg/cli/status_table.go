package cli

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ZPascal/container-manager/pkg/backoff"
	"github.com/ZPascal/container-manager/pkg/backup"
	"github.com/ZPascal/container-manager/pkg/status"
)

// printStatus prints tables for people, the same on a terminal and in a file.
func printStatus(w io.Writer, s status.Report) error {
	var out bytes.Buffer
	table(&out, "PROGRAM\tSTATE\tPID\tUPTIME\tRESTARTS\tNOTE", s.Programs, programRow)
	table(&out, "\nCHECK\tPROBE\tRESULT\tAT\tTOOK\tNOTE", s.Probes, probeRow)
	table(&out, "\nJOB\tNEXT AT\tLAST AT\tRESULT\tTOOK\tRUNS\tFAILED\tSCHEDULE\tCOMMAND", s.Jobs, jobRow)
	fmt.Fprintf(&out, "\nLast backup: %s\n", cmp.Or(s.LastBackup, "none"))
	for _, line := range backupLines(s.Backup) {
		fmt.Fprintln(&out, oneLine(line))
	}
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
	next := ""
	if p.Next != nil {
		next = backoff.Record{Next: *p.Next}.Text(time.Now())
	}
	for _, note := range []string{p.Held, p.Waits, next, p.Stopped, p.Error} {
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
		return []string{string(p.Check), p.Probe, "not run yet", "-", "-", ""}
	}
	result, note := "healthy", ""
	if !*p.Healthy {
		result, note = "failed", cmp.Or(p.Result.How, p.Result.Message)
		if p.Result.Output != "" && !strings.Contains(note, p.Result.Output) {
			note += ": " + p.Result.Output
		}
	}
	return []string{string(p.Check), p.Probe, result, p.Result.Began.Local().Format(time.DateTime), seconds(p.Result.Seconds), oneLine(note)}
}

func jobRow(j status.Job) []string {
	next, at, result, took := "-", "-", "-", "-"
	if j.Next != nil {
		next = j.Next.Format("2006-01-02 15:04:05 MST")
	}
	if j.Last != nil {
		at, result = j.Last.Began.Local().Format(time.DateTime), j.Last.String()
		if j.Last.Ended != nil {
			took = seconds(j.Last.Seconds)
		}
	}
	return []string{j.Name, next, at, oneLine(result), took, fmt.Sprint(j.Runs), fmt.Sprint(j.Failures), j.Schedule, oneLine(j.Command)}
}

func seconds(s float64) string {
	return time.Duration(s * float64(time.Second)).Round(time.Millisecond).String()
}

// backupLines say how the last backup went, and which one went well when that one did not.
func backupLines(b backup.Last) []string {
	l := b.Last
	if l == nil {
		return nil
	}
	line := fmt.Sprintf("The backup of %s ", l.Began.Local().Format(time.DateTime))
	switch l.Status {
	case backup.Running:
		return []string{line + "is running"}
	case backup.Failed:
		line += "failed: " + l.Error
	case backup.Incomplete:
		line += fmt.Sprintf("is incomplete, with %d warnings and errors in its log: %d files, %s, in %s", l.Problems, l.Files, backup.Size(l.Size), seconds(l.Seconds))
	default:
		return []string{line + fmt.Sprintf("is good: %d files, %s, in %s", l.Files, backup.Size(l.Size), seconds(l.Seconds))}
	}
	last := "There is none on record that went well"
	if b.LastSuccess != nil {
		last = "The last one that went well is that of " + b.LastSuccess.Began.Local().Format(time.DateTime)
	}
	return []string{line, last}
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
