// Package notify tells people outside of the container when something is wrong with it.
//
// Whoever sees an event writes it into a spool below IMAGE_RUN_DIR (Send), which takes
// less than a millisecond. One process at a time takes the events out and calls the
// scripts of IMAGE_NOTIFY_DIR with each (Deliverer). The event listener, which lives as
// long as supervisord, starts that process (Watch). So nobody who has an event waits for
// a script, and no event is lost when one of these processes is killed.
//
// The spool is a directory. The start makes it when there is a script to call. Where it
// is missing nothing is written, and nobody watches.
package notify

import (
	"strings"
	"time"

	"github.com/ZPascal/container-manager/pkg/config"
)

// Kind is what has happened.
type Kind string

// The kinds.
const (
	ProgramFatal   Kind = "program-fatal"     // supervisord has given up starting it
	ProgramLoops   Kind = "program-loops"     // it ends again and again
	ProgramRestart Kind = "program-restarted" // by a health check
	ContainerEnds  Kind = "container-ends"    // by itself, because of a failure
	JobFailed      Kind = "job-failed"
	JobTimeout     Kind = "job-timeout"
	BackupFailed   Kind = "backup-failed"
	BackupPartial  Kind = "backup-incomplete"
	RestoreDone    Kind = "restore-done"
	Test           Kind = "test"
)

// Event is what a script gets as JSON on its standard input.
type Event struct {
	Kind    Kind   `json:"kind"`
	Program string `json:"program,omitempty"`
	Job     string `json:"job,omitempty"`
	// What says for people what has happened, in one line.
	What string    `json:"what"`
	When time.Time `json:"when"`
	// Repeated counts the same events since the last one that was told; see
	// IMAGE_NOTIFY_EVERY. Lost counts those of any kind that the spool had no room for.
	Repeated int `json:"repeated,omitempty"`
	Lost     int `json:"lost,omitempty"`
	// Labels are IMAGE_NAME, IMAGE_VERSION, APP_NAME and APP_VERSION, where they are set.
	Labels map[string]string `json:"labels"`
}

// key is the same for events that are the same to somebody who has heard of one.
func (e Event) key() string { return string(e.Kind) + "\n" + e.Program + "\n" + e.Job }

// The texts are cut at these lengths, so that an event fits anywhere.
const (
	maxName = 200
	maxWhat = 2000
)

// tidy cuts texts that are too long, and keeps what has happened on one line.
func (e Event) tidy() Event {
	e.Program, e.Job = cut(e.Program, maxName), cut(e.Job, maxName)
	e.What = cut(strings.Join(strings.Fields(e.What), " "), maxWhat)
	e.When = e.When.Truncate(time.Second)
	return e
}

func cut(text string, most int) string {
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "..."
	}
	return strings.ToValidUTF8(text, "?")
}

// labelled adds the labels, and takes the values of secrets out of the text. No event
// is to hold one, but an error may quote what a script has said.
func (e Event) labelled(c config.Config) Event {
	e.Labels = map[string]string{}
	for name, value := range map[string]string{
		"IMAGE_NAME": c.ImageName, "IMAGE_VERSION": c.ImageVersion, "APP_NAME": c.AppName, "APP_VERSION": c.AppVersion,
	} {
		if value != "" {
			e.Labels[name] = value
		}
	}
	const shortest = 4 // a shorter value is part of other words
	for _, entry := range c.Environ {
		name, value, _ := strings.Cut(entry, "=")
		if len(value) < shortest || !strings.Contains(e.What, value) {
			continue
		}
		if shown, masked := config.Masked(name, value); masked {
			e.What = strings.ReplaceAll(e.What, value, shown)
		}
	}
	return e
}
