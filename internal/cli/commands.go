package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/millrace/millrace/internal/fault"
	"github.com/spf13/cobra"
	"gopkg.in/yaml.v3"
)

// Commands returns the verbs that speak to a server.
func Commands() []*cobra.Command {
	return []*cobra.Command{
		applyCommand(), diffCommand(), getCommand(), deleteCommand(), runCommand(), testRowCommand(), logsCommand(), cancelCommand(), connectorCommand(), healthCommand(), workspaceCommand(), storageCommand(), tunnelCommand(), dbtCommand(),
	}
}

// clientOf returns a client for the server that the flags or the environment name.
func clientOf(cmd *cobra.Command) *Client {
	server, _ := cmd.Flags().GetString("server") //nolint:errcheck // the flag is defined on the root
	key, _ := cmd.Flags().GetString("api-key")   //nolint:errcheck // the flag is defined on the root
	return NewClient(server, key)
}

// Flags adds the flags that every verb has.
func Flags(root *cobra.Command) {
	root.PersistentFlags().String("server", envOr("MILLRACE_SERVER", "http://localhost:8484"), "address of the server (MILLRACE_SERVER)")
	root.PersistentFlags().String("api-key", "", "API key (MILLRACE_API_KEY)")
	root.PersistentPreRun = func(cmd *cobra.Command, _ []string) {
		if f := cmd.Flags().Lookup("api-key"); f != nil && !f.Changed {
			_ = f.Value.Set(os.Getenv("MILLRACE_API_KEY")) //nolint:errcheck // a string flag takes any text
		}
	}
}

func envOr(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}

func applyCommand() *cobra.Command {
	var files []string
	var dryRun bool
	cmd := &cobra.Command{
		Use: "apply -f FILE|FOLDER|-", Short: "Create or change documents so that they are as the files say", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return apply(cmd, files, dryRun, false) },
	}
	cmd.Flags().StringArrayVarP(&files, "file", "f", nil, "file, folder or - for standard input; may be repeated")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "say what would change, and change nothing")
	return required(cmd, "file")
}

func diffCommand() *cobra.Command {
	var files []string
	cmd := &cobra.Command{
		Use: "diff -f FILE|FOLDER|-", Short: "Show how documents differ from the files", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return apply(cmd, files, true, true) },
	}
	cmd.Flags().StringArrayVarP(&files, "file", "f", nil, "file, folder or - for standard input; may be repeated")
	return required(cmd, "file")
}

func required(cmd *cobra.Command, flag string) *cobra.Command {
	if err := cmd.MarkFlagRequired(flag); err != nil {
		panic(err) // the flag is defined above
	}
	return cmd
}

func apply(cmd *cobra.Command, files []string, dryRun, changes bool) error {
	documents, err := readDocuments(files, cmd.InOrStdin(), os.LookupEnv)
	if err != nil {
		return err
	}
	texts := make([]json.RawMessage, len(documents))
	for i, d := range documents {
		texts[i] = d.json
	}
	results, err := clientOf(cmd).Apply(cmd.Context(), texts, dryRun)
	if err != nil {
		return locate(err, documents)
	}
	for _, r := range results {
		fmt.Fprintf(cmd.OutOrStdout(), "%s/%s %s\n", r.Kind, r.Slug, r.Action)
		for _, w := range r.Warnings {
			fmt.Fprintf(cmd.ErrOrStderr(), "warning: %s/%s: %s\n", r.Kind, r.Slug, w.Error())
		}
		if !changes && !dryRun {
			continue
		}
		for _, c := range r.Changes {
			fmt.Fprintf(cmd.OutOrStdout(), "  %s: %s → %s\n", c.Path, orNothing(c.From), orNothing(c.To))
		}
	}
	return nil
}

func orNothing(b json.RawMessage) string {
	if len(b) == 0 || bytes.Equal(b, []byte("null")) {
		return "(nothing)"
	}
	return string(b)
}

func getCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use: "get KIND|all [SLUG]", Short: "List documents of a kind, or show one", Args: cobra.RangeArgs(1, 2),
		Long: "List documents of a kind, or show one. With all, every document in the order in which apply makes them: `millrace get all -o yaml` exports a workspace, without its secrets.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] == everything {
				return export(cmd, cmp.Or(output, "yaml"))
			}
			plural, slug, err := splitName(args)
			if err != nil {
				return err
			}
			if slug != "" {
				return getOne(cmd, plural, slug, output)
			}
			return getAll(cmd, plural, output)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "yaml or json")
	return cmd
}

// everything is the word for all kinds.
const everything = "all"

// export prints the documents of every kind.
func export(cmd *cobra.Command, output string) error {
	var all []Document
	for _, kind := range Kinds {
		documents, err := clientOf(cmd).list(cmd.Context(), kind+"s")
		if err != nil {
			return err
		}
		all = append(all, documents...)
	}
	return printDocuments(cmd.OutOrStdout(), all, output)
}

