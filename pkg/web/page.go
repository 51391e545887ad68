package web

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/ZPascal/container-manager/pkg/backup"
	"github.com/ZPascal/container-manager/pkg/health"
	"github.com/ZPascal/container-manager/pkg/status"
)

func (s *Server) servePage(w http.ResponseWriter, _ *http.Request, d *desk) {
	text, ok := d.text(page)
	if !ok {
		plain(w, http.StatusServiceUnavailable, busy)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	_, _ = w.Write(text)
}

// page renders what is known for people. It shows no value of a variable. What errors
// quote of the output of programs may hold one, so it is there with IMAGE_HTTP_LOGS only.
func (s *Server) page(p *picture) string {
	report := s.report(p)
	v := view{Server: s, now: p.at, zone: time.Local}
	if zone, err := s.Config.Zone(); err == nil {
		v.zone = zone
	}
	v.raw("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">",
		"<meta http-equiv=\"refresh\" content=\"30\"><title>")
	v.raw("Container</title><style>", style, "</style></head><body><h1>Container</h1>\n")
	v.health(p)
	v.programs(report.Programs)
	v.probes(report.Probes)
	v.jobs(report.Jobs)
	v.backups(report)
	if s.Config.HTTPLogs {
		v.errors(report.Errors)
		v.logs()
	} else if len(report.Errors) > 0 {
		v.raw("<p class=\"bad\">Something is missing here: container-manager status says what, and why.</p>")
	}
	v.raw("<footer><p>")
	v.text(fmt.Sprintf("As of %s; container-manager %s", v.time(p.at), s.Version))
	v.raw("</p></footer></body></html>\n")
	return v.String()
}

// view is a page that is being written.
type view struct {
	*Server
	document
	now  time.Time
	zone *time.Location
}

func (v *view) time(t time.Time) string { return t.In(v.zone).Format("2006-01-02 15:04:05 MST") }

func (v *view) optionalTime(t *time.Time) string {
	if t == nil {
		return ""
	}
	return v.time(*t)
}

func took(seconds float64) string {
	return time.Duration(seconds * float64(time.Second)).Round(time.Millisecond).String()
}

func (v *view) health(p *picture) {
	v.raw("<p>")
	for i, kind := range health.Kinds() {
		words := [][2]string{{"alive", "not alive"}, {"ready", "not ready"}}[i]
		_, healthy := checksOf(p, kind)
		class, word := "good", words[0]
		if !healthy {
			class, word = "bad", words[1]
		}
		v.raw(`<strong class="`, class, `">`, word, "</strong> ")
	}
	v.raw("</p>\n")
}

func (v *view) programs(programs []status.Program) {
	table(&v.document, "Programs", []string{"program", "state", "up", "starts", "restarts", "note"}, programs, func(p status.Program) {
		class := ""
		switch p.State {
		case "RUNNING":
			class = "good"
		case "FATAL", "BACKOFF":
			class = "bad"
		}
		up := ""
		if p.PID != 0 {
			up = took(p.Uptime)
		}
		v.cell("program", p.Name)
		v.mark("state", p.State, class)
		v.cell("up", up)
		v.cell("starts", fmt.Sprint(p.Starts))
		v.cell("restarts", fmt.Sprint(p.Restarts))
		v.cell("note", v.note(p))
	})
}

// note says what else is to be known of a program.
func (v *view) note(p status.Program) string {
	notes := []string{p.Held, p.Waits, p.Stopped}
	if v.Config.HTTPLogs {
		notes = append(notes, p.Error)
	}
	if p.LastEnd != nil {
		notes = append(notes, p.LastEnd.Text)
	}
	if p.LastRestart != nil {
		notes = append(notes, fmt.Sprintf("restarted at %s: %s", v.time(*p.LastRestart), p.Why))
	}
	return strings.Join(nonEmpty(notes), "; ")
}

func nonEmpty(texts []string) (kept []string) {
	for _, text := range texts {
		if text != "" {
			kept = append(kept, text)
		}
	}
	return kept
}

func (v *view) probes(probes []status.Probe) {
	table(&v.document, "Probes", []string{"check", "probe", "result", "at", "took", "note"}, probes, func(p status.Probe) {
		result, class, at, duration, note := "not run yet", "", "", "", ""
		if p.Result != nil {
			result, class, at, duration = "healthy", "good", v.time(p.Result.Began), took(p.Result.Seconds)
			if !p.Result.Healthy {
				result, class = "failed", "bad"
			}
			if v.Config.HTTPLogs {
				note = p.Result.Message
			}
		}
		v.cell("check", string(p.Check))
		v.cell("probe", p.Probe)
		v.mark("result", result, class)
		v.cell("at", at)
		v.cell("took", duration)
		v.cell("note", note)
	})
}

func (v *view) jobs(jobs []status.Job) {
	table(&v.document, "Jobs", []string{"job", "last", "result", "took", "last success", "runs", "failed", "next"}, jobs, func(j status.Job) {
		last, result, class, duration := "", "", "", ""
		if j.Last != nil {
			last, result = v.time(j.Last.Began), string(cmp.Or(j.Last.Result, "running"))
			switch {
			case j.Last.Result.IsFailure():
				class = "bad"
			case j.Last.Result == "ok":
				class = "good"
			}
			if j.Last.Status != 0 {
				result = j.Last.String()
			}
			if j.Last.Ended != nil {
				duration = took(j.Last.Seconds)
			}
		}
		v.cell("job", j.Name)
		v.cell("last", last)
		v.mark("result", result, class)
		v.cell("took", duration)
		v.cell("last success", v.optionalTime(j.LastSuccess))
		v.cell("runs", fmt.Sprint(j.Runs))
		v.cell("failed", fmt.Sprint(j.Failures))
		v.cell("next", v.optionalTime(j.Next))
	})
}

func (v *view) backups(report status.Report) {
	var runs []backup.Run
	if report.Backup.Last != nil {
		runs = append(runs, *report.Backup.Last)
	}
	if s := report.Backup.LastSuccess; s != nil && (len(runs) == 0 || !s.Began.Equal(runs[0].Began)) {
		runs = append(runs, *s)
	}
	table(&v.document, "Backups", []string{"began", "status", "took", "archive", "size", "files", "note"}, runs, func(r backup.Run) {
		class, note, duration := "", "", ""
		switch r.Status {
		case backup.Done:
			class = "good"
		case backup.Failed, backup.Incomplete:
			class = "bad"
		}
		if v.Config.HTTPLogs {
			note = r.Error
		}
		if r.Ended != nil {
			duration = took(r.Seconds)
		}
		v.cell("began", v.time(r.Began))
		v.mark("status", string(r.Status), class)
		v.cell("took", duration)
		v.cell("archive", r.Archive)
		v.cell("size", backup.Size(r.Size))
		v.cell("files", fmt.Sprint(r.Files))
		v.cell("note", note)
	})
	v.raw("<p>Newest archive: ")
	v.text(cmp.Or(report.LastBackup, "none"))
	v.raw("</p>\n")
}

func (v *view) errors(errors []string) {
	for _, e := range errors {
		v.raw("<p class=\"bad\">")
		v.text(e)
		v.raw("</p>\n")
	}
}
