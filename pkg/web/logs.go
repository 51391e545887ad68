package web

import (
	"html"
	"strings"

	"github.com/ZPascal/container-manager/pkg/fsutil"
	"github.com/ZPascal/container-manager/pkg/render"
	"github.com/ZPascal/container-manager/pkg/stdoutlog"
	"github.com/ZPascal/container-manager/pkg/supervisorconf"
)

// How much of the logs the page shows.
const (
	maxLogs     = 50
	maxLogLines = 20
	maxLogBytes = 8 << 10
)

// logs shows the last lines of each program's logs.
func (v *view) logs() {
	conf, err := supervisorconf.Load(render.SupervisorConf(v.Config), v.Config.Lookup)
	if err != nil {
		return
	}
	files := stdoutlog.Files(stdoutlog.Sources(conf))
	v.raw("<section><h2>Logs</h2>")
	for _, f := range files[:min(len(files), maxLogs)] {
		lines := tail(f.Path)
		if lines == "" {
			continue
		}
		v.raw("<details><summary>")
		v.text(f.Program + " " + f.Stream)
		v.raw("</summary><pre>", html.EscapeString(lines), "</pre></details>\n")
	}
	v.raw("</section>")
}

// tail returns the last lines of a file. Something that is no file, such as a pipe, has
// none.
func tail(path string) string {
	data, _, err := fsutil.Tail(path, maxLogBytes)
	if err != nil {
		return ""
	}
	lines := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
	for i := range lines {
		lines[i] = oneLine(strings.ReplaceAll(lines[i], "\t", "    "))
	}
	return strings.Join(lines[max(0, len(lines)-maxLogLines):], "\n")
}
