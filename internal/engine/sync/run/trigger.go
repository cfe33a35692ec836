package run

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/fault"
	"github.com/uptrace/bun"
)

// Enqueuer wakes a worker for a run, in the transaction that made it ready.
type Enqueuer interface {
	Enqueue(ctx context.Context, tx bun.Tx, runID int64) error
}

// Request asks for a run of a sync.
type Request struct {
	WorkspaceID int64
	SyncID      int64
	SyncSlug    string
	Trigger     string
	Options     Options
}

// Trigger makes a run, or returns the one that waits already with the options of both: while a run is
// active, one more may wait for it. The run is visible when Trigger returns.
func (s *Store) Trigger(ctx context.Context, q Request, enqueue Enqueuer) (Run, error) {
	if q.Options.contradict() {
		return Run{}, fault.New(fault.CodeInvalid, "a run cannot send every row, as a full resync and clear and fill do, and be a CDC reset at once")
	}
	var r Run
	err := s.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		r, err = s.TriggerIn(ctx, tx, q, enqueue)
		return err
	})
	return r, err
}

// TriggerIn is Trigger within a transaction.
func (s *Store) TriggerIn(ctx context.Context, tx bun.Tx, q Request, enqueue Enqueuer) (Run, error) {
	if _, err := s.lockState(ctx, tx, q.WorkspaceID, q.SyncID); err != nil {
		return Run{}, err
	}
	r, found, err := s.waiting(ctx, tx, q.SyncID)
	if err != nil {
		return r, err
	}
	if found {
		return r, s.widen(ctx, tx, &r, q.Options)
	}
	if r, err = s.insert(ctx, tx, q); err != nil {
		return r, err
	}
	return r, enqueue.Enqueue(ctx, tx, r.ID)
}

// waiting returns the sync's queued run.
func (s *Store) waiting(ctx context.Context, tx bun.Tx, syncID int64) (Run, bool, error) {
	var row runRow
	err := tx.NewSelect().Model(&row).Where("sync_id = ?", syncID).Where("state = ?", string(Queued)).
		Order("id").Limit(1).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Run{}, false, nil
	}
	if err != nil {
		return Run{}, false, fmt.Errorf("looking for a waiting run of sync %d: %w", syncID, err)
	}
	r, err := row.run()
	return r, err == nil, err
}

// widen adds the options of a further trigger to a waiting run.
func (s *Store) widen(ctx context.Context, tx bun.Tx, r *Run, o Options) error {
	merged := r.Options.merge(o)
	if merged == r.Options {
		return nil
	}
	if merged.contradict() {
		return fault.New(fault.CodeConflict, "run %d, which waits to start, was asked for a full resync, a CDC reset or clear and fill already", r.ID).
			WithSuggestion("Cancel run %d first.", r.ID)
	}
	r.Options = merged
	b, err := json.Marshal(merged)
	if err != nil {
		return fmt.Errorf("encoding the options of run %d: %w", r.ID, err)
	}
	if _, err := tx.NewUpdate().Table("sync_runs").Set("options = ?", string(b)).Where("id = ?", r.ID).Exec(ctx); err != nil {
		return fmt.Errorf("changing run %d: %w", r.ID, err)
	}
	return nil
}

func (s *Store) insert(ctx context.Context, tx bun.Tx, q Request) (Run, error) {
	id, err := s.db.NextID(ctx, tx)
	if err != nil {
		return Run{}, fmt.Errorf("numbering a run: %w", err)
	}
	r := Run{
		ID: id, WorkspaceID: q.WorkspaceID, SyncID: q.SyncID, SyncSlug: q.SyncSlug, Trigger: q.Trigger,
		Options: q.Options, State: Queued, CreatedAt: s.clock.Now(),
	}
	row, err := toRow(r)
	if err != nil {
		return Run{}, err
	}
	if _, err := tx.NewInsert().Model(row).Exec(ctx); err != nil {
		return Run{}, fmt.Errorf("making a run of sync %d: %w", q.SyncID, err)
	}
	return r, nil
}

// Cancel asks a run to stop. A waiting run is cancelled at once; an active one finishes the batches in
// flight, settles them, and ends as cancelled; one that is over stays as it is.
func (s *Store) Cancel(ctx context.Context, workspaceID, runID int64) (Run, error) {
	var r Run
	err := s.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		r, err = s.CancelIn(ctx, tx, workspaceID, runID)
		return err
	})
	return r, err
}

// CancelIn is Cancel within a transaction.
func (s *Store) CancelIn(ctx context.Context, tx bun.Tx, workspaceID, runID int64) (Run, error) {
	_, err := tx.NewUpdate().Table("sync_runs").Set("cancel_requested = ?", true).
		Where("id = ?", runID).Where("workspace_id = ?", workspaceID).Exec(ctx)
	if err != nil {
		return Run{}, fmt.Errorf("cancelling run %d: %w", runID, err)
	}
	res, err := tx.NewUpdate().Table("sync_runs").Set("state = ?", string(Cancelled)).Set("status = ?", "cancelled").
		Set("finished_at = ?", clock.Millis(s.clock.Now())).
		Where("id = ?", runID).Where("workspace_id = ?", workspaceID).Where("state = ?", string(Queued)).
		Where("NOT EXISTS (SELECT 1 FROM sync_state WHERE active_run_id = ?)", runID). // a worker has it, or had: it ends the run
		Exec(ctx)
	if err != nil {
		return Run{}, fmt.Errorf("cancelling run %d: %w", runID, err)
	}
	r, err := s.GetIn(ctx, tx, workspaceID, runID)
	if err != nil {
		return r, err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return r, err
	}
	return r, s.tellEnd(ctx, tx, r)
}

// Reset notes what the next run of a sync must do because its model's primary key is another one now
// (M-07): send everything again, or take the model as it is for synced.
func (s *Store) Reset(ctx context.Context, workspaceID, syncID int64, backfill bool) error {
	return s.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		return s.reset(ctx, tx, workspaceID, syncID, backfill)
	})
}

func (s *Store) reset(ctx context.Context, tx bun.Tx, workspaceID, syncID int64, backfill bool) error {
	reset := resetSkip
	if backfill {
		reset = resetFull
	}
	st, err := s.lockState(ctx, tx, workspaceID, syncID)
	if err != nil {
		return err
	}
	if st.PendingReset == resetClear && backfill { // which sends every row as well
		return nil
	}
	_, err = tx.NewUpdate().Table("sync_state").Set("pending_reset = ?", reset).
		Where("sync_id = ?", syncID).Where("workspace_id = ?", workspaceID).Exec(ctx)
	if err != nil {
		return fmt.Errorf("noting the reset of sync %d: %w", syncID, err)
	}
	return nil
}

// What sync_state.pending_reset says.
const (
	resetFull  = "full"
	resetSkip  = "skip"
	resetClear = "clear" // the destination is to be emptied, or was in part
)
