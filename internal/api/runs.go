package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/model"
	"github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/mapping"
	"github.com/millrace/millrace/internal/resource"
	"github.com/millrace/millrace/internal/value"
)

func (s *Server) syncs(api huma.API) {
	type triggeredRun struct {
		Run RunBody `json:"run"`
	}
	register(s, api, op(http.MethodPost, "/api/syncs/{slug}/trigger", "trigger-sync", "Run a sync", nil), func(ctx context.Context, in *struct {
		Slug string `path:"slug"`
		Body *struct {
			FullResync   bool `json:"fullResync,omitempty"`
			ResetCDC     bool `json:"resetCDC,omitempty"`
			ClearAndFill bool `json:"clearAndFill,omitempty"`
		}
	}) (*body[triggeredRun], error) {
		var o run.Options
		if in.Body != nil {
			o = run.Options(*in.Body)
		}
		d, err := s.Resources.Get(ctx, scope(ctx), "sync", in.Slug)
		if err != nil {
			return nil, err
		}
		r, err := s.trigger(ctx, d, run.TriggerManual, o)
		return &body[triggeredRun]{triggeredRun{s.runBody(r)}}, err
	})
	for path, disabled := range map[string]bool{"enable": false, "disable": true} {
		register(s, api, op(http.MethodPost, "/api/syncs/{slug}/"+path, path+"-sync", "Turn a sync's schedule on or off", nil), func(ctx context.Context, in *slugInput) (*body[DocumentBody], error) {
			d, err := s.setDisabled(ctx, in.Slug, disabled)
			return s.document(ctx, d, err)
		})
	}
	register(s, api, op(http.MethodGet, "/api/syncs/{slug}/runs", "list-runs", "List the runs of a sync, the newest first", nil), func(ctx context.Context, in *struct {
		Slug     string `path:"slug"`
		Limit    int    `query:"limit" default:"50" minimum:"1" maximum:"500"`
		Cursor   string `query:"cursor"`
		NonEmpty bool   `query:"nonEmpty" doc:"only runs that planned something"`
	}) (*body[page[RunBody]], error) {
		return s.listRuns(ctx, in.Slug, in.Cursor, in.Limit, in.NonEmpty)
	})
	s.suggestions(api)
}

// trigger starts a run of a sync and notes who did.
func (s *Server) trigger(ctx context.Context, d resource.Document, by string, o run.Options) (run.Run, error) {
	if o.ClearAndFill {
		return run.Run{}, fault.New(fault.CodeInvalid, "the destination of %q cannot be emptied", d.Slug).WithSuggestion("Run a full resync instead.")
	}
	r, err := s.Runs.Trigger(ctx, run.Request{WorkspaceID: who(ctx).WorkspaceID, SyncID: d.ID, SyncSlug: d.Slug, Trigger: by, Options: o}, s.Enqueuer)
	if err != nil {
		return r, err
	}
	return r, s.Resources.Record(ctx, scope(ctx), d, "triggered", fmt.Sprintf("run %d", r.ID))
}

func (s *Server) setDisabled(ctx context.Context, slug string, disabled bool) (resource.Document, error) {
	d, err := s.Resources.Get(ctx, scope(ctx), "sync", slug)
	if err != nil {
		return d, err
	}
	spec := *d.Spec.(*sync.Spec) //nolint:forcetypeassert // a sync's spec
	spec.Disabled = disabled
	text, err := json.Marshal(spec)
	if err != nil {
		return d, fmt.Errorf("encoding a sync: %w", err)
	}
	summary := map[bool]string{true: "disabled", false: "enabled"}[disabled]
	return s.Resources.Update(ctx, scope(ctx), "sync", slug, resource.Write{
		Name: d.Name, Folder: d.Folder, Labels: d.Labels, Revision: d.Revision, Spec: text, Summary: summary,
	})
}

// updateDocument changes a document. A model whose primary key is another one resets the syncs that use it:
// they send everything again, which the web app offers to replace by a reset without sending (M-07).
func (s *Server) updateDocument(ctx context.Context, k resource.Kind, slug string, w resource.Write) (resource.Document, error) {
	return s.Resources.Update(ctx, scope(ctx), k.Name, slug, w)
}

