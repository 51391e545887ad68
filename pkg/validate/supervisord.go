package validate

import (
	_ "embed"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/ZPascal/container-manager/pkg/render"
	"github.com/ZPascal/container-manager/pkg/scriptdir"
	"github.com/ZPascal/container-manager/pkg/supervisorconf"
)

// supervisordParser reads a configuration with supervisord's own code. It starts nothing.
//
//go:embed supervisord.py
var supervisordParser string

// supervisord lets supervisord read the rendered files: its parser knows more than ours,
// such as the users and the signals that there are.
func (v *validator) supervisord(conf *supervisorconf.Conf) {
	python := supervisordPython()
	if python == nil {
		return
	}
	args := append(python[1:len(python):len(python)], "-c", supervisordParser, render.SupervisorConf(v.Config))
	said := v.run(python[0], args...)
	if said == "" {
		return
	}
	level := Error
	if v.Elsewhere || strings.Contains(said, "Invalid user name") { // the image or a step may have it
		level = Open
	}
	v.add(level, "%s", v.placed(conf, said))
}

// supervisordPython returns the interpreter that runs supervisord, which finds its
// modules; nil when there is none.
func supervisordPython() []string {
	program, err := exec.LookPath("supervisord")
	if err != nil {
		return nil
	}
	words := strings.Fields(scriptdir.Inspect(program).Interpreter())
	for i, word := range words {
		if strings.HasPrefix(filepath.Base(word), "python") {
			return words[:i+1]
		}
	}
	return nil
}

// placed says where in the image supervisord has found a mistake. It names the section,
// and a rendered file that is gone when somebody reads this. What it quotes has the
// values of variables, so that is left out.
func (v *validator) placed(conf *supervisorconf.Conf, said string) string {
	section := regexp.MustCompile(`(?s) in section '([^']+)' \(file: .*$`)
	quoted := regexp.MustCompile(`(?s) in value '.*'`)
	if named := section.FindStringSubmatch(said); named != nil {
		text := quoted.ReplaceAllString(section.ReplaceAllString(said, ""), "")
		if s := conf.Section(named[1]); s != nil {
			path, line := s.Place(quotedOption(s, text))
			return fmt.Sprintf("%s:%d: supervisord says of [%s]: %s", path, line, named[1], v.withoutValues(text))
		}
	}
	for _, s := range conf.Sections {
		if strings.Contains(said, "["+s.Name+"]") {
			path, line := s.Place("")
			return fmt.Sprintf("%s:%d: supervisord says: %s", path, line, v.withoutValues(said))
		}
	}
	return fmt.Sprintf("%s: supervisord says: %s", conf.Files[0].Path, v.withoutValues(said))
}

// quotedOption returns the one option of a section whose value a text quotes.
func quotedOption(s *supervisorconf.Section, text string) (key string) {
	words := regexp.MustCompile(`[^\s'",]+`).FindAllString(text, -1)
	for _, word := range words {
		for _, o := range s.Options() {
			if o.Value() == word {
				return o.Key
			}
		}
	}
	return ""
}
