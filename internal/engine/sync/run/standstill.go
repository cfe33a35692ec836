package run

import (
	"context"
	"fmt"

	"github.com/millrace/millrace/internal/clock"
	"github.com/uptrace/bun"
)

// Pause keeps the syncs of a workspace from starting until Resume. Runs under way go on, and are settled; what is
// triggered meanwhile waits. When the transaction is committed, every run that was not kept from starting shows in
// Drain.
func (s *Store) Pause(ctx context.Context, tx bun.Tx, workspaceID int64, reason string) error {
	if err := s.lockWorkspace(ctx, tx, workspaceID, "UPDATE"); err != nil {
		return err
	}
	_, err := tx.NewRaw(`INSERT INTO sync_pauses (workspace_id, reason, since) VALUES (?, ?, ?) ON CONFLICT (workspace_id) DO NOTHING`,
		workspaceID, reason, clock.Millis(s.clock.Now())).Exec(ctx)
	if err != nil {
		return fmt.Errorf("pausing the syncs of workspace %d: %w", workspaceID, err)
	}
	return nil
}

// lockWorkspace orders the start of runs (SHARE) and a pause (UPDATE). SQLite has one writer.
func (s *Store) lockWorkspace(ctx context.Context, tx bun.Tx, workspaceID int64, strength string) error {
	if !s.db.IsPostgres() {
		return nil
	}
	if _, err := tx.NewSelect().Table("workspaces").Column("id").Where("id = ?", workspaceID).For(strength).Exec(ctx); err != nil {
		return fmt.Errorf("locking workspace %d: %w", workspaceID, err)
	}
	return nil
}

// paused reports whether the syncs of a workspace may not start. It holds a pause back until the transaction ends.
func (s *Store) paused(ctx context.Context, tx bun.Tx, workspaceID int64) (bool, error) {
	if err := s.lockWorkspace(ctx, tx, workspaceID, "SHARE"); err != nil {
		return false, err
	}
	found, err := tx.NewSelect().Table("sync_pauses").Where("workspace_id = ?", workspaceID).Exists(ctx)
	if err != nil {
		return false, fmt.Errorf("looking for a pause of workspace %d: %w", workspaceID, err)
	}
	return found, nil
}

// Resume ends a pause and wakes workers for the runs that waited.
func (s *Store) Resume(ctx context.Context, tx bun.Tx, workspaceID int64, enqueue Enqueuer) error {
	if _, err := tx.NewDelete().Table("sync_pauses").Where("workspace_id = ?", workspaceID).Exec(ctx); err != nil {
		return fmt.Errorf("resuming the syncs of workspace %d: %w", workspaceID, err)
	}
	var ids []int64
	err := tx.NewSelect().TableExpr("sync_runs AS r").ColumnExpr("r.id").Join("JOIN sync_state AS s ON s.sync_id = r.sync_id").
		Where("r.workspace_id = ?", workspaceID).Where("r.state = ?", string(Queued)).Where("s.active_run_id = 0").Scan(ctx, &ids)
	if err != nil {
		return fmt.Errorf("looking for waiting runs: %w", err)
	}
	for _, id := range ids {
		if err := enqueue.Enqueue(ctx, tx, id); err != nil {
			return err
		}
	}
	return nil
}

// Drain returns how many runs of a workspace are under way or still to be settled. With abandon, those whose worker
// is gone are ended as they are: for when the storage is lost that they would have to be settled from. What their
// syncs had sent is then not known any more, so that these stop and ask.
func (s *Store) Drain(ctx context.Context, workspaceID int64, abandon bool) (int, error) {
	var active []struct {
		SyncID      int64 `bun:"sync_id"`
		ActiveRunID int64 `bun:"active_run_id"`
	}
	err := s.db.NewSelect().Table("sync_state").Column("sync_id", "active_run_id").Where("workspace_id = ?", workspaceID).
		Where("active_run_id <> 0").Scan(ctx, &active)
	if err != nil {
		return 0, fmt.Errorf("looking for runs of workspace %d: %w", workspaceID, err)
	}
	left := len(active)
	if !abandon {
		return left, nil
	}
	for _, a := range active {
		ended, err := s.abandon(ctx, workspaceID, a.SyncID, a.ActiveRunID)
		if err != nil {
			return left, err
		}
		if ended {
			left--
		}
	}
	return left, nil
}

// abandon ends a run whose lease is over without settling it.
func (s *Store) abandon(ctx context.Context, workspaceID, syncID, runID int64) (ended bool, err error) {
	err = s.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		ended = false
		st, err := s.lockState(ctx, tx, workspaceID, syncID)
		if err != nil {
			return err
		}
		var row runRow
		if err := tx.NewSelect().Model(&row).Where("id = ?", runID).Scan(ctx); err != nil {
			return fmt.Errorf("reading run %d: %w", runID, err)
		}
		now := s.clock.Now()
		if st.ActiveRunID != runID || row.LeaseUntil > clock.Millis(now) {
			return nil
		}
		r, err := row.run()
		if err != nil {
			return err
		}
		r.State, r.FinishedAt, r.Failure, r.Counts = Failed, now, failureOf(errLost), r.Counts.ended()
		if err := s.update(ctx, tx, r); err != nil {
			return err
		}
		if err := dropJournal(ctx, tx, runID); err != nil {
			return err
		}
		lost, err := markLost(st.Baseline)
		if err != nil {
			return err
		}
		_, err = tx.NewUpdate().Table("sync_state").Set("active_run_id = 0").Set("epoch = epoch + 1").
			Set("updated_at = ?", clock.Millis(now)).Set("baseline = ?", lost).Where("sync_id = ?", syncID).Exec(ctx)
		if err != nil {
			return fmt.Errorf("giving up run %d: %w", runID, err)
		}
		ended = true
		return s.tellEnd(ctx, tx, r)
	})
	return ended, err
}
