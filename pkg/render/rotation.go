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
	supervisords, ours := heldLogs{}, heldLogs{}
	for _, l := range logs {
		c, ok := winners[nameOf(l)]
		if !ok {
			continue
		}
		supervisords.add(c, l.Path)
		if key := l.Key() + "_maxbytes"; l.Section.Value(key, "") != "0" {
			l.Section.Set(key, "0") // for all processes of the section
		}
	}
	for _, name := range r.ownLogs() {
		if c, ok := winners[name]; ok {
			ours.add(c, name)
		}
	}
	hasDuplicates := slices.ContainsFunc(claims, claim.isPattern)
	signal := "kill -USR2 \"$(cat " + quoteShell(r.supervisordPIDFile(conf)) + ")\"\n"
	for _, f := range files {
		for i := range f.blocks {
			b := &f.blocks[i]
			hasDuplicates = r.complete(files, supervisords[b], signal) || hasDuplicates
			hasDuplicates = r.complete(files, ours[b], "") || hasDuplicates
		}
	}
	if hasDuplicates {
		// Otherwise logrotate passes over the whole file as soon as two blocks match
		// one log.
		files[0].change(0, 0, "ignoreduplicates\n")
	}
	r.warnOfHalves(logs, winners)
}

// ownLogs are the logs that cron and what cron runs write to, and open anew when
// they were renamed.
func (r *renderer) ownLogs() []string {
	return []string{filepath.Join(r.LogsDir, "crond.log"), r.BackupLog, r.LivenessLog, r.ReadinessLog}
}

// heldLogs are the logs of each block that one writer holds open.
type heldLogs map[*block]*held

type held struct {
	claim
	logs []string
}

func (h heldLogs) add(c claim, log string) {
	if h[c.block] == nil {
		h[c.block] = &held{claim: c}
	}
	if !c.isPattern() {
		log = c.path // as it is written: logrotate does not see that a/../b is b
	}
	h[c.block].logs = append(h[c.block].logs, log)
}

// areAll reports whether the block is about no other logs.
func (h *held) areAll() bool {
	return !slices.ContainsFunc(h.block.paths, func(p blockPath) bool {
		return !slices.Contains(h.logs, p.path)
	})
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
	for _, name := range r.names(claims, logs) {
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

// names returns the logs that blocks and supervisord name, those that match a
// pattern, and our own.
func (r *renderer) names(claims []claim, logs []supervisorconf.Log) []string {
	names := r.ownLogs()
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

// complete completes the block of logs that are opened anew after a rotation: by
// supervisord when it gets the signal, by us with the next line. Until then the
// renamed file is written to, so it must be neither packed nor moved again: an
// empty log, which a block's `create` makes, is not rotated. A copy that is then
// truncated loses what is written in between.
//
// Where the block is about other logs too, whose programs may need the truncation,
// a block of their own in front of it is for these. complete reports whether there
// is one.
func (r *renderer) complete(files []*rotationFile, h *held, signal string) bool {
	if h == nil {
		return false
	}
	b := h.block
	var globals []string
	for _, f := range files {
		globals = append(globals, f.globals...)
	}
	says := func(word string) bool { return slices.Contains(b.directives, word) }
	said := func(word string) bool { return says(word) || slices.Contains(globals, word) }
	note, writes := "supervisord writes to this log, and opens it anew on SIGUSR2.", "supervisord writes to: it is renamed, and supervisord opens it anew"
	if signal == "" {
		note, writes = "This log is opened anew when it was renamed.", "is opened anew when it was renamed"
	}
	var add []string
	if !said("delaycompress") || said("nodelaycompress") {
		add = append(add, "delaycompress")
	}
	if !said("notifempty") || said("ifempty") {
		add = append(add, "notifempty")
	}
	isCopied := false
	for _, word := range []string{"copy", "copytruncate", "renamecopy"} {
		if says(word) {
			r.warn(h.file.template, h.file.line(b.start), "%s would lose lines of %s, which %s", word, h.path, writes)
		}
		if says(word) || said(word) && !says("no"+word) {
			add = append(add, "no"+word)
			isCopied = true
		}
	}
	f, from := h.file, 0
	apart := isCopied && !h.areAll()
	if apart {
		f, from = &rotationFile{text: h.file.text[b.body:b.end]}, b.body
		if !said("missingok") {
			add = append(add, "missingok") // a pattern names only what is there
		}
	}
	switch {
	case signal == "" || strings.Contains(h.file.text[b.postrotate.start:b.postrotate.end], "USR2"):
	case b.postrotate.end > 0:
		f.change(b.postrotate.start-from, b.postrotate.start-from, "        "+signal)
	default:
		if !slices.ContainsFunc(scriptStarts, says) {
			add = append(add, "sharedscripts") // one signal is enough
		}
		add = append(add, "postrotate\n        "+signal+"    endscript")
	}
	if len(add) > 0 {
		f.change(b.end-1-from, b.end-1-from, "\n    # "+note+"\n    "+strings.Join(add, "\n    ")+"\n")
	}
	if apart {
		var paths strings.Builder
		for _, log := range h.logs {
			paths.WriteString(quotePath(log) + " ")
		}
		h.file.change(b.start, b.start, paths.String()+"{"+f.String()+"\n\n")
	}
	return apart
}

// quotePath quotes a path as logrotate reads it.
func quotePath(path string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(path) + `"`
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
