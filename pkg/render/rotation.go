package render

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ZPascal/container-manager/pkg/supervisorconf"
)

// claim is a path in a block's header, in the order in which logrotate reads them.
type claim struct {
	file  *rotationFile
	block *block
	blockPath
}

func (c claim) isPattern() bool { return strings.ContainsAny(c.path, "*?[") }

func (c claim) matches(name string) bool {
	if !c.isPattern() {
		return filepath.Clean(c.path) == name
	}
	ok, _ := filepath.Match(strings.ReplaceAll(c.path, "[!", "[^"), name)
	return ok
}

// place is where the claim stands.
func (c claim) place() string { return fmt.Sprintf("%s:%d", c.file.template, c.file.line(c.start)) }

// divideRotation sees to it that every log is rotated by one program, once: a log
// of supervisord's for which logrotate has a block by logrotate alone, and a log
// with two blocks as one of them says.
func (r *renderer) divideRotation(conf *supervisorconf.Conf, files []*rotationFile) {
	logs := conf.Logs()
	claims := r.claims(files)
	winners := r.winners(claims, logs)
	if slices.ContainsFunc(claims, claim.isPattern) {
		// Otherwise it would pass over the whole file, as soon as there is a log
		// that two patterns match.
		files[0].change(0, 0, "ignoreduplicates\n")
	}
	held := map[*block]claim{}
	for _, l := range logs {
		c, ok := winners[nameOf(l)]
		if !ok {
			continue
		}
		held[c.block] = c
		if key := l.Key() + "_maxbytes"; l.Section.Value(key, "") != "0" {
			l.Section.Set(key, "0") // for all processes of the section
		}
	}
	for _, f := range files {
		for i := range f.blocks {
			if c, ok := held[&f.blocks[i]]; ok {
				r.letSupervisordReopen(conf, files, c)
			}
		}
	}
	r.warnOfHalves(logs, winners)
}

// nameOf is the name of a log; where supervisord makes it up, one like it.
func nameOf(l supervisorconf.Log) string {
	if l.Auto {
		return strings.ReplaceAll(l.Path, "*", "xxxxxxxx")
	}
	return l.Path
}

// claims returns the paths of all blocks in logrotate's order: the files of
// logrotate.d stand where the global file includes them.
func (r *renderer) claims(files []*rotationFile) []claim {
	if len(files) == 0 {
		return nil
	}
	global := files[0]
	include := len(global.text)
	if at := global.includes(filepath.Join(r.LoggingDir, "logrotate.d")); len(at) > 0 {
		include = at[0].start
	}
	var before, among, behind []claim
	for _, f := range files {
		for i := range f.blocks {
			b := &f.blocks[i]
			for _, p := range b.paths {
				c := claim{f, b, p}
				switch {
				case f != global:
					among = append(among, c)
				case b.start < include:
					before = append(before, c)
				default:
					behind = append(behind, c)
				}
			}
		}
	}
	return slices.Concat(before, among, behind)
}

// winners returns the claim that counts for each log: a child image's wins over a
// shipped one, and else the first. The others are taken out, unless they are
// patterns, whose later matches logrotate ignores when it is told to.
func (r *renderer) winners(claims []claim, logs []supervisorconf.Log) map[string]claim {
	winners := map[string]claim{}
	type place struct {
		file   *rotationFile
		offset int
	}
	dropped := map[place]bool{}
	for _, name := range names(claims, logs) {
		var all []claim
		for _, c := range claims {
			if c.matches(name) {
				all = append(all, c)
			}
		}
		if len(all) == 0 {
			continue
		}
		best := max(0, slices.IndexFunc(all, func(c claim) bool { return !c.file.shipped }))
		winner := all[best]
		winners[name] = winner
		for _, loser := range slices.Delete(all, best, best+1) {
			if at := (place{loser.file, loser.start}); !dropped[at] {
				dropped[at] = true
				r.warn(loser.file.template, loser.file.line(loser.start), "%s has a block in %s too, and that one counts", name, winner.place())
				if !loser.isPattern() {
					loser.file.cut(loser)
				}
			}
		}
	}
	return winners
}

