package supervisor

import (
	"fmt"

	"github.com/abrander/go-supervisord"

	"github.com/ZPascal/container-manager/pkg/supervisorconf"
)

// FromConfig returns a client for the supervisord that reads the given
// configuration file in the given environment.
func FromConfig(path string, env supervisorconf.Lookup) (Client, error) {
	conf, err := supervisorconf.Load(path, env)
	if err != nil {
		return Client{}, fmt.Errorf("cannot find supervisord: %w (has the container started?)", err)
	}
	return New(conf)
}

// New returns a client for the supervisord with this configuration.
func New(conf *supervisorconf.Conf) (Client, error) {
	server, err := conf.Server()
	return Client{server: server, conf: conf}, err
}

// Conf is supervisord's configuration; nil where it is not known.
func (c Client) Conf() *supervisorconf.Conf { return c.conf }

// Configured returns a function that tells what the configuration says of a process. It
// does not ask supervisord, because some versions cannot always tell. For a process that
// is not in the configuration it returns supervisord's defaults.
func (c Client) Configured() func(supervisord.ProcessInfo) supervisorconf.Process {
	named := map[string]supervisorconf.Process{}
	if c.conf != nil {
		for _, p := range c.conf.Processes() {
			named[FullName(p.Group, p.Name)] = p
		}
	}
	return func(info supervisord.ProcessInfo) supervisorconf.Process {
		if p, ok := named[Name(info)]; ok {
			return p
		}
		return supervisorconf.Process{StartSecs: supervisorconf.DefaultStartSecs, StopWaitSecs: supervisorconf.DefaultStopWaitSecs}
	}
}

// Named returns the full names of the processes that a name stands for by
// supervisord's configuration; see Select.
func Named(conf *supervisorconf.Conf, name string) (names []string) {
	var all []supervisord.ProcessInfo
	for _, p := range conf.Processes() {
		all = append(all, supervisord.ProcessInfo{Group: p.Group, Name: p.Name})
	}
	for _, p := range Select(all, name) {
		names = append(names, Name(p))
	}
	return names
}
