package web

import (
	"math"
	"net/http"
	"strconv"
	"strings"
)

// The two forms in which metrics are told. See
// https://prometheus.io/docs/instrumenting/exposition_formats and
// https://prometheus.io/docs/specs/om/open_metrics_spec.
const (
	textType = "text/plain; version=0.0.4; charset=utf-8"
	openType = "application/openmetrics-text; version=1.0.0; charset=utf-8"
)

// wantsOpenMetrics reports whether a request accepts OpenMetrics. Prometheus names what it
// prefers first, and gives everything a weight; a weight of 0 is a refusal.
func wantsOpenMetrics(r *http.Request) bool {
	for _, accept := range strings.Split(strings.Join(r.Header.Values("Accept"), ","), ",") {
		fields := strings.Split(accept, ";")
		if strings.TrimSpace(strings.ToLower(fields[0])) != "application/openmetrics-text" {
			continue
		}
		wanted := true
		for _, field := range fields[1:] {
			key, value, _ := strings.Cut(strings.TrimSpace(field), "=")
			switch weight, err := strconv.ParseFloat(value, 64); {
			case key == "q" && err == nil && weight == 0:
				wanted = false
			case key == "version" && value != "1.0.0" && value != "0.0.1":
				wanted = false
			}
		}
		if wanted {
			return true
		}
	}
	return false
}

// exposition writes metrics, family by family.
type exposition struct {
	strings.Builder
	open bool // OpenMetrics
}

// family begins a metric. Its samples follow, and may be none: then nothing is written.
func (e *exposition) family(kind, name, help string, labels ...string) *family {
	return &family{e: e, kind: kind, name: namespace + name, help: help, labels: labels}
}

const namespace = "container_manager_"

const (
	counter = "counter" // its name ends in _total
	gauge   = "gauge"
)

type family struct {
	e                *exposition
	kind, name, help string
	labels           []string
	begun            bool
}

// add adds a sample with the values of the family's labels.
func (f *family) add(value float64, labels ...string) {
	if !f.begun {
		f.begin()
	}
	f.e.WriteString(f.name)
	for i, label := range labels {
		f.e.WriteString([]string{"{", ","}[min(i, 1)])
		f.e.WriteString(f.labels[i] + `="` + escapeLabel(label) + `"`)
	}
	if len(labels) > 0 {
		f.e.WriteByte('}')
	}
	f.e.WriteString(" " + number(value) + "\n")
}

func (f *family) begin() {
	f.begun = true
	name := f.name
	if f.e.open && f.kind == counter { // the family is called without the suffix there
		name = strings.TrimSuffix(name, "_total")
	}
	f.e.WriteString("# HELP " + name + " " + f.help + "\n# TYPE " + name + " " + f.kind + "\n")
}

func escapeLabel(value string) string {
	value = strings.ToValidUTF8(value, "\ufffd")
	if !strings.ContainsAny(value, "\\\n\"") {
		return value
	}
	return strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`).Replace(value)
}

func number(v float64) string {
	switch {
	case math.IsInf(v, 1):
		return "+Inf"
	case math.IsInf(v, -1):
		return "-Inf"
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// end is what OpenMetrics wants last, so that a text that was cut off is noticed.
func (e *exposition) end() string {
	if e.open {
		e.WriteString("# EOF\n")
	}
	return e.String()
}
