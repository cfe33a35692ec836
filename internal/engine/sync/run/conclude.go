package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/delivery"
	"github.com/millrace/millrace/internal/engine/sync/plan"
	"github.com/millrace/millrace/internal/fault"
	"github.com/uptrace/bun"
)

// conclude settles what was sent and ends the run in one transaction (R5). A lost lease changes nothing
// (R2): whoever has it concludes the run.
func (x *execution) conclude(w *work, cause error) error {
	if x.ctx.Err() != nil {
		return x.lost()
	}
	end := endOf(cause)
	if x.lease.run.State != Delivering {
		return x.commit(w, end, cause, nil)
	}
	if err := x.to(Settling); err != nil {
		return x.afterFailedSettling(err)
	}
	if w.stale {
		if err := x.replay(w); err != nil {
			return x.afterFailedSettling(err)
		}
	}
	next, err := x.settle(w)
	if err != nil {
		return x.afterFailedSettling(err)
	}
	x.reach("settled")
	return x.commit(w, end, cause, next)
}

// replay takes what became of the rows from the journal: a write to it failed, and nobody knows whether it is there.
func (x *execution) replay(w *work) error {
	w.ledger = delivery.NewLedger(w.plan.Removed.Rows, w.plan.Changed.Rows, w.plan.Added.Rows)
	return x.Store.replay(x.ctx, x.lease.run.ID, w.ledger)
}

// lost explains why the run ends without a conclusion.
func (x *execution) lost() error {
	cause := context.Cause(x.ctx)
	x.log.Warn("the run ends without being settled; it is settled when its lease is over", "error", cause)
	return nil
}

// afterFailedSettling leaves the run to Reap, which tries again when the lease is over: what was sent is
// journaled, and nothing may be planned before it is settled (R4).
func (x *execution) afterFailedSettling(err error) error {
	x.log.Error("settling the run failed; it will be tried again", "error", err)
	return nil
}

// endOf returns the state in which a run with this error ends.
func endOf(cause error) State {
	switch {
	case cause == nil:
		return Committed
	case errors.Is(cause, errStopping), errors.Is(cause, errOutdated):
		return Interrupted
	case errors.Is(cause, errCancelled):
		return Cancelled
	default:
		return Failed
	}
}

// settle folds the ledger into the next baseline and brings it to storage. It returns nil where the
// sync keeps none.
func (x *execution) settle(w *work) (*baseline, error) {
	x.change(func(r *Run) { r.Counts = r.Counts.settled(w.ledger, true) })
	if err := x.keepOutcomes(w); err != nil {
		return nil, err
	}
	if w.rules.everyRow {
		return nil, nil //nolint:nilnil // modes that send every row keep no baseline
	}
	in := plan.SettleInput{
		Staged: w.staged, Plan: &w.plan, Dir: x.dir,
		Outcomes: refusals(w.ledger, x.lease.run.Pinned.Once), Default: plan.Accepted,
	}
	if w.baseline != nil && !w.plan.FullResync && !w.plan.ResetCDC {
		in.Old, in.OldDir = &w.baseline.Baseline, x.baselineDir()
	}
	settled, err := w.planner.settle(x.ctx, in)
	if err != nil {
		return nil, err
	}
	r := x.lease.run
	next := &baseline{Baseline: settled, Prefix: r.baselinePrefix(), RunID: r.ID, Settled: x.Clock.Now(), Place: r.Pinned.Place}
	if err := x.own(&next.Overlay); err != nil {
		return nil, err
	}
	if w.baseline != nil {
		next.Previous = w.baseline.Tables
	}
	if err := x.keepDoubts(w, next); err != nil {
		return nil, err
	}
	return next, x.keepBaseline(next)
}

// own names a file after the lease under which it was made. A worker that stood still while another one settled the
// run then writes beside what that one committed, and not over it (R2, R6).
func (x *execution) own(name *string) error {
	if *name == "" {
		return nil
	}
	mine := fmt.Sprintf("%d-%s", x.lease.run.Epoch, *name)
	if err := os.Rename(filepath.Join(x.dir, *name), filepath.Join(x.dir, mine)); err != nil {
		return fault.Disk(err, "naming the exceptions of the baseline")
	}
	*name = mine
	return nil
}

