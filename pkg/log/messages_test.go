package log

import (
	"bytes"
	"testing"
)

func TestMessages(t *testing.T) {
	const colours = "2024-02-29 01:02:03\t\x1b[1;32mINFO\x1b[0m\t\x1b[1;37mconfigure-app\x1b[0m listening"
	for line, want := range map[string]string{
		"plain":                       "INFO\tapp plain\n",
		"one; two;three":              "INFO\tapp one\nINFO\tapp two\nINFO\tapp three\n",
		";;  ; \t;":                   "",
		"":                            "",
		"  blanks  ":                  "INFO\tapp blanks\n",
		"\x1b[1;31mred\x1b[0m; green": "INFO\tapp red\nINFO\tapp green\n",
		"\x1b[2Jcleared \x1b[K\x1b[":  "INFO\tapp \x1b[2Jcleared \x1b[K\x1b[\n", // not of a colour
		"\x1b[1;31":                   "INFO\tapp \x1b[1\nINFO\tapp 31\n",
		// As utils.write_log writes, in colour and without.
		colours: "INFO\tapp configure-app listening\n",
		"2024-02-29 01:02:03\tERROR\tconfigure-app no database; giving up":    "ERROR\tapp configure-app no database\nINFO\tapp giving up\n",
		"2024-02-29 01:02:03\tWARN\tx y":                                      "WARN\tapp x y\n",
		"2024-02-29 01:02:03\tDEBUG\tx y":                                     "INFO\tapp x y\n",
		"2024-02-29 01:02:03\tERROR\tx one;2024-02-29 01:02:03\tERROR\tx two": "ERROR\tapp x one\nERROR\tapp x two\n",
		"2024-02-29 01:02:03\tERROR":                                          "INFO\tapp 2024-02-29 01:02:03\tERROR\n",
		"name\tERROR\tvalue":                                                  "INFO\tapp name\tERROR\tvalue\n",
		"2024-02-29T01:02:03Z\tERROR\tx":                                      "INFO\tapp 2024-02-29T01:02:03Z\tERROR\tx\n",
		"2024-02-29 01:02:03\tERROR\tx tab\tin it":                            "ERROR\tapp x tab\tin it\n",
	} {
		var out bytes.Buffer
		Messages(Named(New(&out, Options{}), "app"), line)
		if got := stamp.ReplaceAllString(out.String(), ""); got != want {
			t.Errorf("%q: logged %q, want %q", line, got, want)
		}
	}
}
