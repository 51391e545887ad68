package config

import (
	"time"

	"github.com/ZPascal/container-manager/pkg/schedule"
)

// Zone returns the time zone of schedules that do not name one themselves.
func (c Config) Zone() (*time.Location, error) {
	if c.TimeZone == "" {
		return time.Local, nil
	}
	return schedule.LoadZone(c.TimeZone)
}