func (s *Server) listRuns(ctx context.Context, slug, cursor string, limit int, nonEmpty bool) (*body[page[RunBody]], error) {
	d, err := s.Resources.Get(ctx, scope(ctx), "sync", slug)
	if err != nil {
		return nil, err
	}
	before, err := offsetOf(cursor)
	if err != nil {
		return nil, err
	}
	runs, err := s.Runs.List(ctx, who(ctx).WorkspaceID, run.Filter{SyncID: d.ID, Before: int64(before), NonEmpty: nonEmpty, Limit: int64(limit) + 1})
	if err != nil {
		return nil, err
	}
	p := page[RunBody]{Items: []RunBody{}}
	for i, r := range runs {
		if i == limit {
			next := fmt.Sprint(p.Items[limit-1].ID)
			p.NextCursor = &next
			break
		}
		p.Items = append(p.Items, s.runBody(r))
	}
	p.Total = len(p.Items)
	return &body[page[RunBody]]{p}, nil
}

func (s *Server) suggestions(api huma.API) {
	type suggestion struct {
		To    string  `json:"to"`
		From  string  `json:"from"`
		Score float64 `json:"score"`
	}
	type suggestionList struct {
		Mappings []suggestion `json:"mappings" nullable:"false"`
	}
	register(s, api, op(http.MethodPost, "/api/syncs/suggest", "suggest-mappings", "Propose which column fills which field", nil), func(ctx context.Context, in *struct {
		Body struct {
			Model  string   `json:"model"`
			Fields []string `json:"fields"`
		}
	}) (*body[suggestionList], error) {
		d, err := s.Resources.Get(ctx, scope(ctx), "model", in.Body.Model)
		if err != nil {
			return nil, err
		}
		var columns []string
		for _, c := range d.Spec.(*model.Spec).Columns { //nolint:forcetypeassert // a model's spec
			columns = append(columns, c.Name)
		}
		a := suggestionList{Mappings: []suggestion{}}
		for _, m := range mapping.Suggest(columns, in.Body.Fields) {
			a.Mappings = append(a.Mappings, suggestion(m))
		}
		return &body[suggestionList]{a}, nil
	})
}

// RowBody is one row of a run.
type RowBody struct {
	Ordinal   int64                  `json:"ordinal"`
	Key       string                 `json:"key"`
	Operation string                 `json:"operation"`
	Status    string                 `json:"status"`
	Reason    string                 `json:"reason"`
	Values    map[string]value.Value `json:"values,omitempty"`
	Before    map[string]value.Value `json:"before,omitempty"`
}

func rowBody(r run.Row) RowBody {
	b := RowBody{Ordinal: r.Ordinal, Key: r.Key, Operation: string(r.Operation), Status: string(r.Status), Reason: r.Reason, Values: map[string]value.Value{}}
	for _, f := range r.Values {
		b.Values[f.Name] = f.Value
	}
	for _, f := range r.Before {
		if b.Before == nil {
			b.Before = map[string]value.Value{}
		}
		b.Before[f.Name] = f.Value
	}
	return b
}

type runInput struct {
	ID int64 `path:"id"`
}

// ExchangeBody is what was sent for a row, what came back, and the other rows of its batch.
type ExchangeBody struct {
	Exchanges []connector.Exchange `json:"exchanges" nullable:"false"`
	Rows      []RowBody            `json:"rows" nullable:"false"`
}

func (s *Server) runs(api huma.API) {
	register(s, api, op(http.MethodGet, "/api/runs/{id}", "get-run", "Read a run", nil), func(ctx context.Context, in *runInput) (*body[RunBody], error) {
		r, err := s.Runs.Get(ctx, who(ctx).WorkspaceID, in.ID)
		return &body[RunBody]{s.runBody(r)}, err
	})
	register(s, api, op(http.MethodPost, "/api/runs/{id}/cancel", "cancel-run", "Stop a run", nil), func(ctx context.Context, in *runInput) (*body[RunBody], error) {
		r, err := s.Runs.Cancel(ctx, who(ctx).WorkspaceID, in.ID)
		return &body[RunBody]{s.runBody(r)}, err
	})
	register(s, api, op(http.MethodGet, "/api/runs/{id}/rows", "list-run-rows", "List the rows of a run", nil), func(ctx context.Context, in *struct {
		ID        int64  `path:"id"`
		Status    string `query:"status" enum:"succeeded,failed,aborted,rejected,"`
		Operation string `query:"operation" enum:"added,changed,removed,"`
		Key       string `query:"key" doc:"exactly this primary key"`
		Cursor    string `query:"cursor"`
		Limit     int    `query:"limit" default:"50" minimum:"1" maximum:"500"`
	}) (*body[page[RowBody]], error) {
		rows, next, err := s.Engine.Rows(ctx, who(ctx).WorkspaceID, in.ID, run.RowQuery{
			Status: run.RowStatus(in.Status), Operation: connector.Operation(in.Operation), Key: in.Key, Cursor: in.Cursor, Limit: in.Limit,
		})
		p := page[RowBody]{Items: []RowBody{}, Total: len(rows)}
		for _, r := range rows {
			p.Items = append(p.Items, rowBody(r))
		}
		if next != "" {
			p.NextCursor = &next
		}
		return &body[page[RowBody]]{p}, err
	})
	register(s, api, op(http.MethodGet, "/api/runs/{id}/rows/{ordinal}/exchange", "get-exchange", "What was sent for a row and what came back", nil), func(ctx context.Context, in *struct {
		ID      int64 `path:"id"`
		Ordinal int64 `path:"ordinal"`
	}) (*body[ExchangeBody], error) {
		b, err := s.exchange(ctx, in.ID, in.Ordinal)
		return &body[ExchangeBody]{b}, err
	})
	s.usage(api)
}

