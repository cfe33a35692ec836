package cli

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"text/tabwriter"
	"time"

	"github.com/millrace/millrace/internal/fault"
	"github.com/spf13/cobra"
)

// dbtCommand is what of dbt projects is no document: their manifests.
func dbtCommand() *cobra.Command {
	parent := &cobra.Command{Use: "dbt", Short: "Load manifests of dbt projects, and list their models"}
	parent.AddCommand(dbtLoadCommand(), dbtRefreshCommand(), dbtListCommand(), dbtCheckCommand(), dbtExposuresCommand())
	return parent
}

// dbtManifest is what a project's manifest says of itself.
type dbtManifest struct {
	DBTVersion string
	Models     int
	Analyses   int
}

func dbtLoadCommand() *cobra.Command {
	return &cobra.Command{
		Use: "load PROJECT FILE", Short: "Load the manifest.json of a dbt project", Args: cobra.ExactArgs(2),
		Long: `Loads a manifest in the place of the one before: target/manifest.json, as dbt compile, build or run writes it.
Call it at the end of the job that runs dbt. - reads the manifest from standard input.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := openManifest(cmd, args[1])
			if err != nil {
				return err
			}
			defer in.Close() //nolint:errcheck // reading is done
			var m dbtManifest
			if err := clientOf(cmd).upload(cmd.Context(), http.MethodPut, dbtPath(args[0], "manifest"), in, &m); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "loaded %d models and %d analyses of dbt %s\n", m.Models, m.Analyses, m.DBTVersion)
			return nil
		},
	}
}

// openManifest opens a file, or standard input for -.
func openManifest(cmd *cobra.Command, name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(cmd.InOrStdin()), nil
	}
	file, err := os.Open(name) //nolint:gosec // the caller's own file
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeInvalid, "opening the manifest").
			WithSuggestion("dbt writes it into the folder target of the project: target/manifest.json.")
	}
	return file, nil
}

func dbtCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use: "check PROJECT FILE", Short: "Fail if a manifest would break enabled syncs", Args: cobra.ExactArgs(2),
		Long: `Says which enabled syncs a manifest would break: their models are gone, renamed or moved to another package, or cannot
be read any more. Nothing is loaded. Call it in the checks of pull requests, after dbt compile or dbt parse; for models
that are read by their compiled SQL it takes dbt compile.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := openManifest(cmd, args[1])
			if err != nil {
				return err
			}
			defer in.Close() //nolint:errcheck // reading is done
			var result struct {
				Checked int
				Broken  []struct {
					Sync, Model               struct{ Slug, Name string }
					Node, Message, Suggestion string
				}
			}
			if err := clientOf(cmd).upload(cmd.Context(), http.MethodPost, dbtPath(args[0], "check"), in, &result); err != nil {
				return err
			}
			for _, b := range result.Broken {
				fmt.Fprintf(cmd.OutOrStdout(), "%s (model %s): %s\n  → %s\n", b.Sync.Slug, b.Model.Slug, b.Message, b.Suggestion)
			}
			if n := len(result.Broken); n > 0 {
				return fault.New(fault.CodeDBTModel, "the manifest breaks %d of %d enabled syncs", n, result.Checked).
					WithSuggestion("Bring the models back, or change the syncs' models first.")
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%d enabled syncs read the project; none breaks\n", result.Checked)
			return nil
		},
	}
}

