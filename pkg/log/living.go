package log

import (
	"io"

	"github.com/rs/zerolog"
)

// NewLiving returns a logger for a process that stays. SetLevel changes the level of all
// such loggers, which is the process's.
func NewLiving(w io.Writer, o Options) Logger {
	SetLevel(o.Level)
	o.Level = zerolog.LevelTraceValue
	return New(w, o)
}

// SetLevel sets the level below which a process that stays logs nothing.
func SetLevel(name string) { zerolog.SetGlobalLevel(level(name)) }

// level returns the level of a name: info for one that is none.
func level(name string) zerolog.Level {
	l, err := zerolog.ParseLevel(name)
	if err != nil || name == "" {
		return zerolog.InfoLevel
	}
	return l
}
