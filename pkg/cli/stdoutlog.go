package cli

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/render"
	"github.com/ZPascal/container-manager/pkg/stdoutlog"
	"github.com/ZPascal/container-manager/pkg/supervisorconf"
)

func stdoutLogCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "stdout-log",
		Short: "Write the logs of all programs to the standard output of supervisord, which runs this with IMAGE_LOG_STDOUT",
		Args:  noArguments,
		RunE:  writeStdoutLog,
	}
}

// lastWords is how long the program writes on when it is told to end. It does not
// wait for ever, because standard output may have no reader any more.
const lastWords = 2 * time.Second

func writeStdoutLog(c *cobra.Command, _ []string) error {
	ctx, release := signalContext(context.Background())
	defer func() { _ = release() }()
	cfg, err := config.LoadSaved()
	if err != nil {
		return err
	}
	out, err := stdoutlog.OfProcess(os.Getppid())
	if err != nil {
		return err
	}
	conf, err := supervisorconf.Load(render.SupervisorConf(cfg), cfg.Lookup)
	if err != nil {
		return fmt.Errorf("cannot read supervisord's configuration: %w (has the container started?)", err)
	}
	f := stdoutlog.Follower{
		Sources: stdoutlog.Sources(conf), Positions: stdoutlog.PositionsPath(cfg), Out: out,
		JSON: cfg.LogFormat == "json", Colour: out.IsTerminal() && cfg.NoColor == "",
		Log: log.Named(log.NewLiving(os.Stderr, livingOptions(cfg)), c.Name()),
	}
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-ended:
		return err
	case <-time.After(lastWords):
		return nil
	}
}
