package cli

import (
	"testing"

	"github.com/ZPascal/container-manager/test/browser"
)

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
		var page struct {
			Texts               []string
			Tags                []string
			Handlers, Broken    int
			Width, Shown, Light int
		}
		// Light is how light the text is, of three times 255.
		err := b.Evaluate(`(() => {
			const all = [...document.querySelectorAll("*")], root = document.documentElement
			const color = getComputedStyle(document.body).color.match(/\d+/g).map(Number)
			return {
				texts: [...document.querySelectorAll("td,summary")].map(e => e.textContent),
				tags: [...new Set(all.map(e => e.localName))],
				handlers: all.filter(e => [...e.attributes].some(a => a.name.startsWith("on"))).length,
				broken: [...document.querySelectorAll("td span")].filter(e => !e.textContent.includes(" ") && e.getClientRects().length > 1).length,
				width: Math.max(root.scrollWidth, ...all.map(e => Math.ceil(e.getBoundingClientRect().right))), shown: root.clientWidth,
				light: color[0] + color[1] + color[2],
			}
		})()`, &page)
		if err != nil {
			t.Fatal(err)
		}
		texts := map[string]bool{}
		for _, text := range page.Texts {
			texts[text] = true
		}
		for _, want := range []string{awkwardProgram, awkwardProbe, awkwardJob} {
			if !texts[want] {
				t.Errorf("%s: no cell has the text %q: %q", name, want, page.Texts)
			}
		}
		for _, tag := range page.Tags {
			switch tag {
			case "script", "img", "iframe", "object", "b", "a", "form":
				t.Errorf("%s: the page has a <%s>", name, tag)
			}
		}
		if page.Handlers > 0 {
			t.Errorf("%s: %d elements have scripts", name, page.Handlers)
		}
		if page.Broken > 0 {
			t.Errorf("%s: %d words of a column are broken", name, page.Broken)
		}
		if page.Shown != screen.Width || page.Width > page.Shown {
			t.Errorf("%s: the page is %d wide, of which %d are shown, on a screen of %d", name, page.Width, page.Shown, screen.Width)
		}
		if light := page.Light > 3*128; light != screen.Dark {
			t.Errorf("%s: the lightness of the text is %d", name, page.Light)
		}
	}
	if len(b.Complaints) > 0 {
		t.Errorf("the browser complains: %q", b.Complaints)
	}
}