// outcomes lists what became of the rows for people: everything but the accepted ones. What a row lost may be removed
// while the row itself was not sent: it was not.
func outcomes(l *delivery.Ledger) []plan.Range {
	var spans []plan.Range
	l.Runs(func(span delivery.Range, s delivery.State) {
		if state, refused := planState(s); refused {
			spans = append(spans, plan.Range{From: span.From, To: span.To, State: state})
		}
	})
	return spans
}

// planState is a state in the planner's words; accepted rows have none.
func planState(s delivery.State) (state plan.State, refused bool) {
	switch s {
	case delivery.Rejected:
		return plan.Rejected, true
	case delivery.NotSent, delivery.Retracted:
		return plan.Aborted, true
	case delivery.InDoubt, delivery.Partial:
		return plan.Dirty, true
	default:
		return "", false
	}
}

// refusals tells the planner what became of the rows, without gathering it: everything but the accepted ones. Of a row
// that was taken in part the planner remembers what was sent, as of one in doubt; such rows of the operations in once
// count as taken: they are reported and not planned any more. A row of which something was removed is planned again,
// even when its values are the settled ones by then.
func refusals(l *delivery.Ledger, once []connector.Operation) plan.Outcomes {
	return func(yield func(plan.Range, error) bool) {
		wanted := true
		l.Runs(func(span delivery.Range, s delivery.State) {
			state, refused := planState(s)
			if !wanted || !refused || state == plan.Dirty && slices.Contains(once, l.Operation(span.From)) {
				return
			}
			if s == delivery.Retracted {
				state = plan.Dirty
			}
			wanted = yield(plan.Range{From: span.From, To: span.To, State: state}, nil)
		})
	}
}

// keepBaseline uploads what of the next baseline is not in storage yet.
func (x *execution) keepBaseline(next *baseline) error {
	if x.lease.run.Pinned.Plan == nil {
		if err := x.litter(); err != nil {
			return err
		}
		if err := x.keep(x.dir, next.Prefix, next.Files); err != nil {
			return err
		}
	}
	for _, name := range []string{next.Overlay, next.Doubts} {
		if name == "" {
			continue
		}
		if err := x.keep(x.dir, next.Prefix, []string{name}); err != nil {
			return err
		}
	}
	return nil
}

// commit ends the run (R5): baseline, counters, status and the next run's wake-up in one transaction.
func (x *execution) commit(w *work, end State, cause error, next *baseline) error {
	x.endBeats()
	x.count(nil)
	x.change(func(r *Run) {
		r.State, r.FinishedAt, r.Failure = end, x.Clock.Now(), failureOf(cause)
		r.Counts = r.Counts.ended()
		if end == Interrupted || end == Cancelled {
			r.Failure = nil
		}
		r.pinRows(next)
	})
	r := x.lease.run
	old := w.state.Baseline
	err := x.lease.guard(x.ctx, func(ctx context.Context, tx bun.Tx, _ syncState) error {
		if err := x.release(ctx, tx, next); err != nil {
			return err
		}
		if err := x.Store.update(ctx, tx, r); err != nil {
			return err
		}
		if err := dropJournal(ctx, tx, r.ID); err != nil {
			return err
		}
		if err := x.meter(ctx, tx, w); err != nil {
			return err
		}
		if err := x.wakeNext(ctx, tx, end); err != nil {
			return err
		}
		if err := x.wakeShare(ctx, tx); err != nil {
			return err
		}
		return x.Store.tellEnd(ctx, tx, r)
	})
	if err != nil {
		return x.afterFailedSettling(err)
	}
	x.reach("committed")
	x.tell()
	x.suspend(cause)
	x.forget(w, old, next)
	if x.Observe != nil {
		x.Observe(r)
	}
	return nil
}