func getOne(cmd *cobra.Command, plural, slug, output string) error {
	d, err := clientOf(cmd).get(cmd.Context(), plural, slug)
	if err != nil {
		return err
	}
	d.Status = nil
	return printDocuments(cmd.OutOrStdout(), []Document{d}, output)
}

func getAll(cmd *cobra.Command, plural, output string) error {
	all, err := clientOf(cmd).list(cmd.Context(), plural)
	if err != nil {
		return err
	}
	if output != "" {
		return printDocuments(cmd.OutOrStdout(), all, output)
	}
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "SLUG\tNAME\tID\tREVISION")
	for _, d := range all {
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\n", d.Metadata.Slug, d.Metadata.Name, d.Metadata.ID, d.Metadata.Revision)
	}
	return w.Flush()
}

// printDocuments writes documents in the form that apply reads.
func printDocuments(w io.Writer, documents []Document, output string) error {
	for i, d := range documents {
		d.Metadata.ID, d.Metadata.Revision, d.Status = 0, 0, nil // what only this server says
		b, err := json.Marshal(d)
		if err != nil {
			return fmt.Errorf("encoding a document: %w", err)
		}
		if output == "json" {
			fmt.Fprintln(w, string(b))
			continue
		}
		tree, err := nodeOf(b)
		if err != nil {
			return fmt.Errorf("encoding a document: %w", err)
		}
		if i > 0 {
			fmt.Fprintln(w, "---")
		}
		e := yaml.NewEncoder(w)
		e.SetIndent(2)
		if err := e.Encode(tree); err != nil {
			return fmt.Errorf("encoding a document: %w", err)
		}
	}
	return nil
}

func deleteCommand() *cobra.Command {
	return &cobra.Command{
		Use: "delete KIND SLUG", Short: "Delete a document that nothing refers to", Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			plural, slug, err := splitName(args)
			if err != nil {
				return err
			}
			if slug == "" {
				return fault.New(fault.CodeRequired, "name what to delete: millrace delete %s SLUG", args[0])
			}
			c := clientOf(cmd)
			d, err := c.get(cmd.Context(), plural, slug)
			if err != nil {
				return err
			}
			path := fmt.Sprintf("/api/%s/%s?revision=%d", plural, url.PathEscape(slug), d.Metadata.Revision)
			if err := c.Do(cmd.Context(), http.MethodDelete, path, nil, nil); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s/%s deleted\n", d.Kind, slug)
			return nil
		},
	}
}

func runCommand() *cobra.Command {
	var full, reset, clearAndFill, detach bool
	cmd := &cobra.Command{
		Use: "run SYNC | run sequence/SEQUENCE", Short: "Run a sync or a sequence and wait for its end", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c := clientOf(cmd)
			slug, isSequence := sequenceName(args[0])
			if isSequence && (full || reset || clearAndFill) {
				return fault.New(fault.CodeInvalid, "a sequence runs its syncs as they are").WithSuggestion("Run the sync by itself with the flag.")
			}
			if isSequence {
				return runSequence(cmd, c, slug, detach)
			}
			args[0] = strings.TrimPrefix(args[0], "sync/")
			r, err := c.Trigger(cmd.Context(), args[0], map[string]bool{"fullResync": full, "resetCDC": reset, "clearAndFill": clearAndFill})
			if err != nil || detach {
				if err == nil {
					fmt.Fprintln(cmd.OutOrStdout(), r.ID)
				}
				return err
			}
			return follow(cmd, c, r.ID)
		},
	}
	cmd.Flags().BoolVar(&full, "full-resync", false, "send every row again")
	cmd.Flags().BoolVar(&reset, "reset-cdc", false, "send nothing; take the model as it is for synced")
	cmd.Flags().BoolVar(&clearAndFill, "clear-and-fill", false, "empty the destination first")
	cmd.Flags().BoolVar(&detach, "detach", false, "print the run's id and do not wait")
	return cmd
}

// follow prints a run's progress and fails when the run does.
func follow(cmd *cobra.Command, c *Client, id int64) error {
	r, err := c.Wait(cmd.Context(), id, func(r Run) {
		fmt.Fprintf(cmd.ErrOrStderr(), "run %d: %s, %d of %d rows\n", r.ID, r.State, r.Succeeded.total()+r.Failed.total(), r.Planned.total())
	})
	if err != nil {
		return err
	}
	printRun(cmd.OutOrStdout(), r)
	if r.Error != nil {
		return r.Error
	}
	if n := r.refused(); n > 0 {
		return fault.New(fault.CodeDestinationRejected, "%d rows were refused", n).
			WithSuggestion("`millrace logs %d` lists them with their reasons; they are tried again in every run.", r.ID)
	}
	return nil
}

func printRun(w io.Writer, r Run) {
	fmt.Fprintf(w, "%s in %.1f s: %d rows read; %s; %d refused\n", r.Label, float64(r.DurationMs)/1000, r.RowsRead, r.Succeeded, r.refused())
}

