// Package log sets zerolog up: lines for people, or JSON for collectors. A
// console line has the form that the scripts of child images print too:
//
//	2006-01-02 15:04:05<TAB>LEVEL<TAB>LOGGER MESSAGE
package log

import (
	"io"
	"os"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"
)

// Logger is zerolog's. Users of this package need not import zerolog themselves.
type Logger = zerolog.Logger

// nameField names who speaks: a subcommand, a step, a program.
const nameField = "logger"

// Options say how lines look. The zero value is console lines from level info
// up, with colours on a terminal.
type Options struct {
	Format  string // "json", or "console" and anything else
	Level   string // debug, info, warn, error in any case; info when empty
	NoColor bool   // no colours, on a terminal either
}

// New returns a logger that writes to w. When w is a file, a pipe for example, that
// nobody reads any more, lines are lost and the process goes on.
func New(w io.Writer, o Options) Logger {
	colour := IsTerminal(w) && !o.NoColor
	if f, isFile := w.(*os.File); isFile {
		w = &output{File: f}
	}
	if o.Format != "json" {
		w = console(w, colour)
	}
	return zerolog.New(w).Level(level(o.Level)).With().Timestamp().Logger()
}

// Named returns a logger whose lines bear a name, in place of the one that the logger
// had: a JSON line may have a key only once.
func Named(l Logger, name string) Logger {
	return l.With().Reset().Str(nameField, name).Logger()
}

// console composes the head of a line in FormatPrepare, because ConsoleWriter
// would put a blank where the format has a tab.
func console(w io.Writer, colour bool) io.Writer {
	return zerolog.ConsoleWriter{
		Out:           w,
		NoColor:       !colour,
		PartsOrder:    []string{zerolog.MessageFieldName},
		FieldsExclude: []string{nameField},
		FormatPrepare: func(event map[string]any) error {
			level, _ := event[zerolog.LevelFieldName].(string)
			name, _ := event[nameField].(string)
			message, _ := event[zerolog.MessageFieldName].(string)
			level = strings.ToUpper(level)
			if colour {
				level, name = paint(levelColour[level], level), paint(bold, name)
			}
			event[zerolog.MessageFieldName] = time.Now().Format(time.DateTime) + "\t" + level + "\t" + name + " " + message
			return nil
		},
		FormatMessage: func(message any) string { return message.(string) },
	}
}

const bold = "37"

var levelColour = map[string]string{"ERROR": "31", "WARN": "33", "INFO": "32"}

func paint(colour, s string) string {
	if colour == "" || s == "" {
		return s
	}
	return "\x1b[1;" + colour + "m" + s + "\x1b[0m"
}

// IsTerminal reports whether w is a terminal.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}
