package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/value"
)

// RowBody is one row of a run.
type RowBody struct {
	Ordinal   int64                  `json:"ordinal"`
	Key       string                 `json:"key"`
	Operation connector.Operation    `json:"operation"`
	Status    run.RowStatus          `json:"status"`
	Reason    string                 `json:"reason" doc:"why it did not arrive, in the destination's words"`
	Values    map[string]value.Value `json:"values,omitempty" doc:"absent among the rows of a batch"`
	Before    map[string]value.Value `json:"before,omitempty" doc:"of a changed row, where the destination asked for it"`
}

func rowBody(r run.Row) RowBody {
	b := RowBody{Ordinal: r.Ordinal, Key: r.Key, Operation: r.Operation, Status: r.Status, Reason: r.Reason, Values: map[string]value.Value{}}
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

// RowsPageBody is a page of a run's rows.
type RowsPageBody struct {
	Items      []RowBody `json:"items" nullable:"false"`
	NextCursor *string   `json:"nextCursor"`
	Total      int       `json:"total" doc:"of this page"`
	Columns    []string  `json:"columns" nullable:"false" doc:"the names of the values in the order of the mapping; none where the page has no rows"`
}

type rowInput struct {
	ID      int64 `path:"id"`
	Ordinal int64 `path:"ordinal"`
}

// RowsFilter says which rows of a run are wanted.
type RowsFilter struct {
	ID        int64               `path:"id"`
	Status    []run.RowStatus     `query:"status,explode" enum:"succeeded,failed,aborted,rejected,pending" doc:"any of them; rows whose key is not unique are rejected, and count as failed too"`
	Operation connector.Operation `query:"operation" enum:"added,changed,removed,"`
	Key       string              `query:"key" doc:"exactly this primary key"`
}

func (f RowsFilter) query() run.RowQuery {
	return run.RowQuery{Statuses: f.Status, Operation: f.Operation, Key: f.Key}
}

type rowsInput struct {
	RowsFilter

	Cursor string `query:"cursor"`
	Limit  int    `query:"limit" default:"50" minimum:"1" maximum:"500"`
}

// ExchangeBody is what was sent for a row, what came back, and the other rows of its batch.
type ExchangeBody struct {
	Exchanges []connector.Exchange `json:"exchanges" nullable:"false"`
	Rows      []RowBody            `json:"rows" nullable:"false"`
}

func (s *Server) rows(api huma.API) {
	register(s, api, op(http.MethodGet, "/api/runs/{id}/rows", "list-run-rows", "List the rows of a run", nil), func(ctx context.Context, in *rowsInput) (*body[RowsPageBody], error) {
		p, err := s.listRows(ctx, in)
		return &body[RowsPageBody]{p}, err
	})
	register(s, api, op(http.MethodGet, "/api/runs/{id}/rows/{ordinal}", "get-run-row", "Read a row of a run", nil), func(ctx context.Context, in *rowInput) (*body[OneRowBody], error) {
		r, err := s.Engine.Row(ctx, who(ctx).WorkspaceID, in.ID, in.Ordinal)
		if err != nil {
			return nil, err
		}
		columns, err := s.inOrder(ctx, in.ID, columnsOf(r))
		return &body[OneRowBody]{OneRowBody{RowBody: rowBody(r), Columns: columns}}, err
	})
	register(s, api, op(http.MethodGet, "/api/runs/{id}/rows/{ordinal}/exchange", "get-exchange", "What was sent for a row and what came back", nil), func(ctx context.Context, in *rowInput) (*body[ExchangeBody], error) {
		b, err := s.exchange(ctx, in.ID, in.Ordinal)
		return &body[ExchangeBody]{b}, err
	})
	s.exports(api)
}

// OneRowBody is a row of a run by itself.
type OneRowBody struct {
	RowBody

	Columns []string `json:"columns" nullable:"false" doc:"the names of the values in the order of the mapping"`
}

// columnsOf names a row's values.
func columnsOf(r run.Row) []string {
	names := make([]string, len(r.Values))
	for i, f := range r.Values {
		names[i] = f.Name
	}
	return names
}

func (s *Server) listRows(ctx context.Context, in *rowsInput) (RowsPageBody, error) {
	q := in.query()
	q.Cursor, q.Limit = in.Cursor, in.Limit
	rows, next, err := s.Engine.Rows(ctx, who(ctx).WorkspaceID, in.ID, q)
	p := RowsPageBody{Items: []RowBody{}, Total: len(rows), Columns: []string{}}
	if err != nil || len(rows) == 0 {
		return p, err
	}
	for _, r := range rows {
		p.Items = append(p.Items, rowBody(r))
	}
	if next != "" {
		p.NextCursor = &next
	}
	p.Columns, err = s.inOrder(ctx, in.ID, columnsOf(rows[0]))
	return p, err
}

// inOrder returns the columns of a run's rows in the order in which the sync's mapping uses them. Those that only
// templates use come last, as the model has them.
func (s *Server) inOrder(ctx context.Context, runID int64, columns []string) ([]string, error) {
	r, err := s.Runs.Get(ctx, who(ctx).WorkspaceID, runID)
	if err != nil {
		return nil, err
	}
	d, err := s.Resources.GetByID(ctx, scope(ctx), "sync", r.SyncID)
	if fault.Is(err, fault.CodeNotFound) {
		return columns, nil // the sync is gone
	}
	if err != nil {
		return nil, err
	}
	used := mappedColumns(d.Spec.(*sync.Spec).Mappings) //nolint:forcetypeassert // a sync's spec
	ordered := slices.DeleteFunc(slices.Concat(used, columns), func(name string) bool { return !slices.Contains(columns, name) })
	return unique(ordered), nil
}

// mappedColumns names the columns that fill fields, in the order of the mappings.
func mappedColumns(mappings []sync.Mapping) []string {
	var names []string
	for _, m := range mappings {
		if m.From != "" {
			names = append(names, m.From)
		}
		names = append(names, mappedColumns(m.Fields)...)
	}
	return names
}

// unique drops the names that were there before.
func unique(names []string) []string {
	seen := make(map[string]bool, len(names))
	return slices.DeleteFunc(names, func(name string) bool {
		again := seen[name]
		seen[name] = true
		return again
	})
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
