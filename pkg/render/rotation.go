package render

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/ZPascal/container-manager/pkg/supervisorconf"
)

// divideRotation makes sure that one program rotates each log, once. When logrotate has
// a block for a log of supervisord's, supervisord does not rotate it. When a log has two
// blocks, only one of them counts.
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

// ownLogs are the logs that cron, the backup and the health checks write. They open them
// anew when they were renamed.
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

// complete adds to a block what a log needs that is opened anew after a rotation.
// supervisord opens its logs anew when it gets the signal, we open ours with the next
// line. Until then the writer writes to the renamed file, so that must be neither
// compressed nor renamed again: an empty log, which a block's `create` makes, is not
// rotated. A copy with a truncation would lose what is written in between.
//
// The block may name other logs too, whose programs may need the truncation. Then
// complete puts another block in front of it, for the logs that are opened anew, and
// returns true.
func (r *renderer) complete(files []*rotationFile, h *held, signal string) bool {
	if h == nil {
		return false
	}
	b, o := h.block, optionsOf(h.block, files)
	note, writes := "supervisord writes to this log, and opens it anew on SIGUSR2.", "supervisord writes to: it is renamed, and supervisord opens it anew"
	if signal == "" {
		note, writes = "This log is opened anew when it was renamed.", "is opened anew when it was renamed"
	}
	add := o.afterRename()
	uncopied := r.uncopied(h, o, writes)
	add = append(add, uncopied...)
	f, from := h.file, 0
	apart := len(uncopied) > 0 && !h.areAll()
	if apart {
		f, from = &rotationFile{text: h.file.text[b.body:b.end]}, b.body
		if !o.hold("missingok") {
			add = append(add, "missingok") // a pattern names only what is there
		}
	}
	switch {
	case signal == "" || strings.Contains(h.file.text[b.postrotate.start:b.postrotate.end], "USR2"):
	case b.postrotate.end > 0:
		f.change(b.postrotate.start-from, b.postrotate.start-from, "        "+signal)
	default:
		if !slices.ContainsFunc(scriptStarts, o.inBlock) {
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

// options are the directives of a block, and those that hold for all blocks.
type options struct{ block, global []string }

func optionsOf(b *block, files []*rotationFile) options {
	o := options{block: b.directives}
	for _, f := range files {
		o.global = append(o.global, f.globals...)
	}
	return o
}

// inBlock reports whether the block itself has a directive.
func (o options) inBlock(word string) bool { return slices.Contains(o.block, word) }

// hold reports whether a directive stands in the block or is global.
func (o options) hold(word string) bool { return o.inBlock(word) || slices.Contains(o.global, word) }

// afterRename returns what a block lacks whose logs are written to for a while
// after they were renamed.
func (o options) afterRename() (add []string) {
	if !o.hold("delaycompress") || o.hold("nodelaycompress") {
		add = append(add, "delaycompress")
	}
	if !o.hold("notifempty") || o.hold("ifempty") {
		add = append(add, "notifempty")
	}
	return add
}

// uncopied returns what keeps logrotate from copying the logs of a block.
func (r *renderer) uncopied(h *held, o options, writes string) (add []string) {
	for _, word := range []string{"copy", "copytruncate", "renamecopy"} {
		if o.inBlock(word) {
			r.warn(h.file.template, h.file.line(h.block.start), "%s would lose lines of %s, which %s", word, h.path, writes)
		}
		if o.inBlock(word) || o.hold(word) && !o.inBlock("no"+word) {
			add = append(add, "no"+word)
		}
	}
	return add
}

// quotePath quotes a path as logrotate reads it.
func quotePath(path string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(path) + `"`
}

// supervisordPIDFile is the path of supervisord's pid file.
func (r *renderer) supervisordPIDFile(conf *supervisorconf.Conf) string {
	if path := conf.Section("supervisord").Value("pidfile", ""); filepath.IsAbs(path) {
		return path
	}
	return r.PIDFile
}

func quoteShell(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// warnOfHalves reports logs that nobody rotates: logrotate has a block for some
// processes of a section, and supervisord's option is 0 for all of them.
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
