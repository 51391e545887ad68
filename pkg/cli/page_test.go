package cli

import (
	"slices"
	"testing"

	"github.com/ZPascal/container-manager/test/browser"
)

// shownPage is what a browser makes of the page.
type shownPage struct {
	Texts        []string // of the cells of tables
	Tags         []string
	Handlers     int // elements with attributes that are scripts
	Hollow       int // labels without a value
	Broken       int // single words on more than one line
	Width, Shown int // of all that there is, and of the screen
	Light        int // how light the text is, of three times 255
}

const lookAtPage = `(() => {
	const all = [...document.querySelectorAll("*")], cells = [...document.querySelectorAll("td")], root = document.documentElement
	return {
		texts: cells.map(e => e.textContent),
		tags: [...new Set(all.map(e => e.localName))],
		handlers: all.filter(e => [...e.attributes].some(a => a.name.startsWith("on"))).length,
		hollow: cells.filter(e => e.textContent == "" && getComputedStyle(e).display == "block").length,
		broken: [...document.querySelectorAll("td span")].filter(e => !e.textContent.includes(" ") && e.getClientRects().length > 1).length,
		width: Math.max(root.scrollWidth, ...all.map(e => Math.ceil(e.getBoundingClientRect().right))),
		shown: root.clientWidth,
		light: getComputedStyle(document.body).color.match(/\d+/g).reduce((sum, part) => sum + Number(part), 0),
	}
})()`

// Chromium shows awkward names as the text that they are, and the page fits a phone.
func TestPageInABrowser(t *testing.T) {
	_, address := awkward(t)
	b, err := browser.Start(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	for name, screen := range map[string]browser.Screen{
		"phone":   {Width: 375, Height: 800, Phone: true},
		"dark":    {Width: 375, Height: 800, Phone: true, Dark: true},
		"tablet":  {Width: 800, Height: 800},
		"desktop": {Width: 1280, Height: 800},
	} {
		if err := b.Load("http://"+address+"/", screen); err != nil {
			t.Fatal(err)
		}
		var page shownPage
		if err := b.Evaluate(lookAtPage, &page); err != nil {
			t.Fatal(err)
		}
		page.check(func(format string, args ...any) {
			t.Helper()
			t.Errorf(name+": "+format, args...)
		}, screen)
	}
	if len(b.Complaints) > 0 {
		t.Errorf("the browser complains: %q", b.Complaints)
	}
}

func (p shownPage) check(problem func(format string, args ...any), screen browser.Screen) {
	for _, want := range []string{awkwardProgram, awkwardProbe, awkwardJob} {
		if !slices.Contains(p.Texts, want) {
			problem("no cell has the text %q: %q", want, p.Texts)
		}
	}
	for _, tag := range []string{"script", "img", "iframe", "object", "b", "a", "form"} {
		if slices.Contains(p.Tags, tag) {
			problem("the page has a <%s>", tag)
		}
	}
	if p.Handlers+p.Hollow+p.Broken > 0 {
		problem("%d elements have scripts, %d labels have no value, %d words are broken", p.Handlers, p.Hollow, p.Broken)
	}
	if p.Shown != screen.Width || p.Width > p.Shown {
		problem("the page is %d wide, of which %d are shown, on a screen of %d", p.Width, p.Shown, screen.Width)
	}
	if light := p.Light > 3*128; light != screen.Dark {
		problem("the lightness of the text is %d", p.Light)
	}
}
