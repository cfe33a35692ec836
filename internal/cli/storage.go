package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"text/tabwriter"
	"time"

	"github.com/millrace/millrace/internal/fault"
	"github.com/spf13/cobra"
)

// storagePlace is where a workspace's objects lie.
type storagePlace struct {
	Slug, Label string
	HasRun      bool
	Locked      bool
	ExpiryDays  float64
}

// storageSwitch is one move of a workspace's objects.
type storageSwitch struct {
	ID              int64
	From, To, State string
	Reverting       bool
	Running         int64
	Error           *APIError
}

func (s storageSwitch) over() bool {
	return s.State == "done" || s.State == "failed" || s.State == "cancelled"
}

// words say how far a switch is.
func (s storageSwitch) words() string {
	switch {
	case s.State == "checking":
		return "trying " + s.To
	case s.State == "waiting":
		return fmt.Sprintf("syncs are paused; waiting for %d runs", s.Running)
	case s.State == "validating":
		return "trying " + s.To + " once more, now in use"
	case s.State == "resuming" && s.Reverting:
		return "back to " + s.From + "; syncs go on"
	case s.State == "resuming":
		return "syncs go on"
	case s.State == "cleaning":
		return "removing what is of no use any more from " + s.From
	default:
		return s.State
	}
}

// storageSync is how a sync stands towards the storage.
type storageSync struct {
	Slug, Mode, Standing, Advice string
	Moves                        bool
}

// asks reports whether the sync stops and asks at its next run.
func (s storageSync) asks() bool {
	return s.Standing == "moved" || s.Standing == "expired" || s.Standing == "lost"
}

func (s storageSync) flag() string {
	if s.Advice == "resetCDC" {
		return "--reset-cdc"
	}
	return "--full-resync"
}

func storageCommand() *cobra.Command {
	parent := &cobra.Command{
		Use: "storage", Short: "Where the workspace's objects lie", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return showStorage(cmd) },
	}
	parent.AddCommand(storageTestCommand(), storageSwitchCommand(), storageCancelCommand())
	return parent
}

func showStorage(cmd *cobra.Command) error {
	var overview struct {
		Current storagePlace
		Switch  *storageSwitch
	}
	c := clientOf(cmd)
	if err := c.Do(cmd.Context(), http.MethodGet, "/api/storage", nil, &overview); err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	fmt.Fprintln(out, overview.Current.Label)
	if overview.Current.ExpiryDays > 0 {
		fmt.Fprintf(out, "What no run uses for %g days is removed.\n", overview.Current.ExpiryDays)
	}
	if overview.Current.Locked {
		fmt.Fprintln(out, "Locked: only the operator of the server can move the workspace.")
	}
	if s := overview.Switch; s != nil && !s.over() {
		fmt.Fprintf(out, "Switch %d to %s: %s\n", s.ID, s.To, s.words())
	}
	return listAsking(cmd.Context(), c, out)
}

// listAsking lists the syncs that stop and ask, with the command that answers.
func listAsking(ctx context.Context, c *Client, out io.Writer) error {
	all, err := c.storageSyncs(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	head := "\nSYNC\tBASELINE\tNEXT\n"
	for _, s := range all {
		if !s.asks() {
			continue
		}
		fmt.Fprintf(w, "%s%s\t%s\tmillrace run %s %s\n", head, s.Slug, s.Standing, s.Slug, s.flag())
		head = ""
	}
	return w.Flush()
}

func (c *Client) storageSyncs(ctx context.Context) ([]storageSync, error) {
	var page struct{ Items []storageSync }
	err := c.Do(ctx, http.MethodGet, "/api/storage/syncs", nil, &page)
	return page.Items, err
}

func storageTestCommand() *cobra.Command {
	return &cobra.Command{
		Use: "test STORAGE", Short: "Write, list, read and delete an object in a storage", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c := clientOf(cmd)
			d, err := c.get(cmd.Context(), "storages", args[0])
			if err != nil {
				return err
			}
			var spec struct {
				Type          string          `json:"type"`
				Configuration json.RawMessage `json:"configuration"`
				Slug          string          `json:"slug"`
			}
			if err := json.Unmarshal(d.Spec, &spec); err != nil {
				return fmt.Errorf("reading the storage: %w", err)
			}
			spec.Slug = args[0]
			return c.testStorage(cmd, spec)
		},
	}
}

