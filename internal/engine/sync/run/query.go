package run

import (
	"context"
	"fmt"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/db"
	"github.com/uptrace/bun"
)

// Latest returns the newest run of a sync, nil when it never ran.
func (s *Store) Latest(ctx context.Context, workspaceID, syncID int64) (*Run, error) {
	runs, err := s.List(ctx, workspaceID, Filter{SyncID: syncID, Limit: 1})
	if err != nil || len(runs) == 0 {
		return nil, err
	}
	return &runs[0], nil
}

// LastSize returns how many rows the newest run of any sync of a model read; nil when there was none.
func (s *Store) LastSize(ctx context.Context, workspaceID int64, modelSlug string) (*int64, error) {
	var rows []runRow
	err := s.db.NewSelect().Model(&rows).Where("r.workspace_id = ?", workspaceID).Where("r.state = ?", string(Committed)).
		Where("r.sync_id IN (SELECT from_id FROM document_refs WHERE to_kind = 'model' AND to_slug = ? AND workspace_id = ?)", modelSlug, workspaceID).
		Order("id DESC").Limit(1).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the size of the model %q: %w", modelSlug, err)
	}
	if len(rows) == 0 {
		return nil, nil //nolint:nilnil // it never ran
	}
	r, err := rows[0].run()
	return &r.Counts.Read, err
}

// MonthUsage is what was used in one month (P-01, P-04).
type MonthUsage struct {
	Month       string // 2026-11
	ActiveSyncs int64
	Operations  int64
}

// Usage returns the usage of a workspace, the newest month first.
func (s *Store) Usage(ctx context.Context, workspaceID int64) ([]MonthUsage, error) {
	var months []MonthUsage
	err := s.db.NewRaw(`SELECT u.month, count(*) AS active_syncs, coalesce(max(o.operations), 0) AS operations
		FROM usage_syncs u LEFT JOIN usage_operations o ON o.workspace_id = u.workspace_id AND o.month = u.month
		WHERE u.workspace_id = ? GROUP BY u.month ORDER BY u.month DESC`, workspaceID).Scan(ctx, &months)
	if err != nil {
		return nil, fmt.Errorf("reading usage: %w", err)
	}
	return months, nil
}

// Standing is how a sync stands between its runs.
type Standing struct {
	Active  int64     // the run that a worker has; 0 means none
	Waiting int64     // the run that waits for a worker, or for the active one; 0 means none
	Last    time.Time // when the newest run ended, or was made where it has not; zero means never
}

// Standing tells how a sync stands. With a transaction nothing changes before its end.
func (s *Store) Standing(ctx context.Context, tx bun.Tx, workspaceID, syncID int64) (Standing, error) {
	st, err := s.lockState(ctx, tx, workspaceID, syncID)
	if err != nil {
		return Standing{}, err
	}
	var rows []runRow
	err = tx.NewSelect().Model(&rows).Where("workspace_id = ?", workspaceID).Where("sync_id = ?", syncID).Order("id DESC").Limit(2).Scan(ctx)
	if err != nil {
		return Standing{}, fmt.Errorf("reading the newest runs of sync %d: %w", syncID, err)
	}
	out := Standing{Active: st.ActiveRunID}
	for i, row := range rows {
		if i == 0 {
			out.Last = clock.FromMillis(max(row.CreatedAt, row.FinishedAt))
		}
		if State(row.State) == Queued && row.ID != st.ActiveRunID {
			out.Waiting = row.ID
		}
	}
	return out, nil
}

// Continuation returns the run that goes on where an interrupted one stopped: the sync's next one.
func (s *Store) Continuation(ctx context.Context, idb bun.IDB, r Run) (next Run, found bool, err error) {
	var rows []runRow
	err = idb.NewSelect().Model(&rows).Where("workspace_id = ?", r.WorkspaceID).Where("sync_id = ?", r.SyncID).
		Where("id > ?", r.ID).Order("id").Limit(1).Scan(ctx)
	if err != nil || len(rows) == 0 {
		return Run{}, false, db.Explain(err)
	}
	next, err = rows[0].run()
	return next, err == nil, err
}

// Members counts the rows with a key that a sync's model had in its newest run that succeeded; ok is false where none
// did.
func (s *Store) Members(ctx context.Context, workspaceID, syncID int64) (n int64, ok bool, err error) {
	runs, err := s.some(ctx, workspaceID, syncID, []State{Committed}, func(q *bun.SelectQuery) { q.Order("id DESC").Limit(1) })
	if err != nil || len(runs) == 0 {
		return 0, false, err
	}
	return runs[0].Counts.Read - runs[0].Counts.NullKeys, true, nil
}
