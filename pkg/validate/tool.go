package validate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/render"
)

// toolLimit is far above the second that a program takes to check its configuration.
const toolLimit = time.Minute

// filebeat lets filebeat check its output and its settings. It does not look at inputs,
// which render.Check does.
func (v *validator) filebeat() {
	program, err := exec.LookPath("filebeat")
	if !v.ShipsLogs() || err != nil {
		return
	}
	conf := render.FilebeatConf(v.Config)
	own := filepath.Join(v.RunDir, "filebeat")
	said := v.run(program, "test", "config", "-c", conf, "-E", "path.data="+own, "-E", "path.logs="+own)
	if said == "" {
		return
	}
	said = strings.ReplaceAll(strings.TrimPrefix(said, "Exiting: "), fmt.Sprintf(" (source:'%s')", conf), "")
	from := filepath.Join(v.LoggingDir, filepath.Base(conf))
	if v.HasFilebeatOutput() { // which most of what filebeat tells apart is about
		from = v.FilebeatOutput()
	}
	level := Error
	if strings.Contains(said, "no such file or directory") { // which a deployment may mount
		level = Open
	}
	v.add(level, "%s: filebeat says: %s", from, v.withoutValues(said))
}

// run lets a program check its configuration, and returns the last line that it prints
// when it fails. A program that does not come to an end is a warning.
func (v *validator) run(program string, args ...string) (said string) {
	limit := cmp.Or(v.ToolLimit, toolLimit)
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env, cmd.Dir, cmd.WaitDelay = v.Environ, v.RunDir, time.Second
	output, err := cmd.CombinedOutput()
	if err == nil {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(output)), "\n")
	if ended, isEnd := errors.AsType[*exec.ExitError](err); isEnd && ended.Exited() && lines[0] != "" {
		return lines[len(lines)-1]
	}
	if ctx.Err() != nil {
		err = fmt.Errorf("it has not come to an end within %s", limit)
	}
	v.add(Warning, "%s could not check its configuration: %v", program, err)
	return ""
}

// withoutValues leaves out what may be a secret.
func (v *validator) withoutValues(text string) string {
	for _, entry := range v.Environ {
		name, value, _ := strings.Cut(entry, "=")
		if shown, masked := config.Masked(name, value); masked {
			text = strings.ReplaceAll(text, value, shown)
		}
	}
	return text
}
