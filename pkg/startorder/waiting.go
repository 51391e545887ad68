package startorder

import (
	"encoding/json"
	"path/filepath"
	"strings"

	"github.com/abrander/go-supervisord"

	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/supervisor"
)

// Waiting is what a process that has not been started waits for.
type Waiting struct {
	For     []string `json:"for"`               // db (healthy)
	Problem string   `json:"problem,omitempty"` // why it may have to wait for ever
}

// String says it for people, as in "web waits for ...".
func (w Waiting) String() string {
	if len(w.For) == 0 {
		return w.Problem // it waits no more, but could not be started
	}
	text := "waits for " + strings.Join(w.For, ", ")
	if w.Problem != "" {
		text += ": " + w.Problem
	}
	return text
}

// Record is what waits, by full name. It is a file below IMAGE_RUN_DIR, which the
// start begins when any program waits for another, and the event listener keeps.
// Without it nothing waits.
type Record map[string]Waiting

// Path is the record's file.
func Path(runDir string) string { return filepath.Join(runDir, "supervisord", "start-order.json") }

// ReadRecord returns the record; one that is damaged says nothing.
func ReadRecord(runDir string) Record {
	var r Record
	data, err := fsutil.ReadFile(Path(runDir))
	if err != nil || json.Unmarshal(data, &r) != nil {
		return nil
	}
	return r
}

// Of returns what a process waits for; ok is false when it has been started, or waits
// for nothing. The record is to be older than what is known of the process: then no
// process seems to wait for nothing that is just being started.
func (r Record) Of(p supervisord.ProcessInfo) (w Waiting, ok bool) {
	if p.State != supervisord.StateStopped || p.Start > 0 {
		return w, false
	}
	w, ok = r[supervisor.Name(p)]
	return w, ok
}

// Encode is the file's content.
func (r Record) Encode() []byte {
	data, err := json.Marshal(r)
	if err != nil { // of texts it is made alone
		panic(err)
	}
	return append(data, '\n')
}

// Record is the record before anything has started.
func (o Order) Record() Record {
	record := Record{}
	for _, d := range o.Dependents {
		if !d.Starts || len(d.Needs) == 0 {
			continue
		}
		for _, name := range d.Processes {
			record[name] = Waiting{For: Texts(d.Needs)}
		}
	}
	return record
}

// Texts says needs for people.
func Texts(needs []Need) []string {
	texts := make([]string, len(needs))
	for i, n := range needs {
		texts[i] = n.String()
	}
	return texts
}
