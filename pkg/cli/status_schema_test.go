package cli

import (
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// wantSchema fails unless what status --json prints is as the schema says.
func wantSchema(t *testing.T, said string) {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	schema, err := compiler.Compile("../../doc/status.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(said))
	if err != nil {
		t.Fatalf("%v:\n%s", err, said)
	}
	if err := schema.Validate(value); err != nil {
		t.Errorf("%v:\n%s", err, said)
	}
}