func dbtExposuresCommand() *cobra.Command {
	return &cobra.Command{
		Use: "exposures PROJECT", Short: "Print the enabled syncs of a dbt project as its exposures", Args: cobra.ExactArgs(1),
		Long: `Prints a properties file for dbt in which each enabled sync is an exposure of the model that it reads. Write it into the
models folder of the project, such as models/millrace_sync_exposures.yml, and commit it.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			var file struct{ Content string }
			if err := clientOf(cmd).Do(cmd.Context(), http.MethodGet, dbtPath(args[0], "exposures"), nil, &file); err != nil {
				return err
			}
			fmt.Fprint(cmd.OutOrStdout(), file.Content)
			return nil
		},
	}
}

// upload sends a stream of JSON, compressed.
func (c *Client) upload(ctx context.Context, method, path string, from io.Reader, out any) error {
	r, w := io.Pipe()
	go func() {
		z := gzip.NewWriter(w)
		_, err := io.Copy(z, from)
		if err == nil {
			err = z.Close()
		}
		_ = w.CloseWithError(err)
	}()
	defer r.Close() //nolint:errcheck // it is read only
	req, err := http.NewRequestWithContext(ctx, method, c.Base+path, r)
	if err != nil {
		return fault.Wrap(err, fault.CodeConfig, "the server's address %q", c.Base)
	}
	req.Header.Set("Authorization", "Bearer "+c.Key)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Content-Encoding", "gzip")
	res, err := c.HTTP.Do(req)
	if err != nil {
		return fmt.Errorf("no answer from %s; is the server running? %w", c.Base, err)
	}
	defer res.Body.Close() //nolint:errcheck // a body that was read
	return decode(res, out)
}

func dbtRefreshCommand() *cobra.Command {
	var full, detach bool
	cmd := &cobra.Command{
		Use: "refresh PROJECT", Short: "Fetch the manifest of a dbt project from its repository or from dbt Cloud", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var d Document
			c := clientOf(cmd)
			if err := c.Do(cmd.Context(), http.MethodPost, dbtPath(args[0], "refresh"), map[string]bool{"full": full}, &d); err != nil || detach {
				return err
			}
			return c.followRefresh(cmd, args[0])
		},
	}
	cmd.Flags().BoolVar(&full, "full", false, "also where nothing is newer: compile or fetch it anew")
	cmd.Flags().BoolVar(&detach, "detach", false, "do not wait for the manifest")
	return cmd
}

// followRefresh waits until the project's origin was looked at.
func (c *Client) followRefresh(cmd *cobra.Command, slug string) error {
	for {
		d, err := c.get(cmd.Context(), "dbt-projects", slug)
		if err != nil {
			return err
		}
		var status struct {
			Manifest *dbtManifest
			Refresh  struct {
				State     string
				Seen      string
				CheckedAt *string
				NextAt    *time.Time
				Error     *APIError
			}
		}
		if err := json.Unmarshal(d.Status, &status); err != nil {
			return fmt.Errorf("reading the status of the dbt project: %w", err)
		}
		r := status.Refresh
		switch {
		case r.Error != nil:
			return r.Error
		case r.State == "done" && status.Manifest != nil:
			fmt.Fprintf(cmd.OutOrStdout(), "%s: %d models and %d analyses of dbt %s\n", r.Seen, status.Manifest.Models, status.Manifest.Analyses, status.Manifest.DBTVersion)
			return nil
		case r.State == "waiting" && r.NextAt != nil && r.NextAt.After(time.Now().Add(time.Second)):
			fmt.Fprintln(cmd.OutOrStdout(), "there is no manifest yet: the job has not run")
			return nil
		}
		select {
		case <-cmd.Context().Done():
			return cmd.Context().Err()
		case <-time.After(300 * time.Millisecond):
		}
	}
}

func dbtListCommand() *cobra.Command {
	var search string
	cmd := &cobra.Command{
		Use: "list PROJECT", Short: "List the models and analyses of a dbt project", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
			fmt.Fprintln(w, "UNIQUE ID\tMATERIALIZED\tREAD")
			for cursor := "0"; cursor != ""; {
				var page struct {
					Items []struct {
						ID, Materialized, Read string
					}
					NextCursor string
				}
				query := url.Values{"cursor": {cursor}, "limit": {"500"}, "search": {search}}
				if err := clientOf(cmd).Do(cmd.Context(), http.MethodGet, dbtPath(args[0], "nodes")+"?"+query.Encode(), nil, &page); err != nil {
					return err
				}
				for _, n := range page.Items {
					fmt.Fprintf(w, "%s\t%s\t%s\n", n.ID, n.Materialized, n.Read)
				}
				cursor = page.NextCursor
			}
			return w.Flush()
		},
	}
	cmd.Flags().StringVar(&search, "search", "", "only those whose unique ID has this text")
	return cmd
}

func dbtPath(slug, what string) string {
	return "/api/dbt-projects/" + url.PathEscape(slug) + "/" + what
}
