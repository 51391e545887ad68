package cli

import (
	"encoding/json"
	"io"
)

// printJSON prints a value for people and scripts.
func printJSON(out io.Writer, v any) error {
	to := json.NewEncoder(out)
	to.SetIndent("", "  ")
	to.SetEscapeHTML(false)
	return to.Encode(v)
}
