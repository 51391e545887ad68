package cli

import (
	"os"
	"time"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/health"
	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/render"
	"github.com/ZPascal/container-manager/pkg/supervisor"
)

// programsFor returns what the command of that name needs to stop and start
// supervisord's programs.
func programsFor(command string, cfg config.Config) (health.Programs, error) {
	client, err := supervisor.FromConfig(render.SupervisorConf(cfg), cfg.Lookup)
	if err != nil {
		return health.Programs{}, err
	}
	l := log.Named(log.New(os.Stderr, logOptions(cfg)), command)
	return health.Programs{Config: cfg, Client: client, Log: l, Now: time.Now}, nil
}

// savedPrograms is programsFor, with the environment that the start saved.
func savedPrograms(command string) (health.Programs, error) {
	cfg, err := config.LoadSaved()
	if err != nil {
		return health.Programs{}, err
	}
	return programsFor(command, cfg)
}
