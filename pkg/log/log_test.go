package log

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

var stamp = regexp.MustCompile(`(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\t`)

func TestConsoleLines(t *testing.T) {
	var out bytes.Buffer
	l := New(&out, Options{Level: "debug"})
	l.Info().Msg("without a name")
	l = Named(l, "run")
	l.Debug().Msg("set-up took 3ms")
	l.Info().Msg("running /image/setup/run.once/01.sh")
	l.Warn().Msg("tab\there, ünïcode, 100%")
	l.Error().Msg("first line\n  second line")
	l.Info().Str("path", "/a b").Int("n", 2).Msg("with fields")
	l.Info().Msg("")
	step := Named(l, "05-app.sh")
	step.Info().Msg("\xff is no UTF-8")
	want := "TIME\tINFO\t without a name\n" +
		"TIME\tDEBUG\trun set-up took 3ms\n" +
		"TIME\tINFO\trun running /image/setup/run.once/01.sh\n" +
		"TIME\tWARN\trun tab\there, ünïcode, 100%\n" +
		"TIME\tERROR\trun first line\n  second line\n" +
		"TIME\tINFO\trun with fields n=2 path=\"/a b\"\n" +
		"TIME\tINFO\trun \n" +
		"TIME\tINFO\t05-app.sh \ufffd is no UTF-8\n"
	if got := stamp.ReplaceAllString(out.String(), "TIME\t"); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestConsoleTimeIsNow(t *testing.T) {
	var out bytes.Buffer
	before := time.Now().Truncate(time.Second)
	l := New(&out, Options{})
	l.Info().Msg("x")
	text, _, _ := strings.Cut(out.String(), "\t")
	at, err := time.ParseInLocation(time.DateTime, text, time.Local)
	if err != nil || at.Before(before) || at.After(time.Now()) {
		t.Errorf("line is of %q (%v), want between %s and now", text, err, before)
	}
}

func TestJSONLines(t *testing.T) {
	var out bytes.Buffer
	l := Named(New(&out, Options{Format: "json"}), "run")
	l.Error().Msg("a \"quote\"\nand a line")
	l.Debug().Msg("below the level")
	var got struct{ Level, Logger, Message, Time string }
	d := json.NewDecoder(&out)
	d.DisallowUnknownFields()
	if err := d.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if got.Level != "error" || got.Logger != "run" || got.Message != "a \"quote\"\nand a line" {
		t.Errorf("got %+v", got)
	}
	if _, err := time.Parse(time.RFC3339, got.Time); err != nil {
		t.Error(err)
	}
	if d.More() {
		t.Error("there is a second line")
	}
}

func TestLevels(t *testing.T) {
	for level, want := range map[string]string{
		"debug": "dbg inf wrn err", "info": "inf wrn err", "warn": "wrn err", "error": "err",
		"DEBUG": "dbg inf wrn err", "Error": "err", "": "inf wrn err", "nonsense": "inf wrn err",
	} {
		for _, format := range []string{"console", "json"} {
			var out bytes.Buffer
			l := New(&out, Options{Level: level, Format: format})
			l.Debug().Msg("dbg")
			l.Info().Msg("inf")
			l.Warn().Msg("wrn")
			l.Error().Msg("err")
			got := strings.Join(regexp.MustCompile(`dbg|inf\b|wrn|err\b`).FindAllString(out.String(), -1), " ")
			if got != want {
				t.Errorf("level %q, %s: got %q, want %q", level, format, got, want)
			}
		}
	}
}

// terminal returns both ends of a pseudo-terminal that passes lines as they are.
func terminal(t *testing.T) (screen, program *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { screen.Close() })
	fd := int(screen.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	return screen, program
}

func TestColours(t *testing.T) {
	for name, test := range map[string]struct {
		options Options
		want    string // of the lines INFO, WARN, ERROR, and one without a name
	}{
		"on a terminal": {Options{}, "TIME\t\x1b[1;32mINFO\x1b[0m\t\x1b[1;37mapp\x1b[0m i\n" +
			"TIME\t\x1b[1;33mWARN\x1b[0m\t\x1b[1;37mapp\x1b[0m w\n" +
			"TIME\t\x1b[1;31mERROR\x1b[0m\t\x1b[1;37mapp\x1b[0m e\n" +
			"TIME\t\x1b[1;32mINFO\x1b[0m\t n\n"},
		"unless NO_COLOR is set": {Options{NoColor: true}, "TIME\tINFO\tapp i\nTIME\tWARN\tapp w\nTIME\tERROR\tapp e\nTIME\tINFO\t n\n"},
	} {
		t.Run(name, func(t *testing.T) {
			screen, program := terminal(t)
			if !IsTerminal(program) {
				t.Fatal("a terminal counts as none")
			}
			plain := New(program, test.options)
			l := Named(plain, "app")
			l.Info().Msg("i")
			l.Warn().Msg("w")
			l.Error().Msg("e")
			plain.Info().Msg("n")
			if err := program.Close(); err != nil {
				t.Fatal(err)
			}
			data, _ := io.ReadAll(screen) // ends with EIO, as nobody has the other end open
			got := stamp.ReplaceAllString(strings.ReplaceAll(string(data), "\r\n", "\n"), "TIME\t")
			if got != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

func TestNoColoursElsewhere(t *testing.T) {
	file, err := os.Create(t.TempDir() + "/log")
	if err != nil {
		t.Fatal(err)
	}
	l := Named(New(file, Options{}), "app")
	l.Error().Msg("e")
	data, err := os.ReadFile(file.Name())
	if err != nil || stamp.ReplaceAllString(string(data), "TIME\t") != "TIME\tERROR\tapp e\n" {
		t.Errorf("%v, file holds %q", err, data)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	null, err := os.OpenFile("/dev/null", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if IsTerminal(&bytes.Buffer{}) || IsTerminal(file) || IsTerminal(null) {
		t.Error("a buffer, a closed file or /dev/null counts as a terminal")
	}
}

func TestNamedTwice(t *testing.T) {
	var out strings.Builder
	l := Named(Named(New(&out, Options{Format: "json"}), "run"), "10-a.sh")
	l.Info().Msg("x")
	if got := out.String(); strings.Count(got, `"logger"`) != 1 || strings.Count(got, `"time"`) != 1 || !strings.Contains(got, `"logger":"10-a.sh"`) {
		t.Errorf("line %s", got)
	}
}
