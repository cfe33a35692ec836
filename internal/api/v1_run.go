package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/resource"
)

// v1Run is a run with exactly the fields of the contract.
func v1Run(r run.Run) map[string]any {
	counts := func(c run.OpCounts) map[string]int64 {
		return map[string]int64{"addedCount": c.Added, "changedCount": c.Changed, "removedCount": c.Removed}
	}
	failed := r.Counts.Failed
	if r.State == run.Committed { // every planned row is accounted for at the end
		a := r.Counts.Aborted
		failed = run.OpCounts{Added: failed.Added + a.Added, Changed: failed.Changed + a.Changed, Removed: failed.Removed + a.Removed}
	}
	b := map[string]any{
		"id": r.ID, "createdAt": stamp(r.CreatedAt), "startedAt": stamp(r.CreatedAt), "finishedAt": optionalStamp(r.FinishedAt), "querySize": r.Counts.Read,
		"status": r.Words().REST, "completionRatio": r.Progress(), "plannedRows": counts(r.Counts.Planned),
		"successfulRows": counts(r.Counts.Succeeded), "failedRows": counts(failed), "error": nil,
	}
	if !r.StartedAt.IsZero() {
		b["startedAt"] = stamp(r.StartedAt)
	}
	if r.State == run.Failed && r.Failure != nil {
		b["error"] = r.Failure.Message
	}
	return b
}

func (s *Server) v1Runs(ctx context.Context, r *http.Request) (any, error) {
	id, err := pathID(r)
	if err != nil {
		return nil, err
	}
	if _, err := s.Resources.GetByID(ctx, scope(ctx), "sync", id); err != nil {
		return nil, err
	}
	q := r.URL.Query()
	offset, limit := window(q)
	f := run.Filter{SyncID: id, Offset: int64(offset), Limit: int64(limit) + 1, OrderBy: q.Get("orderBy")}
	if text := q.Get("runId"); text != "" {
		if f.RunID, _ = number(text); f.RunID == 0 {
			return v1Page{Data: []any{}}, nil // no run has such a number
		}
	}
	if f.Since, f.Until, err = span(q); err != nil {
		return nil, err
	}
	if n, ok := number(q.Get("within")); ok {
		f.Since = s.Clock.Now().Add(-time.Duration(n) * time.Minute)
	}
	runs, err := s.Runs.List(ctx, who(ctx).WorkspaceID, f)
	if err != nil {
		return nil, err
	}
	p := v1Page{Data: []any{}}
	for i, one := range runs {
		if i == limit {
			p.HasMore = true
			break
		}
		p.Data = append(p.Data, v1Run(one))
	}
	return p, nil
}

func (s *Server) v1TriggerByID(ctx context.Context, r *http.Request) (any, error) {
	id, err := pathID(r)
	if err != nil {
		return nil, err
	}
	f, err := readBody(r)
	if err != nil {
		return nil, err
	}
	d, err := s.Resources.GetByID(ctx, scope(ctx), "sync", id)
	if err != nil {
		return nil, err
	}
	return s.v1Start(ctx, d, f)
}

func (s *Server) v1Trigger(ctx context.Context, r *http.Request) (any, error) {
	f, err := readBody(r)
	if err != nil {
		return nil, err
	}
	if id, ok := number(f["syncId"]); ok {
		d, err := s.Resources.GetByID(ctx, scope(ctx), "sync", id)
		if err != nil {
			return nil, err
		}
		return s.v1Start(ctx, d, f)
	}
	slug := f.text("syncSlug")
	if slug == "" {
		return nil, fault.New(fault.CodeRequired, "send syncId or syncSlug").WithPath("syncId")
	}
	d, err := s.Resources.Get(ctx, scope(ctx), "sync", slug)
	if fault.Is(err, fault.CodeNotFound) {
		return nil, fault.New(fault.CodeInvalid, "there is no sync %q", slug).WithPath("syncSlug")
	}
	if err != nil {
		return nil, err
	}
	return s.v1Start(ctx, d, f)
}

func (s *Server) v1Start(ctx context.Context, d resource.Document, f fields) (any, error) {
	o := run.Options{FullResync: boolean(f["fullResync"]), ResetCDC: boolean(f["resetCDC"]), ClearAndFill: boolean(f["clearAndFill"])}
	r, err := s.trigger(ctx, d, run.TriggerAPI, o)
	return map[string]string{"id": strconv.FormatInt(r.ID, 10)}, err
}