func (s *Server) exchange(ctx context.Context, runID, ordinal int64) (ExchangeBody, error) {
	b := ExchangeBody{Exchanges: []connector.Exchange{}, Rows: []RowBody{}}
	entries, err := s.Engine.Exchanges(ctx, who(ctx).WorkspaceID, runID, ordinal)
	if err != nil || len(entries) == 0 {
		return b, err
	}
	for _, e := range entries {
		b.Exchanges = append(b.Exchanges, e.Exchanges...)
	}
	rows, err := s.Engine.Batch(ctx, who(ctx).WorkspaceID, runID, entries[len(entries)-1])
	for _, r := range rows {
		row := rowBody(r)
		row.Values, row.Before = nil, nil
		b.Rows = append(b.Rows, row)
	}
	return b, err
}

func (s *Server) usage(api huma.API) {
	type month struct {
		Month       string `json:"month"`
		ActiveSyncs int64  `json:"activeSyncs"`
		Operations  int64  `json:"operations"`
	}
	type usageByMonth struct {
		Months []month `json:"months" nullable:"false"`
	}
	register(s, api, op(http.MethodGet, "/api/usage", "get-usage", "Active syncs and operations by month, sample sources left out", nil), func(ctx context.Context, _ *struct{}) (*body[usageByMonth], error) {
		months, err := s.Runs.Usage(ctx, who(ctx).WorkspaceID)
		a := usageByMonth{Months: []month{}}
		for _, m := range months {
			a.Months = append(a.Months, month(m))
		}
		return &body[usageByMonth]{a}, err
	})
}

// eventEvery is how often the stream of events looks for changes. It reads the database, so that it sees the
// runs of every worker.
const eventEvery = 500 * time.Millisecond

// events streams the runs of the workspace as they change (server-sent events).
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	id, err := s.identity(r)
	if err != nil {
		f := s.failureOf(r.Context(), err)
		writeJSON(w, f.status, f)
		return
	}
	control := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	seen := map[int64]string{}
	t := time.NewTicker(eventEvery)
	defer t.Stop()
	for first := true; ; first = false {
		if err := s.sendChanges(w, r.Context(), id.WorkspaceID, seen, first); err != nil {
			return
		}
		if control.Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-t.C:
		}
	}
}

// sendChanges writes the runs that changed since the last look.
func (s *Server) sendChanges(w http.ResponseWriter, ctx context.Context, workspaceID int64, seen map[int64]string, first bool) error { //nolint:revive // the writer is what it is about
	runs, err := s.Runs.List(ctx, workspaceID, run.Filter{Limit: 50})
	if err != nil {
		return err
	}
	if first {
		if _, err := fmt.Fprint(w, ": connected\n\n"); err != nil {
			return err
		}
	}
	for i := len(runs) - 1; i >= 0; i-- {
		b := s.runBody(runs[i])
		b.DurationMs, b.RatePerSecond = 0, 0
		key, err := json.Marshal(b)
		if err != nil {
			return err
		}
		if seen[b.ID] == string(key) {
			continue
		}
		known := seen[b.ID] != "" || !first
		seen[b.ID] = string(key)
		if !known && runs[i].State.Ended() {
			continue
		}
		text, err := json.Marshal(s.runBody(runs[i]))
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "event: run\ndata: %s\n\n", text); err != nil {
			return err
		}
	}
	return nil
}
