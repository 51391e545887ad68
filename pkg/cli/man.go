package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// ManPages returns the manual pages of all commands by their file names, written in
// man(7), from what their help says. Only what makes archives calls it, so the binary
// does not have it.
func ManPages() map[string]string {
	pages := map[string]string{}
	see := []string{}
	for _, e := range entries() {
		root := newRoot(e.name)
		if c := root.Commands()[0]; !c.Hidden {
			pages[manName(c)+".1"] = manPage(c)
			see = append(see, fmt.Sprintf("%s(1)", manName(c)))
		}
	}
	var list strings.Builder
	usage(&list)
	const name = "container-manager"
	page := manHead(name, "the entry point of containers that hold more than one process", name+" COMMAND [ARGUMENT ...]")
	page += manSection("DESCRIPTION", strings.SplitN(list.String(), "\n\n", 2)[1])
	page += ".SH SEE ALSO\n" + roff(strings.Join(see, ", ")) + "\n"
	pages[name+".1"] = page
	return pages
}

func manName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

func manPage(c *cobra.Command) string {
	c.InitDefaultHelpFlag()
	parent := strings.TrimSuffix(c.CommandPath(), c.Name())
	page := manHead(manName(c), strings.ToLower(c.Short[:1])+c.Short[1:], parent+c.Use)
	page += manSection("DESCRIPTION", c.Long) + manSection("EXAMPLES", c.Example) + manSection("OPTIONS", c.LocalFlags().FlagUsages())
	for _, sub := range c.Commands() {
		sub.InitDefaultHelpFlag()
		text := fmt.Sprintf("%s.\n\n%s\n\n%s", sub.Short, strings.TrimSpace(sub.Long), sub.LocalFlags().FlagUsages())
		page += manSection(strings.ToUpper(sub.Name()), sub.CommandPath()+strings.TrimPrefix(sub.Use, sub.Name())+"\n\n"+text)
	}
	return page + ".SH SEE ALSO\n" + roff("container-manager(1)") + "\n"
}

func manHead(name, short, synopsis string) string {
	return fmt.Sprintf(".TH %q 1\n.SH NAME\n%s \\- %s\n.SH SYNOPSIS\n%s\n", strings.ToUpper(name), roff(name), roff(short), roff(synopsis))
}

// manSection keeps the lines of a text as they are, because help has tables.
func manSection(title, text string) string {
	if text = strings.Trim(text, "\n"); text == "" {
		return ""
	}
	return fmt.Sprintf(".SH %s\n.nf\n%s\n.fi\n", roff(title), roff(text))
}

// roff escapes what groff and mandoc would take for their own. A plain minus would be
// printed as a hyphen, which no shell takes for one.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