// names returns the logs that blocks and supervisord name, and those that match
// a pattern.
func names(claims []claim, logs []supervisorconf.Log) []string {
	var names []string
	for _, c := range claims {
		if !c.isPattern() {
			names = append(names, filepath.Clean(c.path))
		} else if matches, err := filepath.Glob(c.path); err == nil {
			names = append(names, matches...)
		}
	}
	for _, l := range logs {
		names = append(names, nameOf(l))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// cut takes a path out of its block's header, or with the last one the block.
func (f *rotationFile) cut(c claim) {
	c.block.cut++
	if c.block.cut == len(c.block.paths) {
		f.changes = slices.DeleteFunc(f.changes, func(e change) bool { return e.start >= c.block.start && e.end <= c.block.end })
		f.change(c.block.start, c.block.end, "")
		return
	}
	f.change(c.start, c.end, "")
}

// letSupervisordReopen completes the block of a log that supervisord writes to.
// It does so until it has handled the signal, so what was rotated last must be
// neither packed nor moved again before: an empty log, which a block's `create`
// makes, is not rotated. A copy that is then truncated loses what is written in
// between.
func (r *renderer) letSupervisordReopen(conf *supervisorconf.Conf, files []*rotationFile, c claim) {
	b := c.block
	var globals []string
	for _, f := range files {
		globals = append(globals, f.globals...)
	}
	says := func(word string) bool { return slices.Contains(b.directives, word) }
	said := func(word string) bool { return says(word) || slices.Contains(globals, word) }
	var add []string
	if !said("delaycompress") || said("nodelaycompress") {
		add = append(add, "delaycompress")
	}
	if !said("notifempty") || said("ifempty") {
		add = append(add, "notifempty")
	}
	for _, word := range []string{"copy", "copytruncate", "renamecopy"} {
		if said(word) {
			add = append(add, "no"+word)
			r.warn(c.file.template, c.file.line(b.start), "%s would lose lines of %s, which supervisord writes to: it is renamed, and supervisord opens it anew", word, c.path)
		}
	}
	signal := "kill -USR2 \"$(cat " + quoteShell(r.supervisordPIDFile(conf)) + ")\"\n"
	body := c.file.text[b.postrotate.start:b.postrotate.end]
	switch {
	case strings.Contains(body, "USR2"):
	case b.postrotate.end > 0:
		c.file.change(b.postrotate.start, b.postrotate.start, "        "+signal)
	default:
		if !slices.ContainsFunc(scriptStarts, says) {
			add = append(add, "sharedscripts") // one signal is enough
		}
		add = append(add, "postrotate\n        "+signal+"    endscript")
	}
	if len(add) > 0 {
		c.file.change(b.end-1, b.end-1, "\n    # supervisord writes to this log, and opens it anew on SIGUSR2.\n    "+strings.Join(add, "\n    ")+"\n")
	}
}

// supervisordPIDFile is where supervisord says who it is.
func (r *renderer) supervisordPIDFile(conf *supervisorconf.Conf) string {
	if path := conf.Section("supervisord").Value("pidfile", ""); filepath.IsAbs(path) {
		return path
	}
	return r.PIDFile
}

func quoteShell(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// warnOfHalves reports logs that nobody rotates any more: an option of supervisord
// is for all processes of a section.
func (r *renderer) warnOfHalves(logs []supervisorconf.Log, winners map[string]claim) {
	type option struct {
		section *supervisorconf.Section
		key     string
	}
	rotated := map[option]claim{}
	for _, l := range logs {
		if c, ok := winners[nameOf(l)]; ok {
			rotated[option{l.Section, l.Key()}] = c
		}
	}
	for _, l := range logs {
		_, itself := winners[nameOf(l)]
		if c, other := rotated[option{l.Section, l.Key()}]; other && !itself {
			r.warn(c.file.template, c.file.line(c.start), "the block is for some logs of [%s], but not for %s, which nobody rotates then: name all of them", l.Section.Name, l.Path)
			delete(rotated, option{l.Section, l.Key()}) // one is enough
		}
	}
}
