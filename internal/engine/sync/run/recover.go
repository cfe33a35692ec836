package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/delivery"
	"github.com/millrace/millrace/internal/fault"
	"github.com/uptrace/bun"
)

// Reap recovers runs whose worker is gone: their lease is over, or own says that every lease is this
// process's own from an earlier life (a database with a single process). What they sent is settled
// (R4), they end as interrupted, and a run that continues them is queued. It also wakes workers for waiting
// runs that nothing woke, and for those whose pause is over. It returns how many runs it recovered.
func (e *Engine) Reap(ctx context.Context, own bool) (int, error) {
	abandoned, err := e.Store.abandoned(ctx, own)
	if err != nil {
		return 0, err
	}
	recovered := 0
	for _, id := range abandoned {
		ok, err := e.recover(ctx, id, own)
		if err != nil {
			return recovered, err
		}
		if ok {
			recovered++
		}
	}
	if err := e.wakeIdle(ctx); err != nil {
		return recovered, err
	}
	return recovered, e.wakePaused(ctx)
}

// abandoned lists runs that are under way under a lease that is over.
func (s *Store) abandoned(ctx context.Context, own bool) ([]int64, error) {
	var ids []int64
	q := s.db.NewSelect().Table("sync_runs").Column("id").
		Where("state IN (?)", bun.List([]State{Querying, Planning, Delivering, Settling})).Where("resume_at = 0").Order("id")
	if !own {
		q.Where("lease_until < ?", clock.Millis(s.clock.Now()))
	}
	if err := q.Scan(ctx, &ids); err != nil {
		return nil, fmt.Errorf("looking for abandoned runs: %w", err)
	}
	started, err := s.startedOnly(ctx, own)
	return append(ids, started...), err
}

// startedOnly lists runs that a worker took and lost before their first step.
func (s *Store) startedOnly(ctx context.Context, own bool) ([]int64, error) {
	var ids []int64
	q := s.db.NewSelect().TableExpr("sync_runs AS r").ColumnExpr("r.id").
		Join("JOIN sync_state AS s ON s.active_run_id = r.id").Where("r.state = ?", string(Queued))
	if !own {
		q.Where("r.lease_until < ?", clock.Millis(s.clock.Now()))
	}
	if err := q.Scan(ctx, &ids); err != nil {
		return nil, fmt.Errorf("looking for abandoned runs: %w", err)
	}
	return ids, nil
}

