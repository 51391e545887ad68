package cron

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/ZPascal/container-manager/pkg/fsutil"
)

// maxSkew is how far in the future a record may lie. One that lies further would look new
// for too long, because a wrong clock has written it.
const maxSkew = 5 * time.Minute

// CheckHistory wants an entry to have run well and, unless newer is 0, a run that ended
// less than that ago. The error says what there is instead.
func CheckHistory(dir string, e Entry, newer time.Duration, now time.Time) error {
	h := ReadHistory(dir, e)
	if h.Last == nil {
		return noHistory(dir, e)
	}
	last := fmt.Sprintf("the last run, %s ago: %s", now.Sub(h.Last.Began).Round(time.Second), h.Last)
	if h.LastSuccess == nil {
		return fmt.Errorf("%s has not gone well yet; %s", e.Label, last)
	}
	age := now.Sub(*h.LastSuccess)
	switch {
	case age < -maxSkew:
		return fmt.Errorf("%s went well last at %s, which is in the future: is the clock right?", e.Label, h.LastSuccess.Format(time.RFC3339))
	case newer > 0 && age >= newer:
		return fmt.Errorf("%s went well last %s ago, which is not newer than %s; %s", e.Label, age.Round(time.Second), newer, last)
	}
	return nil
}

// noHistory says why nothing is known of an entry's runs.
func noHistory(dir string, e Entry) error {
	path := historyPath(dir, e.Label)
	data, err := fsutil.ReadFile(path)
	var h History
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s has not run yet", e.Label)
	case err != nil:
		return fmt.Errorf("the record of %s cannot be read: %w", e.Label, err)
	case json.Unmarshal(data, &h) != nil:
		return fmt.Errorf("the record of %s, %s, is damaged: its next run writes it anew", e.Label, path)
	}
	return fmt.Errorf("%s has not run yet: %s is about a former job of this name, or no run", e.Label, path)
}