func (c *Client) testStorage(cmd *cobra.Command, spec any) error {
	var result struct {
		OK    bool
		Error *APIError
	}
	if err := c.Do(cmd.Context(), http.MethodPost, "/api/storages/test", spec, &result); err != nil {
		return err
	}
	if result.Error != nil {
		return result.Error
	}
	fmt.Fprintln(cmd.OutOrStdout(), "objects can be written, listed, read and deleted")
	return nil
}

func storageSwitchCommand() *cobra.Command {
	var yes, server, abandon, detach bool
	cmd := &cobra.Command{
		Use: "switch STORAGE", Short: "Move the workspace to another storage and wait for the end",
		Long: `Moves the workspace's objects to another storage. Its syncs pause, runs under way end, and the syncs go on.
What syncs remember does not move: each one that keeps it in storage stops at its next run and asks for a full
resync or a CDC reset. The rows and requests of earlier runs do not move either. Choose a quiet time.

Where the storage is in use already nothing happens, so that scripts may call it after apply.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			to := ""
			if len(args) == 1 {
				to = args[0]
			}
			if (to == "") != server {
				return fault.New(fault.CodeRequired, "name a storage, or --default for the server's own")
			}
			return switchStorage(cmd, to, switchFlags{yes, abandon, detach})
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "the consequences are wanted")
	cmd.Flags().BoolVar(&server, "default", false, "move to the server's own storage")
	cmd.Flags().BoolVar(&abandon, "abandon", false, "the old storage is lost: give up runs that cannot be settled without it")
	cmd.Flags().BoolVar(&detach, "detach", false, "print the switch's id and do not wait")
	return cmd
}

type switchFlags struct{ yes, abandon, detach bool }

func switchStorage(cmd *cobra.Command, to string, f switchFlags) error {
	c := clientOf(cmd)
	var overview struct{ Current storagePlace }
	if err := c.Do(cmd.Context(), http.MethodGet, "/api/storage", nil, &overview); err != nil {
		return err
	}
	if overview.Current.Slug == to {
		fmt.Fprintln(cmd.OutOrStdout(), "in use already:", overview.Current.Label)
		return nil
	}
	if err := c.warn(cmd, f.yes); err != nil {
		return err
	}
	var s storageSwitch
	if err := c.Do(cmd.Context(), http.MethodPost, "/api/storage/switch", map[string]any{"to": to, "abandon": f.abandon}, &s); err != nil {
		return err
	}
	if f.detach {
		fmt.Fprintln(cmd.OutOrStdout(), s.ID)
		return nil
	}
	return c.followSwitch(cmd, s)
}

// warn names what a switch means, and refuses one that nobody confirmed.
func (c *Client) warn(cmd *cobra.Command, yes bool) error {
	all, err := c.storageSyncs(cmd.Context())
	if err != nil {
		return err
	}
	moving := 0
	for _, s := range all {
		if s.Moves {
			moving++
		}
	}
	if moving == 0 || yes {
		return nil
	}
	words := fmt.Sprintf("%d syncs would have to begin anew: each stops at its next run", moving)
	if moving == 1 {
		words = "1 sync would have to begin anew: it stops at its next run"
	}
	return fault.New(fault.CodeRequired, "%s and asks for a full resync or a CDC reset", words).
		WithSuggestion("Repeat the command with --yes when that is wanted.")
}

func (c *Client) followSwitch(cmd *cobra.Command, s storageSwitch) error {
	for last := ""; ; {
		if words := s.words(); words != last {
			fmt.Fprintln(cmd.ErrOrStderr(), words)
			last = words
		}
		if s.over() {
			break
		}
		select {
		case <-cmd.Context().Done():
			return cmd.Context().Err()
		case <-time.After(300 * time.Millisecond):
		}
		if err := c.Do(cmd.Context(), http.MethodGet, fmt.Sprintf("/api/storage/switches/%d", s.ID), nil, &s); err != nil {
			return err
		}
	}
	if s.Error != nil {
		return s.Error
	}
	return listAsking(cmd.Context(), c, cmd.OutOrStdout())
}

func storageCancelCommand() *cobra.Command {
	return &cobra.Command{
		Use: "cancel SWITCH", Short: "Stop a switch that waits for runs", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var s storageSwitch
			if err := clientOf(cmd).Do(cmd.Context(), http.MethodPost, "/api/storage/switches/"+url.PathEscape(args[0])+"/cancel", nil, &s); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "switch %d is being cancelled\n", s.ID)
			return nil
		},
	}
}
