package web

import (
	"net/http"
	"runtime"
	"time"

	"github.com/ZPascal/container-manager/pkg/backup"
	"github.com/ZPascal/container-manager/pkg/cron"
	"github.com/ZPascal/container-manager/pkg/status"
	"github.com/ZPascal/container-manager/pkg/stdoutlog"
)

func (s *Server) serveMetrics(w http.ResponseWriter, r *http.Request, d *desk) {
	kind, form := textType, plainMetrics
	if wantsOpenMetrics(r) {
		kind, form = openType, openMetrics
	}
	text, ok := d.text(form)
	if !ok {
		plain(w, http.StatusServiceUnavailable, busy)
		return
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Vary", "Accept")
	_, _ = w.Write(text)
}

// metrics returns the text of the metrics.
func (s *Server) metrics(p *picture, open bool) string {
	e := &exposition{open: open}
	s.expose(e, p)
	return e.end()
}

// expose writes all metrics. doc/http.md lists them.
func (s *Server) expose(e *exposition, p *picture) {
	report := s.report(p)
	e.family(gauge, "build_info", "The container manager that answers.", "version", "goversion").add(1, s.Version, runtime.Version())
	e.family(gauge, "supervisord_up", "Whether supervisord answers.").add(truth(p.asked == nil))
	exposePrograms(e, report.Programs, p.at)
	exposeProbes(e, report.Probes)
	exposeJobs(e, report.Jobs)
	exposeBackup(e, report.Backup)
	if lag, known := stdoutlog.Lag(s.Config); known {
		e.family(gauge, "log_follower_lag_bytes", "Bytes of the programs' logs that are not on standard output yet.").add(float64(lag))
	}
}

func exposePrograms(e *exposition, programs []status.Program, now time.Time) {
	up := e.family(gauge, "program_up", "Whether the program is RUNNING.", "program")
	for _, p := range programs {
		up.add(truth(p.State == "RUNNING"), p.Name)
	}
	state := e.family(gauge, "program_state", "1 for the state that supervisord says the program is in.", "program", "state")
	for _, p := range programs {
		state.add(1, p.Name, p.State)
	}
	started := e.family(gauge, "program_start_time_seconds", "When the program was started that runs now.", "program")
	for _, p := range programs {
		if p.PID != 0 {
			started.add(float64(now.Unix())-p.Uptime, p.Name)
		}
	}
	starts := e.family(counter, "program_starts_total", "Starts of the program that supervisord has tried.", "program")
	for _, p := range programs {
		starts.add(float64(p.Starts), p.Name)
	}
	ends := e.family(counter, "program_ends_total", "How often the program has ended by itself.", "program")
	for _, p := range programs {
		ends.add(float64(p.Ends), p.Name)
	}
	restarts := e.family(counter, "program_restarts_total", "Restarts of the program by checks and by people.", "program", "reason")
	for _, p := range programs {
		for _, reason := range []string{"liveness", "readiness", "person"} {
			restarts.add(float64(p.Reasons[reason]), p.Name, reason)
		}
	}
}

func exposeProbes(e *exposition, probes []status.Probe) {
	up := e.family(gauge, "probe_up", "Whether the probe has passed when it ran last.", "check", "probe")
	for _, p := range probes {
		if p.Healthy != nil {
			up.add(truth(*p.Healthy), string(p.Check), p.Probe)
		}
	}
	took := e.family(gauge, "probe_duration_seconds", "How long the probe took when it ran last.", "check", "probe")
	for _, p := range probes {
		if p.Result != nil {
			took.add(p.Result.Seconds, string(p.Check), p.Probe)
		}
	}
	ran := e.family(gauge, "probe_last_run_timestamp_seconds", "When the probe ran last.", "check", "probe")
	for _, p := range probes {
		if p.Result != nil {
			ran.add(seconds(p.Result.Began), string(p.Check), p.Probe)
		}
	}
}

func exposeJobs(e *exposition, jobs []status.Job) {
	runs := e.family(counter, "job_runs_total", "Runs of the job that have ended, by how they have.", "job", "result")
	for _, j := range jobs {
		for _, result := range cron.Results() {
			runs.add(float64(j.Counts[result]), j.Name, string(result))
		}
	}
	skipped := e.family(counter, "job_skipped_total", "Runs of the job that were left out, because it was still running.", "job")
	for _, j := range jobs {
		skipped.add(float64(j.Skipped), j.Name)
	}
	began := e.family(gauge, "job_last_start_timestamp_seconds", "When the job was started last.", "job")
	for _, j := range jobs {
		if j.Last != nil {
			began.add(seconds(j.Last.Began), j.Name)
		}
	}
	took := e.family(gauge, "job_last_duration_seconds", "How long the last run of the job took that has ended.", "job")
	for _, j := range jobs {
		if j.Last != nil && j.Last.Ended != nil {
			took.add(j.Last.Seconds, j.Name)
		}
	}
	success := e.family(gauge, "job_last_success_timestamp_seconds", "When the job has ended well last.", "job")
	for _, j := range jobs {
		if j.LastSuccess != nil {
			success.add(seconds(*j.LastSuccess), j.Name)
		}
	}
	next := e.family(gauge, "job_next_start_timestamp_seconds", "When the job is due.", "job")
	for _, j := range jobs {
		if j.Next != nil {
			next.add(seconds(*j.Next), j.Name)
		}
	}
}

func exposeBackup(e *exposition, b backup.Last) {
	if b.Last != nil {
		state := e.family(gauge, "backup_last_status", "1 for how the last backup went.", "status")
		for _, s := range []backup.Status{backup.Running, backup.Done, backup.Incomplete, backup.Failed} {
			state.add(truth(b.Last.Status == s), string(s))
		}
		e.family(gauge, "backup_last_start_timestamp_seconds", "When the last backup began.").add(seconds(b.Last.Began))
	}
	if l := b.LastSuccess; l != nil && l.Ended != nil {
		e.family(gauge, "backup_last_success_timestamp_seconds", "When the last backup ended with which all was well.").add(seconds(*l.Ended))
		e.family(gauge, "backup_size_bytes", "Size of the archive of that backup.").add(float64(l.Size))
		e.family(gauge, "backup_files", "Files in that archive.").add(float64(l.Files))
		e.family(gauge, "backup_duration_seconds", "How long that backup took.").add(l.Seconds)
	}
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

func seconds(t time.Time) float64 {
	return float64(t.UnixMilli()) / float64(time.Second/time.Millisecond)
}
