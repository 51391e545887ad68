package events

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"
)

// event writes an event as supervisord does, with its payload's length in
// characters.
func event(name, payload string) string {
	return fmt.Sprintf("ver:3.0 server:supervisor serial:21 pool:health poolserial:10 eventname:%s len:%d\n%s",
		name, utf8.RuneCountInString(payload), payload)
}

// listen returns what Listen handed on and answered.
func listen(in string) (events []Event, answer string, err error) {
	var out strings.Builder
	err = Listen(strings.NewReader(in), &out, func(e Event) { events = append(events, e) })
	return events, out.String(), err
}

const processed = "RESULT 2\nOKREADY\n"

func TestListen(t *testing.T) {
	running := event("PROCESS_STATE_RUNNING", "processname:app groupname:app from_state:STARTING pid:2766")
	for name, test := range map[string]struct {
		in   string
		want []Event
	}{
		"nothing": {"", nil},
		"one":     {running, []Event{{"PROCESS_STATE_RUNNING", map[string]string{"processname": "app", "groupname": "app", "from_state": "STARTING", "pid": "2766"}}}},
		"three": {event("TICK_5", "when:1201063880") + event("PROCESS_STATE_FATAL", "processname:a groupname:b from_state:BACKOFF") + event("X", ""), []Event{
			{"TICK_5", map[string]string{"when": "1201063880"}},
			{"PROCESS_STATE_FATAL", map[string]string{"processname": "a", "groupname": "b", "from_state": "BACKOFF"}},
			{"X", nil},
		}},
		"characters":       {event("A", "processname:größe groupname:世界🐘 pid:1") + event("B", "x:y"), []Event{{"A", map[string]string{"processname": "größe", "groupname": "世界🐘", "pid": "1"}}, {"B", map[string]string{"x": "y"}}}},
		"no UTF-8":         {"eventname:A len:5\nn:a\xffb" + event("B", ""), []Event{{"A", map[string]string{"n": "a\ufffdb"}}, {"B", nil}}},
		"data behind":      {event("PROCESS_LOG_STDOUT", "processname:a pid:1\nkey:value eventname:C len:9\n\n") + event("B", ""), []Event{{"PROCESS_LOG_STDOUT", map[string]string{"processname": "a", "pid": "1"}}, {"B", nil}}},
		"words":            {event("A", "word :x y: a:b:c"), []Event{{"A", map[string]string{"": "x", "y": "", "a": "b:c"}}}},
		"the largest":      {event("A", strings.Repeat("x", maxPayload)) + event("B", ""), []Event{{"A", nil}, {"B", nil}}},
		"a long header":    {"x:" + strings.Repeat("y", maxHeader-30) + " eventname:A len:0\n", []Event{{"A", nil}}},
		"in another order": {"len:3 eventname:A\na:b", []Event{{"A", map[string]string{"a": "b"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, answer, err := listen(test.in)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != len(test.want) {
				t.Fatalf("%d events, want %d", len(got), len(test.want))
			}
			for i, e := range got {
				if e.Name != test.want[i].Name || !maps.Equal(e.Payload, test.want[i].Payload) {
					t.Errorf("event %q, want %q", e, test.want[i])
				}
			}
			if want := "READY\n" + strings.Repeat(processed, len(test.want)); answer != want {
				t.Errorf("answered %q, want %q", answer, want)
			}
		})
	}
}

func TestListenRefuses(t *testing.T) {
	long := strings.Repeat("x", 2*maxHeader)
	for in, want := range map[string]string{
		"hello\n":                                `event header lacks eventname or len: "hello\n"`,
		"\n":                                     `event header lacks eventname or len: "\n"`,
		"\x00\xff\xfe\n":                         `event header lacks eventname or len: "\x00\xff\xfe\n"`,
		"eventname:A\n":                          `event header lacks eventname or len: "eventname:A\n"`,
		"len:3\nabc":                             `event header lacks eventname or len: "len:3\n"`,
		"eventname: len:3\nabc":                  `event header lacks eventname or len: "eventname: len:3\n"`,
		"eventname:A len:x\n":                    `event header lacks eventname or len: "eventname:A len:x\n"`,
		"eventname:A len:-1\n":                   `event header lacks eventname or len: "eventname:A len:-1\n"`,
		"eventname:A len:3.0\n":                  `event header lacks eventname or len: "eventname:A len:3.0\n"`,
		"eventname:A len:1048577\n":              "event A has 1048577 characters of payload, more than 1048576",
		"eventname:A len:4611686018427387904\n":  "event A has 4611686018427387904 characters of payload, more than 1048576",
		"eventname:A len:99999999999999999999\n": `event header lacks eventname or len: "eventname:A len:99999999999999999999\n"`,
		"eventname:A len:1":                      `event header is cut off: "eventname:A len:1"`,
		"eventname:A len:10\npid:1":              "payload of event A is cut off: unexpected EOF",
		"eventname:A len:1\n":                    "payload of event A is cut off: unexpected EOF",
		long:                                     "event header is longer than 4096 bytes: it begins with \"" + long[:60] + "\"",
		long + "\n":                              "event header is longer than 4096 bytes: it begins with \"" + long[:60] + "\"",
	} {
		for _, before := range []string{"", event("B", "a:b")} {
			events, answer, err := listen(before + in)
			if err == nil || err.Error() != want {
				t.Errorf("%.60q: error %v\nwant %s", in, err, want)
			}
			if n := strings.Count(before, "eventname"); len(events) != n || answer != "READY\n"+strings.Repeat(processed, n) {
				t.Errorf("%.60q: %d events, answered %q", in, len(events), answer)
			}
		}
	}
}

// A length alone takes no memory.
func TestLengthIsNotAllocated(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 100 {
		if _, _, err := listen("eventname:A len:1048576\nx"); err == nil {
			t.Fatal("no error")
		}
	}
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 10<<20 {
		t.Errorf("%d bytes were allocated", grown)
	}
}

// pieces records what is written at once, and fails at some point.
type pieces struct {
	written []string
	most    int
}

var errClosed = errors.New("closed")

func (p *pieces) Write(b []byte) (int, error) {
	if len(p.written) == p.most {
		return 0, errClosed
	}
	p.written = append(p.written, string(b))
	return len(b), nil
}

// supervisord's main loop comes round once for what is written at once.
func TestAnswersAreWhole(t *testing.T) {
	out := pieces{most: 100}
	if err := Listen(strings.NewReader(event("A", "")+event("B", "x:y")), &out, func(Event) {}); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(out.written, "|"); got != "READY\n|"+processed+"|"+processed {
		t.Errorf("written %q", got)
	}
}

func TestListenerThatNobodyHears(t *testing.T) {
	for most := range 3 {
		handled := 0
		err := Listen(strings.NewReader(event("A", "")+event("B", "")+event("C", "")), &pieces{most: most}, func(Event) { handled++ })
		if !errors.Is(err, errClosed) || !strings.HasPrefix(err.Error(), "cannot answer supervisord: ") || handled != most {
			t.Errorf("error %v after %d events, want %d", err, handled, most)
		}
	}
}

// An event is processed before it is answered, and before the next one is read.
func TestOneAfterTheOther(t *testing.T) {
	in, supervisord := io.Pipe()
	answers, out := io.Pipe()
	handled := make(chan string, 10)
	ended := make(chan error, 1)
	go func() { ended <- Listen(in, out, func(e Event) { handled <- e.Name }) }()
	read := func(want string) {
		t.Helper()
		got := make([]byte, len(want))
		if _, err := io.ReadFull(answers, got); err != nil || string(got) != want {
			t.Fatalf("%v, answer %q, want %q", err, got, want)
		}
	}
	read("READY\n")
	for i := range 5 {
		name := fmt.Sprint("E", i)
		if _, err := io.WriteString(supervisord, event(name, "a:b")); err != nil {
			t.Fatal(err)
		}
		read(processed)
		if got := <-handled; got != name {
			t.Errorf("handled %s, want %s", got, name)
		}
	}
	if err := supervisord.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
