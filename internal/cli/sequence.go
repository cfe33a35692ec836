package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/millrace/millrace/internal/fault"
	"github.com/spf13/cobra"
)

// SequenceRun is one execution of a sequence.
type SequenceRun struct {
	ID         int64          `json:"id"`
	State      string         `json:"state"`
	Label      string         `json:"label"`
	DurationMs int64          `json:"durationMs"`
	Steps      []SequenceStep `json:"steps"`
	Error      *APIError      `json:"error"`
}

// SequenceStep is one step of a sequence's run.
type SequenceStep struct {
	Sync       struct{ Slug string } `json:"sync"`
	State      string                `json:"state"`
	Label      string                `json:"label"`
	RunID      *int64                `json:"runId"`
	Rejected   int64                 `json:"rejected"`
	DurationMs int64                 `json:"durationMs"`
	Error      string                `json:"error"`
}

// over reports whether the run has ended.
func (r SequenceRun) over() bool {
	return r.State == "done" || r.State == "failed" || r.State == "cancelled"
}

// sequenceName reads "sequence/nightly".
func sequenceName(name string) (slug string, ok bool) {
	kind, slug, found := strings.Cut(name, "/")
	plural, _ := pluralOf(kind)
	return slug, found && plural == "sequences"
}

func isNotFound(err error) bool {
	var e *APIError
	return errors.As(err, &e) && e.Code == string(fault.CodeNotFound)
}

// otherwise returns the error of the second attempt, or that of the first where the second found nothing either.
func otherwise(first, second error) error {
	if isNotFound(second) {
		return first
	}
	return second
}

// TriggerSequence starts a run of a sequence.
func (c *Client) TriggerSequence(ctx context.Context, slug string) (SequenceRun, error) {
	var answer struct{ Run SequenceRun }
	err := c.Do(ctx, http.MethodPost, "/api/sequences/"+url.PathEscape(slug)+"/trigger", nil, &answer)
	return answer.Run, err
}

// WaitSequence follows a run of a sequence to its end. step is called whenever a step changed.
func (c *Client) WaitSequence(ctx context.Context, id int64, step func(position int, s SequenceStep)) (SequenceRun, error) {
	var known []string
	for {
		var r SequenceRun
		if err := c.Do(ctx, http.MethodGet, fmt.Sprintf("/api/sequence-runs/%d", id), nil, &r); err != nil {
			return r, err
		}
		for i, s := range r.Steps {
			if i >= len(known) {
				known = append(known, "waiting")
			}
			if known[i] != s.State {
				known[i] = s.State
				step(i, s)
			}
		}
		if r.over() {
			return r, nil
		}
		select {
		case <-ctx.Done():
			return r, ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// runSequence runs a sequence and fails when it does.
func runSequence(cmd *cobra.Command, c *Client, slug string, detach bool) error {
	r, err := c.TriggerSequence(cmd.Context(), slug)
	if err != nil || detach {
		if err == nil {
			fmt.Fprintln(cmd.OutOrStdout(), r.ID)
		}
		return err
	}
	r, err = c.WaitSequence(cmd.Context(), r.ID, func(i int, s SequenceStep) {
		fmt.Fprintf(cmd.ErrOrStderr(), "step %d, %s: %s\n", i+1, s.Sync.Slug, s.Label)
	})
	if err != nil {
		return err
	}
	if err := printSteps(cmd.OutOrStdout(), r); err != nil {
		return err
	}
	if r.Error != nil {
		return r.Error
	}
	if r.State == "cancelled" {
		return fault.New(fault.CodeRunCancelled, "the run was cancelled")
	}
	return nil
}

// printSteps writes what became of each step.
func printSteps(out io.Writer, r SequenceRun) error {
	fmt.Fprintf(out, "run %d: %s in %.1f s\n", r.ID, r.Label, float64(r.DurationMs)/1000)
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "STEP\tSYNC\tRUN\tSTATE\tSECONDS\tREJECTED\tERROR")
	for i, s := range r.Steps {
		run := "-"
		if s.RunID != nil {
			run = strconv.FormatInt(*s.RunID, 10)
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%.1f\t%d\t%s\n", i+1, s.Sync.Slug, run, s.State, float64(s.DurationMs)/1000, s.Rejected, s.Error)
	}
	return w.Flush()
}

// sequenceLogs writes the steps of a sequence's newest run.
func sequenceLogs(cmd *cobra.Command, c *Client, slug string) error {
	var page struct{ Items []SequenceRun }
	if err := c.Do(cmd.Context(), http.MethodGet, "/api/sequences/"+url.PathEscape(slug)+"/runs?limit=1", nil, &page); err != nil {
		return err
	}
	if len(page.Items) == 0 {
		return fault.New(fault.CodeNotFound, "the sequence %q never ran", slug)
	}
	return printSteps(cmd.OutOrStdout(), page.Items[0])
}

// printSequenceRun writes the steps of a run.
func printSequenceRun(cmd *cobra.Command, c *Client, id string) error {
	var r SequenceRun
	if err := c.Do(cmd.Context(), http.MethodGet, "/api/sequence-runs/"+url.PathEscape(id), nil, &r); err != nil {
		return err
	}
	return printSteps(cmd.OutOrStdout(), r)
}

func cancelSequence(cmd *cobra.Command, c *Client, id string) error {
	var r SequenceRun
	if err := c.Do(cmd.Context(), http.MethodPost, "/api/sequence-runs/"+url.PathEscape(id)+"/cancel", nil, &r); err != nil {
		return err
	}
	state := r.State
	if !r.over() {
		state += ", and ends when the run of its step is settled"
	}
	fmt.Fprintf(cmd.OutOrStdout(), "run %d: %s\n", r.ID, state)
	return nil
}
