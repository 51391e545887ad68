package backup

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/fsutil"
)

// maxSkew is how far in the future a record may lie. One that lies further would look new
// for too long, because a wrong clock has written it.
const maxSkew = 5 * time.Minute

// CheckLast wants a backup with which all was as it should be and, unless newer is 0, one
// that ended less than that ago. The error says what there is instead.
func CheckLast(c config.Config, newer time.Duration, now time.Time) error {
	last := ReadLast(c)
	if last.Last == nil {
		return noRecord(c)
	}
	good := last.LastSuccess
	if good == nil || good.Ended == nil {
		return fmt.Errorf("no backup has gone well yet; %s", last.Last.since(now))
	}
	age := now.Sub(*good.Ended)
	var problem string
	switch {
	case age < -maxSkew:
		problem = fmt.Sprintf("the last backup that went well ended at %s, which is in the future: is the clock right?", good.Ended.Format(time.RFC3339))
	case newer > 0 && age >= newer:
		problem = fmt.Sprintf("the last backup that went well ended %s ago, which is not newer than %s", age.Round(time.Second), newer)
	default:
		return nil
	}
	if !last.Last.Began.Equal(good.Began) {
		problem += "; " + last.Last.since(now)
	}
	return errors.New(problem)
}

// since says how a run went that is not as it should be.
func (r *Run) since(now time.Time) string {
	ago := now.Sub(r.Began).Round(time.Second)
	switch r.Status {
	case Running:
		return fmt.Sprintf("one is being made since %s", ago)
	case Incomplete:
		return fmt.Sprintf("the last one, %s ago, is incomplete: warnings and errors in its log: %d", ago, r.Problems)
	case Failed:
		return fmt.Sprintf("the last one, %s ago, failed: %s", ago, r.Error)
	}
	return fmt.Sprintf("the last one began %s ago", ago)
}

// noRecord says why nothing is known of backups.
func noRecord(c config.Config) error {
	for _, path := range lastPaths(c) {
		data, err := fsutil.ReadFile(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return fmt.Errorf("the record of the last backup cannot be read: %w", err)
		case !json.Valid(data):
			return fmt.Errorf("the record of the last backup, %s, is damaged: the next backup writes it anew", path)
		default:
			return fmt.Errorf("the record of the last backup, %s, is of another version, or damaged: the next backup writes it anew", path)
		}
	}
	return fmt.Errorf("no backup has been made yet: %s does not exist", lastPaths(c)[0])
}