func logsCommand() *cobra.Command {
	var status, key string
	cmd := &cobra.Command{
		Use: "logs RUN | logs sequence/SEQUENCE", Short: "List the rows of a run, the refused ones unless --status says otherwise; or the steps of a sequence's run", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if slug, isSequence := sequenceName(args[0]); isSequence {
				return sequenceLogs(cmd, clientOf(cmd), slug)
			}
			err := logs(cmd, args[0], status, key)
			if !isNotFound(err) {
				return err
			}
			return otherwise(err, printSequenceRun(cmd, clientOf(cmd), args[0]))
		},
	}
	cmd.Flags().StringVar(&status, "status", "failed", "succeeded, failed, aborted or rejected; empty for all")
	cmd.Flags().StringVar(&key, "key", "", "only the row with this primary key")
	return cmd
}

func logs(cmd *cobra.Command, run, status, key string) error {
	if _, err := strconv.ParseInt(run, 10, 64); err != nil {
		return fault.New(fault.CodeInvalid, "%q is not the number of a run", run)
	}
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "KEY\tOPERATION\tSTATUS\tREASON")
	cursor := ""
	for {
		var page struct {
			Items      []struct{ Key, Operation, Status, Reason string }
			NextCursor *string
		}
		q := url.Values{"status": {status}, "key": {key}, "cursor": {cursor}, "limit": {"500"}}
		if err := clientOf(cmd).Do(cmd.Context(), http.MethodGet, "/api/runs/"+run+"/rows?"+q.Encode(), nil, &page); err != nil {
			return err
		}
		for _, row := range page.Items {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", row.Key, row.Operation, row.Status, row.Reason)
		}
		if page.NextCursor == nil || *page.NextCursor == "" {
			return w.Flush()
		}
		cursor = *page.NextCursor
	}
}

func cancelCommand() *cobra.Command {
	return &cobra.Command{
		Use: "cancel RUN", Short: "Stop a run of a sync or of a sequence; what it has sent is settled", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var r Run
			err := clientOf(cmd).Do(cmd.Context(), http.MethodPost, "/api/runs/"+url.PathEscape(args[0])+"/cancel", nil, &r)
			if isNotFound(err) {
				return otherwise(err, cancelSequence(cmd, clientOf(cmd), args[0]))
			}
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "run %d: %s\n", r.ID, r.State)
			return nil
		},
	}
}

func healthCommand() *cobra.Command {
	return &cobra.Command{
		Use: "health", Short: "Ask whether the server is ready; exits with 0 only if it is", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var checks map[string]string
			if err := clientOf(cmd).Do(cmd.Context(), http.MethodGet, "/readyz", nil, &checks); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), "ready")
			return nil
		},
	}
}

func workspaceCommand() *cobra.Command {
	return &cobra.Command{
		Use: "workspace", Short: "Show the workspace of the API key, and the region that it was made in", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var session struct {
				Workspace struct{ Slug, Name, Region string }
			}
			if err := clientOf(cmd).Do(cmd.Context(), http.MethodGet, "/api/session", nil, &session); err != nil {
				return err
			}
			w := session.Workspace
			fmt.Fprintf(cmd.OutOrStdout(), "name    %s\nslug    %s\nregion  %s\n", w.Name, w.Slug, cmp.Or(w.Region, "none"))
			return nil
		},
	}
}

func connectorCommand() *cobra.Command {
	parent := &cobra.Command{Use: "connector", Short: "What this server can connect to, and destinations of your own"}
	var kind string
	var asJSON bool
	list := &cobra.Command{
		Use: "list", Short: "List the connectors", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return listConnectors(cmd, kind, asJSON) },
	}
	list.Flags().StringVar(&kind, "kind", "destination", "source, destination or storage")
	list.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	parent.AddCommand(list, validateCommand(), replayCommand(), newConnectorCommand(), schemaCommand())
	return parent
}

func listConnectors(cmd *cobra.Command, kind string, asJSON bool) error {
	plural, _ := pluralOf(kind)
	if plural != "sources" && plural != "destinations" && plural != "storages" {
		return fault.New(fault.CodeInvalid, "--kind is source, destination or storage")
	}
	var answer struct{ Items []json.RawMessage }
	if err := clientOf(cmd).Do(context.WithoutCancel(cmd.Context()), http.MethodGet, "/api/catalog/"+plural, nil, &answer); err != nil {
		return err
	}
	for _, item := range answer.Items {
		if asJSON {
			fmt.Fprintln(cmd.OutOrStdout(), string(item))
			continue
		}
		var c struct{ Slug, Name, Category string }
		if err := json.Unmarshal(item, &c); err != nil {
			return fmt.Errorf("reading the catalogue: %w", err)
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%-24s %s (%s)\n", c.Slug, c.Name, c.Category)
	}
	return nil
}