// release frees the sync and, after a delivery, moves its baseline on.
func (x *execution) release(ctx context.Context, tx bun.Tx, next *baseline) error {
	r := x.lease.run
	q := tx.NewUpdate().Table("sync_state").Set("active_run_id = 0").Set("updated_at = ?", clock.Millis(r.FinishedAt)).
		Where("sync_id = ?", r.SyncID)
	if next != nil {
		text, err := json.Marshal(next)
		if err != nil {
			return fmt.Errorf("encoding the baseline: %w", err)
		}
		q.Set("baseline = ?", string(text)).Set("mapping_hash = ?", r.Pinned.Mapping).
			Set("target_fingerprint = ?", r.Pinned.Target).Set("primary_key = ?", r.Pinned.PrimaryKey).
			Set("pending_reset = CASE WHEN pending_reset = ? THEN '' ELSE pending_reset END", r.done()) // one noted meanwhile waits for the next run
	}
	if _, err := q.Exec(ctx); err != nil {
		return fmt.Errorf("releasing sync %d: %w", r.SyncID, err)
	}
	return nil
}

// wakeNext starts the run that waits for this one, or makes one that continues an interrupted run.
func (x *execution) wakeNext(ctx context.Context, tx bun.Tx, end State) error {
	r := x.lease.run
	waiting, found, err := x.Store.waiting(ctx, tx, r.SyncID)
	if err != nil {
		return err
	}
	if !found && end == Interrupted {
		options := Options{}
		if r.Pinned.Plan == nil { // nothing was sent: what was asked for is still to be done
			options = r.Options
		}
		waiting, err = x.Store.insert(ctx, tx, Request{
			WorkspaceID: r.WorkspaceID, SyncID: r.SyncID, SyncSlug: r.SyncSlug, Trigger: TriggerRecovery, Options: options,
		})
		if err != nil {
			return err
		}
		found = true
	}
	if !found {
		return nil
	}
	return x.Enqueuer.Enqueue(ctx, tx, waiting.ID)
}

// forget removes the objects of the baseline before this one (R6), and what else the run's engine no longer needs.
func (x *execution) forget(w *work, old string, next *baseline) {
	was, err := readBaseline(old)
	if err != nil {
		return
	}
	keep := next
	if keep == nil {
		keep = was
	}
	if w.planner != nil {
		if err := w.planner.forget(x.ctx, keep); err != nil {
			x.log.Warn("removing what earlier runs left in the warehouse", "error", err)
		}
	}
	if next == nil || was == nil || was.Prefix == "" || was.Prefix == next.Prefix || was.Place != next.Place {
		return
	}
	if err := x.Storage.DeletePrefix(x.ctx, x.lease.run.WorkspaceID, was.Prefix+"/"); err != nil {
		x.log.Warn("removing the previous baseline", "error", err)
	}
}

// meter counts active syncs and operations of the month, sample sources left out (P-01, P-04, S-85).
func (x *execution) meter(ctx context.Context, tx bun.Tx, w *work) error {
	info, err := x.Registry.Source(w.bundle.SourceSpec.Type)
	if err != nil || info.Sample {
		return nil //nolint:nilerr // a run that failed before it knew its source is not metered
	}
	r := x.lease.run
	month := r.CreatedAt.Format("2006-01")
	_, err = tx.NewRaw(`INSERT INTO usage_syncs (workspace_id, month, sync_id, runs) VALUES (?, ?, ?, 1)
		ON CONFLICT (workspace_id, month, sync_id) DO UPDATE SET runs = usage_syncs.runs + 1`, r.WorkspaceID, month, r.SyncID).Exec(ctx)
	if err != nil {
		return fmt.Errorf("metering: %w", err)
	}
	_, err = tx.NewRaw(`INSERT INTO usage_operations (workspace_id, month, operations) VALUES (?, ?, ?)
		ON CONFLICT (workspace_id, month) DO UPDATE SET operations = usage_operations.operations + excluded.operations`,
		r.WorkspaceID, month, r.Counts.Succeeded.Total()).Exec(ctx)
	if err != nil {
		return fmt.Errorf("metering: %w", err)
	}
	return nil
}
