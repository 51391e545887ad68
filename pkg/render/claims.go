package render

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ZPascal/container-manager/pkg/supervisorconf"
)

// claim is a path in the header of a block, which claims the logs of that path.
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
// shipped one, otherwise the first wins. The other paths are taken out of their blocks.
// Patterns stay, because logrotate can be told to ignore a second match.
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

// cut takes a path out of its block's header. With the last path it removes the block.
func (f *rotationFile) cut(c claim) {
	c.block.cut++
	if c.block.cut == len(c.block.paths) {
		f.changes = slices.DeleteFunc(f.changes, func(e change) bool { return e.start >= c.block.start && e.end <= c.block.end })
		f.change(c.block.start, c.block.end, "")
		return
	}
	f.change(c.start, c.end, "")
}

// nameOf returns the path of a log. When supervisord makes the name up, it returns an
// example of such a path.
func nameOf(l supervisorconf.Log) string {
	if l.Auto {
		return strings.ReplaceAll(l.Path, "*", "xxxxxxxx")
	}
	return l.Path
}
