package status

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/ZPascal/container-manager/pkg/backup"
	"github.com/ZPascal/container-manager/pkg/cron"
	"github.com/ZPascal/container-manager/pkg/health"
)

const schemaPath = "../../doc/status.schema.json"

// full is a report in which every field has a value.
func full() Report {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	healthy := false
	run := &backup.Run{Began: now, Ended: &now, Seconds: 1, Status: backup.Incomplete, Archive: "a", Size: 1, Files: 1, Bytes: 1, Problems: 1, Error: "e"}
	return Report{
		Programs: []Program{{
			Name: "a", State: "RUNNING", PID: 1, Uptime: 1, Error: "e", Held: "h", Waits: "w", Next: &now, Stopped: "s", Restarts: 1,
			Reasons: map[string]int{"person": 1}, LastRestart: &now, Why: "y", RestartFailed: "f", Starts: 2,
			LastEnd: &End{At: now, How: "exited 1", Expected: true, Crashes: 1, Seconds: 300},
		}},
		Probes: []Probe{
			{Check: health.Liveness, Probe: "p"},
			{Check: health.Readiness, Probe: "p", Ran: true, Healthy: &healthy, Result: &health.Result{Probe: "p", Program: "a", Failures: 1, Began: now, Seconds: 1, Message: "m", How: "h", Output: "o"}},
		},
		Jobs: []Job{{
			Name: "j", Schedule: "@daily", Command: "c", Next: &now, Runs: 1, Failures: 1, Skipped: 1, LastSuccess: &now,
			Last: &cron.Run{Began: now, Ended: &now, Seconds: 1, Result: cron.Failed, Status: 1, Signal: "SIGHUP", Error: "e"},
		}},
		LastBackup: "a", Backup: backup.Last{Last: run, LastSuccess: run}, Kept: []string{"k"}, Errors: []string{"e"},
	}
}

func TestSchema(t *testing.T) {
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	schema, err := compiler.Compile(schemaPath)
	if err != nil {
		t.Fatal(err)
	}
	for name, report := range map[string]Report{
		"empty": {Programs: []Program{}, Probes: []Probe{}, Jobs: []Job{}}, "full": full(),
	} {
		data, err := json.Marshal(report)
		if err != nil {
			t.Fatal(err)
		}
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(string(data)))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSchemaKnowsEveryField compares the names of the schema with those of the types.
func TestSchemaKnowsEveryField(t *testing.T) {
	data, err := os.ReadFile(schemaPath)
	if err != nil {
		t.Fatal(err)
	}
	var schema any
	if err := json.Unmarshal(data, &schema); err != nil {
		t.Fatal(err)
	}
	var described []string
	propertiesOf(schema, &described)
	var fields []string
	fieldsOf(reflect.TypeFor[Report](), &fields)
	fields = append(fields, "liveness", "readiness", "person") // of a map
	for _, list := range []*[]string{&described, &fields} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	if !slices.Equal(described, fields) {
		t.Errorf("the schema has\n%v\nand the types have\n%v", described, fields)
	}
}

func propertiesOf(schema any, names *[]string) {
	switch s := schema.(type) {
	case map[string]any:
		for key, value := range s {
			if properties, ok := value.(map[string]any); ok && key == "properties" {
				for name := range properties {
					*names = append(*names, name)
				}
			}
			propertiesOf(value, names)
		}
	case []any:
		for _, value := range s {
			propertiesOf(value, names)
		}
	}
}

func fieldsOf(t reflect.Type, names *[]string) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == reflect.TypeFor[time.Time]() {
		return
	}
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); name != "-" {
			*names = append(*names, name)
			fieldsOf(t.Field(i).Type, names)
		}
	}
}
