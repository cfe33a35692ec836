package run

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/uptrace/bun"
)

// The states of runs that are over, and of those that tell something about the sync: one that a person cancelled, or
// that the end of the process interrupted, is neither a success nor a failure.
var (
	over    = []State{Committed, Failed, Cancelled, Interrupted}
	telling = []State{Committed, Failed}
	open    = []State{Queued, Querying, Planning, Delivering, Settling}
)

// Telling reports whether a run in this state tells how its sync does.
func (s State) Telling() bool { return slices.Contains(telling, s) }

// EndedAfter lists the runs of a sync that are over and were made after a run, the oldest first.
func (s *Store) EndedAfter(ctx context.Context, workspaceID, syncID, runID int64, limit int) ([]Run, error) {
	return s.some(ctx, workspaceID, syncID, over, func(q *bun.SelectQuery) { q.Where("id > ?", runID).Order("id").Limit(int64(limit)) })
}

// Open lists the runs of a sync that are not over.
func (s *Store) Open(ctx context.Context, workspaceID, syncID int64) ([]Run, error) {
	return s.some(ctx, workspaceID, syncID, open, func(q *bun.SelectQuery) { q.Order("id") })
}

// LastTelling returns the newest run of a sync that succeeded or failed; ok is false when there is none.
func (s *Store) LastTelling(ctx context.Context, workspaceID, syncID int64) (r Run, ok bool, err error) {
	runs, err := s.some(ctx, workspaceID, syncID, telling, func(q *bun.SelectQuery) { q.Order("id DESC").Limit(1) })
	if err != nil || len(runs) == 0 {
		return Run{}, false, err
	}
	return runs[0], true, nil
}

func (s *Store) some(ctx context.Context, workspaceID, syncID int64, states []State, narrow func(*bun.SelectQuery)) ([]Run, error) {
	var rows []runRow
	q := s.db.NewSelect().Model(&rows).Where("workspace_id = ?", workspaceID).Where("sync_id = ?", syncID).Where("state IN (?)", bun.List(states))
	narrow(q)
	if err := q.Scan(ctx); err != nil {
		return nil, fmt.Errorf("reading runs of sync %d: %w", syncID, err)
	}
	return runsOf(rows)
}

// FailedInRow counts the runs up to one that failed without a success between them. Runs that tell nothing are passed
// over.
func (s *Store) FailedInRow(ctx context.Context, workspaceID, syncID, upTo int64) (int, error) {
	var last int64 // the newest success
	err := s.db.NewSelect().Table("sync_runs").ColumnExpr("coalesce(max(id), 0)").Where("workspace_id = ?", workspaceID).Where("sync_id = ?", syncID).
		Where("state = ?", string(Committed)).Where("id <= ?", upTo).Scan(ctx, &last)
	if err != nil {
		return 0, fmt.Errorf("looking for the last success of sync %d: %w", syncID, err)
	}
	n, err := s.db.NewSelect().Table("sync_runs").Where("workspace_id = ?", workspaceID).Where("sync_id = ?", syncID).
		Where("state = ?", string(Failed)).Where("id > ?", last).Where("id <= ?", upTo).Count(ctx)
	if err != nil {
		return 0, fmt.Errorf("counting the failures of sync %d: %w", syncID, err)
	}
	return int(n), nil
}

// Arrived counts the rows of a sync that arrived since a time, over all operations and all runs, those under way
// included.
func (s *Store) Arrived(ctx context.Context, workspaceID, syncID int64, since time.Time) (int64, error) {
	var n int64
	err := s.db.NewSelect().Table("sync_runs").ColumnExpr("CAST(coalesce(sum(sent), 0) AS BIGINT)").Where("workspace_id = ?", workspaceID).Where("sync_id = ?", syncID).
		Where("(finished_at = 0 OR finished_at >= ?)", clock.Millis(since)).Scan(ctx, &n)
	if err != nil {
		return 0, fmt.Errorf("counting the rows of sync %d that arrived: %w", syncID, err)
	}
	return n, nil
}

// Located names a sync and its workspace.
type Located struct {
	SyncID      int64
	WorkspaceID int64
}

// Activity is what a sync did last.
type Activity struct {
	Located

	LastRun int64 // the newest run that a worker took
	Busy    bool  // a run waits or is under way
}

// Activities lists every sync that ever ran or waits to, in all workspaces.
func (s *Store) Activities(ctx context.Context) ([]Activity, error) {
	var busy []int64
	if err := s.db.NewSelect().Table("sync_runs").ColumnExpr("DISTINCT sync_id").Where("state IN (?)", bun.List(open)).Scan(ctx, &busy); err != nil {
		return nil, fmt.Errorf("looking for runs under way: %w", err)
	}
	var rows []syncState
	if err := s.db.NewSelect().Model(&rows).Column("sync_id", "workspace_id", "last_run_id").Scan(ctx); err != nil {
		return nil, fmt.Errorf("reading what syncs do: %w", err)
	}
	all := make([]Activity, len(rows))
	for i, r := range rows {
		all[i] = Activity{Located: Located{SyncID: r.SyncID, WorkspaceID: r.WorkspaceID}, LastRun: r.LastRunID, Busy: slices.Contains(busy, r.SyncID)}
	}
	return all, nil
}

// Syncs lists every sync, in all workspaces.
func (s *Store) Syncs(ctx context.Context) ([]Located, error) {
	var all []Located
	err := s.db.NewSelect().Table("documents").ColumnExpr("id AS sync_id, workspace_id").Where("kind = 'sync'").Order("id").Scan(ctx, &all)
	if err != nil {
		return nil, fmt.Errorf("listing syncs: %w", err)
	}
	return all, nil
}