// wakeIdle wakes a worker for the waiting runs of syncs that nothing holds.
func (e *Engine) wakeIdle(ctx context.Context) error {
	return e.Store.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		var ids []int64
		err := tx.NewSelect().TableExpr("sync_runs AS r").ColumnExpr("r.id").
			Join("JOIN sync_state AS s ON s.sync_id = r.sync_id").
			Where("r.state = ?", string(Queued)).Where("s.active_run_id = 0").
			Where("NOT EXISTS (SELECT 1 FROM sync_pauses AS p WHERE p.workspace_id = r.workspace_id)").Scan(ctx, &ids)
		if err != nil {
			return fmt.Errorf("looking for waiting runs: %w", err)
		}
		for _, id := range ids {
			if err := e.Enqueuer.Enqueue(ctx, tx, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// recover takes an abandoned run over, settles it and ends it.
func (e *Engine) recover(ctx context.Context, runID int64, own bool) (bool, error) {
	l, ok, err := e.Store.acquire(ctx, runID, e.Owner, func(r Run, st syncState, leased bool) bool {
		return !r.State.Ended() && st.ActiveRunID == r.ID && (own || !leased) && !e.executing(r.ID)
	})
	if err != nil || !ok {
		return false, err
	}
	x, err := e.newExecution(ctx, l)
	if err != nil {
		return false, err
	}
	defer x.close()
	x.log.Info("settling a run that was interrupted")
	if e.Results != nil && l.run.State == Querying {
		x.clearResults()
	}
	w := &work{}
	defer x.closeWork(w)
	next, err := x.resettle(w)
	if fault.Is(err, fault.CodeRunBaseline) || fault.Is(err, fault.CodeNotFound) {
		return true, x.commit(w, Failed, err, nil) // what it compared with is gone: a person must decide
	}
	if err != nil {
		return false, x.afterFailedSettling(err)
	}
	end := Interrupted
	if l.cancelled { // a person asked for it, and nobody was there to hear
		end = Cancelled
	}
	return true, x.commit(w, end, nil, next)
}

func (e *Engine) executing(runID int64) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, here := e.active[runID]
	return here
}

// resettle folds the journal of a run into its baseline. A run that kept no plan sent nothing.
func (x *execution) resettle(w *work) (*baseline, error) {
	p := x.lease.run.Pinned
	var err error
	if w.state, err = x.Store.state(x.ctx, x.Store.db, x.lease.run.SyncID); err != nil {
		return nil, err
	}
	if err := x.pinned(w); err != nil {
		return nil, err
	}
	w.planner = x.planner(w)
	if p.Plan == nil {
		return nil, nil //nolint:nilnil // nothing to settle
	}
	if err := x.restore(w, p); err != nil {
		return nil, err
	}
	if err := x.Store.replay(x.ctx, x.lease.run.ID, w.ledger); err != nil {
		return nil, err
	}
	if err := x.ask(w, p); err != nil {
		return nil, err
	}
	w.rules.everyRow = p.EveryRow
	return x.settle(w)
}

// pinned reads the documents for what the conclusion of a run needs of them. One that was deleted
// meanwhile is no obstacle.
func (x *execution) pinned(w *work) error {
	b, err := x.Documents.Bundle(x.ctx, x.lease.run.WorkspaceID, x.lease.run.SyncID)
	if fault.Is(err, fault.CodeNotFound) {
		return nil
	}
	w.bundle = b.expanded()
	return err
}

// restore fetches the plan and the staged rows.
func (x *execution) restore(w *work, p Pinned) error {
	var m manifest
	if err := json.Unmarshal(p.Plan.Manifest, &m); err != nil {
		return fmt.Errorf("reading the run's plan: %w", err)
	}
	w.plan, w.staged, w.baseline, w.columns = m.Plan, m.Staged, m.Old, m.Columns
	w.plan.Dir, w.staged.Dir = x.dir, x.dir
	if err := x.fetch(x.dir, p.Plan.Prefix, p.Plan.Files); err != nil {
		return err
	}
	if err := x.fetch(x.dir, p.Plan.Baseline, p.Plan.Staged); err != nil {
		return err
	}
	if w.baseline != nil && m.Plan.Compares() {
		if err := x.fetch(x.baselineDir(), w.baseline.Prefix, w.baseline.names()); err != nil {
			return err
		}
	}
	w.ledger = delivery.NewLedger(w.plan.Removed.Rows, w.plan.Changed.Rows, w.plan.Added.Rows)
	x.change(func(r *Run) { r.Counts = countsOf(w.plan.Counts) })
	return nil
}

// ask lets a destination tell what became of the batches that have no answer. One that cannot be asked leaves them in
// doubt.
func (x *execution) ask(w *work, p Pinned) error {
	if p.Idempotency != connector.Transactional && !w.ledger.Noted() || w.bundle.DestinationSpec.Type == "" {
		return nil
	}
	dest, err := x.openDestination(x.ctx, x.lease.run.WorkspaceID, w.bundle, x.log)
	if err != nil {
		x.log.Warn("the destination cannot be asked about batches in doubt", "error", err)
		return nil
	}
	defer func() { err = errors.Join(err, dest.Close()) }()
	resolver, ok := dest.(connector.Resolver)
	if !ok {
		return nil
	}
	job := connector.SyncJob{
		SyncID: x.lease.run.SyncID, RunID: x.lease.run.ID, Type: w.bundle.SyncSpec.Type, Mode: w.bundle.SyncSpec.Mode, Delete: w.bundle.SyncSpec.Delete,
		Settings: w.bundle.SyncSpec.Settings, Match: w.bundle.SyncSpec.Match,
	}
	return delivery.Recover(x.ctx, w.ledger, p.Idempotency, resolver, job)
}

// Sweep removes folders that earlier processes left behind. Call it before the first run.
func (e *Engine) Sweep() error {
	if err := os.RemoveAll(filepath.Join(e.Dir, "runs")); err != nil {
		return fault.Wrap(err, fault.CodeStorage, "removing old work in progress")
	}
	return nil
}
