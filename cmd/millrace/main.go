// Command millrace is the server and the command line of Millrace.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/millrace/millrace/internal/app"
	"github.com/millrace/millrace/internal/cli"
	"github.com/millrace/millrace/internal/cli/demo"
	"github.com/millrace/millrace/internal/config"
	"github.com/millrace/millrace/web"
	"github.com/spf13/cobra"
)

// version is set by the build.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := root().ExecuteContext(ctx)
	stop()
	if err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "millrace:", cli.Explain(err))
	}
	os.Exit(cli.ExitCode(err))
}

func root() *cobra.Command {
	cmd := &cobra.Command{
		Use: "millrace", Short: "The open-source composable customer data platform",
		SilenceUsage: true, SilenceErrors: true, Version: version,
	}
	cli.Flags(cmd)
	cmd.AddCommand(serveCommand(), demoCommand(), configCommand(), referenceCommand())
	cmd.AddCommand(cli.Commands()...)
	return cmd
}

func serveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "serve", Short: "Run the server: the web app, the API and the workers", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := config.Load(cmd.Flags(), os.LookupEnv)
			if err != nil {
				return err
			}
			return app.Serve(cmd.Context(), serverOptions(cmd, c, os.Stderr))
		},
	}
	config.Flags(cmd.Flags())
	return cmd
}

func serverOptions(cmd *cobra.Command, c *config.Config, log io.Writer) app.Options {
	return app.Options{
		Config: c, Version: version, Out: cmd.OutOrStdout(), Log: log, Assets: web.Assets(), Failpoint: failpoint(),
		Ready: func(base string) {
			fmt.Fprintf(cmd.OutOrStdout(), "Millrace is on %s\n", base)
		},
	}
}

func configCommand() *cobra.Command {
	return &cobra.Command{
		Use: "config", Short: "Print the reference of the server's settings", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return config.Reference(cmd.OutOrStdout()) },
	}
}

// referenceCommand is for `make generate`.
func referenceCommand() *cobra.Command {
	return &cobra.Command{
		Use: "reference CHECKOUT", Short: "Write the generated reference into a checkout of the source", Args: cobra.ExactArgs(1), Hidden: true,
		RunE: func(_ *cobra.Command, args []string) error { return app.Reference(args[0]) },
	}
}

func demoCommand() *cobra.Command {
	var once bool
	cmd := &cobra.Command{
		Use: "demo", Short: "Start a server with sample data, run two syncs twice, and show what went where", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := config.Load(cmd.Flags(), os.LookupEnv)
			if err != nil {
				return err
			}
			return runDemo(cmd, c, once)
		},
	}
	config.Flags(cmd.Flags())
	cmd.Flags().BoolVar(&once, "once", false, "exit after the runs, with 0 only if what arrived is what the model says")
	return cmd
}

// runDemo starts a server in a folder of its own and plays the demo against it.
func runDemo(cmd *cobra.Command, c *config.Config, once bool) error {
	dir, err := demo.Prepare(c)
	if err != nil {
		return err
	}
	logFile, err := os.Create(filepath.Join(dir, "server.log")) //nolint:gosec // the demo's own folder
	if err != nil {
		return fmt.Errorf("writing the server's log: %w", err)
	}
	defer logFile.Close() //nolint:errcheck // a log that was written
	ctx, stop := context.WithCancel(cmd.Context())
	defer stop()
	o := serverOptions(cmd, c, logFile)
	ready := make(chan string, 1)
	o.Ready = func(base string) { ready <- base }
	ended := make(chan error, 1)
	go func() { ended <- app.Serve(ctx, o) }()
	select {
	case err := <-ended:
		return err
	case base := <-ready:
		err := demo.Run(ctx, demo.Options{Client: cli.NewClient(base, c.BootstrapAPIKey), Dir: dir, Files: c.FilesRoot, Out: cmd.OutOrStdout()})
		if err == nil && !once {
			demo.Invite(cmd.OutOrStdout(), base, c)
			<-ctx.Done()
		}
		stop()
		return errors.Join(err, <-ended)
	}
}
