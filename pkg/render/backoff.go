package render

import (
	"slices"

	"github.com/ZPascal/container-manager/pkg/backoff"
	"github.com/ZPascal/container-manager/pkg/supervisorconf"
)

// ownPrograms are the container manager's, which supervisord starts again at once.
var ownPrograms = []string{"program:crond", "program:filebeat", "program:" + StdoutLogProgram}

// restartBackoff makes supervisord leave it to the event listener to start the programs of
// the image again, after a pause. supervisord itself would not wait.
func (r *renderer) restartBackoff(conf *supervisorconf.Conf) {
	if r.RestartBackoff == 0 {
		return
	}
	var sections []*supervisorconf.Section
	for _, s := range conf.Sections {
		if s.IsProgram() && s.Kind() != "eventlistener" && !slices.Contains(ownPrograms, s.ID()) && backoff.Autorestart(s) != "" {
			sections = append(sections, s)
		}
	}
	if len(sections) == 0 {
		return
	}
	if !r.editListener(conf) {
		for _, s := range sections {
			r.warnOf(s, "[%s] is started again at once, in spite of IMAGE_RESTART_BACKOFF: the container manager's own event listener would wait, and this image replaces it", s.Name)
		}
		return
	}
	for _, s := range sections {
		s.Set(backoff.Key, backoff.Autorestart(s))
		s.Set("autorestart", "false")
	}
}
