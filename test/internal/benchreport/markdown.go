package benchreport

import (
	"cmp"
	_ "embed"
	"fmt"
	"strings"
)

// whyText holds, by the name of a row, why the project does not come first in it.
//
//go:embed why.txt
var whyText string

const head = `# Beside other tools

What the container manager takes, beside what people would use in its place. ` + "`make bench-peers`" + ` writes this page, its plots and
the figures behind them ([benchmarks.json](benchmarks.json)). Everything ran on one machine, in turns, in one go. Times differ from
machine to machine; ratios do less.

`

const legend = `Each cell has the median, the quartiles in brackets, and how many times that is what the container manager takes (less is better,
so a tool with ×2.00 takes twice as long). Nothing is left out where we lose; [why](#where-we-lose-and-why) is said below.

- **woken** is supervisord whose main loop something wakes as soon as it listens. No start through supervisord can be faster: it is our floor.
- **tini** and **dumb-init** start one program and restart nothing.
- **pebble** is told to pause for half a second before each restart. By itself it doubles the pause with each crash.
- The load of the machine stands above: other work beside a run shows in the spread, and hits everybody.
- The app notes the time with its first instructions and then sleeps. It is the same for all, and not counted as anybody's memory.

`

func (r Report) markdown() string {
	var b strings.Builder
	b.WriteString(head)
	b.WriteString("| machine | |\n|---|---|\n")
	for _, f := range append(r.Machine, Fact{"date", r.Date}) {
		fmt.Fprintf(&b, "| %s | %s |\n", f.Name, f.Value)
	}
	b.WriteString("\n| tool | version |\n|---|---|\n")
	for _, f := range r.Versions {
		fmt.Fprintf(&b, "| %s | %s |\n", f.Name, f.Value)
	}
	b.WriteString("\n## Results\n\n" + legend)
	for _, p := range r.plots() {
		fmt.Fprintf(&b, "### %s\n\n![%s](benchmarks/%s.svg)\n\n", p.title, p.title, p.name)
		table(&b, p.rows)
	}
	r.losses(&b)
	return b.String()
}

// table writes the rows of one plot, a column for each tool.
func table(b *strings.Builder, rows []Row) {
	var who []string
	seen := map[string]bool{}
	for _, row := range rows {
		for _, result := range row.Results {
			if !seen[result.Who] {
				seen[result.Who] = true
				who = append(who, result.Who)
			}
		}
	}
	fmt.Fprintf(b, "| | %s |\n|---|%s\n", strings.Join(who, " | "), strings.Repeat("---|", len(who)))
	for _, row := range rows {
		ours, _ := row.Ours()
		fmt.Fprintf(b, "| %s |", row.Title)
		for _, name := range who {
			result, ok := row.Of(name)
			switch {
			case !ok:
				b.WriteString(" – |")
			case name == Ours:
				fmt.Fprintf(b, " **%s** %s |", number(result.Median, row.Unit), spread(result))
			default:
				fmt.Fprintf(b, " %s %s ×%s |", number(result.Median, row.Unit), spread(result), factor(result.Median, ours.Median))
			}
		}
		b.WriteString("\n")
	}
	b.WriteString("\n")
}

// losses lists each row in which somebody is ahead, with the reason.
func (r Report) losses(b *strings.Builder) {
	b.WriteString("## Where we lose, and why\n\n")
	for _, row := range r.Rows {
		ours, ok := row.Ours()
		if !ok {
			continue
		}
		var ahead []string
		for _, result := range row.Results {
			if result.Who != Ours && result.Median < ours.Median {
				ahead = append(ahead, result.Who)
			}
		}
		if len(ahead) > 0 {
			fmt.Fprintf(b, "- **%s**: %s. %s\n", row.Title, strings.Join(ahead, ", "), cmp.Or(Why(row.Name), "No reason is known yet."))
		}
	}
}

// Why returns the reason that is written down for a row, "" when there is none.
func Why(row string) string {
	for line := range strings.Lines(whyText) {
		if name, reason, ok := strings.Cut(strings.TrimSpace(line), ": "); ok && name == row {
			return reason
		}
	}
	return ""
}

func number(value float64, unit string) string {
	return plain(value) + " " + unit
}

// plain shows three digits.
func plain(value float64) string {
	switch {
	case value >= 100:
		return fmt.Sprintf("%.0f", value)
	case value >= 10:
		return fmt.Sprintf("%.1f", value)
	}
	return fmt.Sprintf("%.2f", value)
}

func spread(r Result) string { return fmt.Sprintf("(%s–%s)", plain(r.Low), plain(r.High)) }

func factor(theirs, ours float64) string {
	if ours == 0 {
		return "?"
	}
	return fmt.Sprintf("%.2f", theirs/ours)
}
