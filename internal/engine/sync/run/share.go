package run

import (
	"context"
	"fmt"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/uptrace/bun"
)

// A workspace may have a number of runs at a time, over all processes (S-91): its warehouse takes so many queries, and
// other workspaces want workers too. A run that finds its workspace full stays queued. The end of another one wakes it,
// and Reap where that was lost.

// full reports whether a run that would start has to wait for another one of its workspace.
func (s *Store) full(ctx context.Context, tx bun.Tx, r Run, now time.Time) (bool, error) {
	if s.WorkspaceRuns == 0 {
		return false, nil
	}
	if s.db.IsPostgres() { // two workers that count at the same time would both find room; no other lock is waited for under this one
		if _, err := tx.NewRaw("SELECT pg_advisory_xact_lock(hashtextextended('millrace runs of a workspace', ?))", r.WorkspaceID).Exec(ctx); err != nil {
			return false, fmt.Errorf("counting the runs of workspace %d: %w", r.WorkspaceID, err)
		}
	}
	n, err := tx.NewSelect().Table("sync_runs").Where("workspace_id = ?", r.WorkspaceID).Where("finished_at = 0").
		Where("lease_until > ?", clock.Millis(now)).Where("id <> ?", r.ID).Count(ctx)
	if err != nil {
		return false, fmt.Errorf("counting the runs of workspace %d: %w", r.WorkspaceID, err)
	}
	return int(n) >= s.WorkspaceRuns, nil
}

// wakeShare wakes the run of the workspace that has waited longest, whose place there is now.
func (x *execution) wakeShare(ctx context.Context, tx bun.Tx) error {
	if x.Store.WorkspaceRuns == 0 {
		return nil
	}
	r := x.lease.run
	var ids []int64
	err := tx.NewSelect().TableExpr("sync_runs AS r").ColumnExpr("r.id").Join("JOIN sync_state AS s ON s.sync_id = r.sync_id").
		Where("r.workspace_id = ?", r.WorkspaceID).Where("r.state = ?", string(Queued)).Where("s.active_run_id = 0").Where("r.sync_id <> ?", r.SyncID).
		Order("r.id").Limit(1).Scan(ctx, &ids)
	if err != nil {
		return fmt.Errorf("looking for a run that waits in workspace %d: %w", r.WorkspaceID, err)
	}
	for _, id := range ids {
		if err := x.Enqueuer.Enqueue(ctx, tx, id); err != nil {
			return err
		}
	}
	return nil
}
