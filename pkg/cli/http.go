package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/log"
	"github.com/ZPascal/container-manager/pkg/status"
	"github.com/ZPascal/container-manager/pkg/web"
)

func httpListenerCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "http-listener",
		Short:  "Serve health, metrics and a page over HTTP, as the program http of supervisord (IMAGE_HTTP_ADDRESS)",
		Hidden: true,
		Args:   noArguments,
		RunE:   httpListener,
	}
}

func httpListener(c *cobra.Command, _ []string) error {
	cfg, err := config.LoadSaved()
	if err != nil {
		return err
	}
	if cfg.HTTPAddress == "" {
		return invalid(errors.New("IMAGE_HTTP_ADDRESS is empty, so there is nowhere to listen"))
	}
	ctx, stop := signalContext(context.Background())
	defer stop()
	told := log.Named(log.New(log.ToContainer(io.Discard, cfg.PIDFile), logOptions(cfg)), "http")
	s := web.Server{
		Config: cfg, Ask: status.Ask(cfg), Version: version, Now: time.Now,
		Log:  log.Named(log.New(os.Stderr, logOptions(cfg)), "http"),
		Tell: func(text string) { told.Error().Msg(text) },
	}
	return s.Run(ctx)
}
