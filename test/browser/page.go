package browser

import (
	"encoding/json"
	"fmt"
)

// Screen is what a page is shown on.
type Screen struct {
	Width, Height int
	Phone         bool // it obeys <meta name="viewport">
	Dark          bool
}

// Load loads a page and waits until all of it is there.
func (b *Browser) Load(url string, s Screen) error {
	scheme := "light"
	if s.Dark {
		scheme = "dark"
	}
	var loaded struct{ ErrorText string }
	for _, c := range []struct {
		method string
		params object
	}{
		{"Emulation.setDeviceMetricsOverride", object{"width": s.Width, "height": s.Height, "deviceScaleFactor": 1, "mobile": s.Phone}},
		{"Emulation.setEmulatedMedia", object{"features": []object{{"name": "prefers-color-scheme", "value": scheme}}}},
		{"Page.navigate", object{"url": url}},
	} {
		if err := b.call(c.method, c.params, &loaded); err != nil {
			return err
		}
	}
	if loaded.ErrorText != "" {
		return fmt.Errorf("%s: %s", url, loaded.ErrorText)
	}
	_, err := b.receive(func(m message) bool { return m.Method == "Page.loadEventFired" })
	return err
}

// Evaluate sets a result to the value of an expression of JavaScript. It also works where
// a page forbids scripts.
func (b *Browser) Evaluate(expression string, result any) error {
	var answer struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails json.RawMessage
	}
	if err := b.call("Runtime.evaluate", object{"expression": expression, "returnByValue": true}, &answer); err != nil {
		return err
	}
	if answer.ExceptionDetails != nil {
		return fmt.Errorf("%s: %s", expression, answer.ExceptionDetails)
	}
	return json.Unmarshal(answer.Result.Value, result)
}

// Picture returns a PNG of the whole page, however long it is.
func (b *Browser) Picture() (png []byte, err error) {
	var answer struct{ Data []byte }
	err = b.call("Page.captureScreenshot", object{"format": "png", "captureBeyondViewport": true}, &answer)
	return answer.Data, err
}
