package cli

import (
	"embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/connector/manifest/replay"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
)

// skeleton is what a new destination begins as.
//
//go:embed skeleton
var skeleton embed.FS

const skeletonSlug = "example-crm"

func validateCommand() *cobra.Command {
	return &cobra.Command{
		Use: "validate FILE…", Short: "Check manifests of destinations; every mistake is printed with its line", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			bad := 0
			for _, file := range files {
				m, err := readManifest(file)
				if err != nil {
					bad++
					printIssues(cmd, err)
					continue
				}
				for _, w := range m.Warnings() {
					fmt.Fprintf(cmd.OutOrStdout(), "%s (%s, a warning)\n", w.Message, w.Path)
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s: good\n", file)
			}
			if bad > 0 {
				return fault.New(fault.CodeInvalid, "%d of %d manifests have mistakes", bad, len(files)).WithSuggestion("Correct them; `millrace connector schema` prints the language.")
			}
			return nil
		},
	}
}

func readManifest(file string) (*manifest.Manifest, error) {
	text, err := os.ReadFile(file) //nolint:gosec // the person who calls names it
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeInvalid, "reading the manifest")
	}
	return manifest.Parse(file, text) //nolint:wrapcheck // its errors are made for people
}

func printIssues(cmd *cobra.Command, err error) {
	var issues fault.Issues
	if !errors.As(err, &issues) {
		fmt.Fprintln(cmd.OutOrStdout(), err)
		return
	}
	for _, e := range issues {
		fmt.Fprintf(cmd.OutOrStdout(), "%s (%s)\n", e.Message, e.Path)
	}
}

func replayCommand() *cobra.Command {
	var o replayOptions
	c := &cobra.Command{
		Use: "test FOLDER…", Short: "Replay the cases of destinations' folders: testdata/*.txtar beside manifest.yaml", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, folders []string) error {
			failed := 0
			for _, folder := range folders {
				n, err := replayFolder(cmd, folder, o)
				if err != nil {
					return err
				}
				failed += n
			}
			if failed > 0 {
				return fault.New(fault.CodeInvalid, "%d cases differ or were not over in time", failed).WithSuggestion("--update writes what is sent now into the cases; read it before you keep it.")
			}
			return nil
		},
	}
	c.Flags().BoolVar(&o.update, "update", false, "write what is sent now into the cases")
	c.Flags().DurationVar(&o.limit, "timeout", time.Minute, "how long each case may take")
	return c
}

// replayOptions are the flags of replayCommand.
type replayOptions struct {
	update bool
	limit  time.Duration // of each case
}

func replayFolder(cmd *cobra.Command, folder string, o replayOptions) (failed int, err error) {
	m, err := readManifest(filepath.Join(folder, "manifest.yaml"))
	if err != nil {
		return 0, err
	}
	info := m.Info(httpx.AnyNetwork, manifest.Hooks{})
	files, err := filepath.Glob(filepath.Join(folder, "testdata", "*.txtar"))
	if err != nil || len(files) == 0 {
		return 0, fault.New(fault.CodeInvalid, "%s has no cases: testdata/*.txtar", folder)
	}
	for _, file := range files {
		good, err := replayFile(cmd, info, file, o)
		if err != nil {
			return failed, err
		}
		if !good {
			failed++
		}
	}
	return failed, nil
}

func replayFile(cmd *cobra.Command, info connector.DestinationInfo, file string, o replayOptions) (good bool, err error) {
	text, err := os.ReadFile(file) //nolint:gosec // the person who calls names the folder
	if err != nil {
		return false, fault.Wrap(err, fault.CodeInvalid, "reading a case")
	}
	c, err := replay.Read(text)
	if err != nil {
		return false, fault.Wrap(err, fault.CodeInvalid, "%s", file)
	}
	got, err := c.RunWithin(cmd.Context(), o.limit, info, nil)
	if err != nil {
		fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", file, err)
		return false, cmd.Context().Err() //nolint:wrapcheck // the person who calls ended it
	}
	if o.update {
		c.Set("requests", got.Requests)
		c.Set("result", got.Result)
		fmt.Fprintf(cmd.OutOrStdout(), "%s: written\n", file)
		return true, os.WriteFile(file, c.Text(), 0o600) //nolint:wrapcheck,gosec // the person who calls names the folder
	}
	good = c.File("requests") == got.Requests && c.File("result") == got.Result && got.Unasked == 0
	switch {
	case good:
		fmt.Fprintf(cmd.OutOrStdout(), "%s: good\n", file)
	default:
		fmt.Fprintf(cmd.OutOrStdout(), "%s: differs\n-- requests --\n%s-- result --\n%s", file, got.Requests, got.Result)
		if got.Unasked > 0 {
			fmt.Fprintf(cmd.OutOrStdout(), "%d answers were not asked for\n", got.Unasked)
		}
	}
	return good, nil
}

func newConnectorCommand() *cobra.Command {
	return &cobra.Command{
		Use: "new SLUG", Short: "Begin a destination of your own: a folder with a manifest that works and a case", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			slug := args[0]
			if _, err := os.Stat(slug); err == nil {
				return fault.New(fault.CodeConflict, "there is a folder %s already", slug)
			}
			for _, name := range []string{"manifest.yaml", "testdata/contacts.txtar"} {
				text, err := skeleton.ReadFile("skeleton/" + name)
				if err != nil {
					return fault.Wrap(err, fault.CodeInternal, "reading the skeleton")
				}
				to := filepath.Join(slug, filepath.FromSlash(name))
				if err := os.MkdirAll(filepath.Dir(to), 0o750); err != nil {
					return fault.Wrap(err, fault.CodeInvalid, "making the folder")
				}
				if err := os.WriteFile(to, []byte(strings.ReplaceAll(string(text), skeletonSlug, slug)), 0o600); err != nil {
					return fault.Wrap(err, fault.CodeInvalid, "writing the skeleton")
				}
			}
			if _, err := readManifest(filepath.Join(slug, "manifest.yaml")); err != nil {
				printIssues(cmd, err)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s/manifest.yaml is yours to change.\n`millrace connector validate %s/manifest.yaml` checks it, `millrace connector test %s` replays its case, and a server with --connectors-dir offers it.\n", slug, slug, slug)
			return nil
		},
	}
}

func schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use: "schema", Short: "Print the JSON Schema of manifests, for editors", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := cmd.OutOrStdout().Write(manifest.Schema())
			return err //nolint:wrapcheck // standard output
		},
	}
}
