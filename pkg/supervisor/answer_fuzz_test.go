package supervisor

import (
	"net"
	"sync/atomic"
	"testing"

	"github.com/ZPascal/container-manager/pkg/supervisorconf"
)

// FuzzAnswer has supervisord answer anything: that is an error or a list of
// processes, and never a panic.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(fault6))
	f.Add([]byte("<?xml version='1.0'?><methodResponse><params><param><value><array><data><value><struct>" +
		"<member><name>name</name><value><string>app</string></value></member>" +
		"<member><name>group</name><value><string>app</string></value></member>" +
		"<member><name>state</name><value><int>20</int></value></member>" +
		"<member><name>statename</name><value><string>RUNNING</string></value></member>" +
		"<member><name>pid</name><value><int>7</int></value></member>" +
		"</struct></value></data></array></value></param></params></methodResponse>"))
	f.Add([]byte("garbage"))
	var body atomic.Pointer[[]byte]
	c := listen(f, func(conn net.Conn) { httpAnswer(string(*body.Load()))(conn) })
	f.Fuzz(func(t *testing.T, data []byte) {
		body.Store(&data)
		all, err := c.Processes(t.Context())
		if err != nil && err.Error() == "" {
			t.Fatal("an error that says nothing")
		}
		for _, p := range all {
			_ = untilChange(p, supervisorconf.Process{Autostart: true}, 0)
			if len(Select(all, Name(p))) == 0 {
				t.Fatalf("%q is not found in %+v", Name(p), all)
			}
		}
	})
}
