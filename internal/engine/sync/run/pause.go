package run

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/delivery"
	"github.com/millrace/millrace/internal/engine/sync/log"
	"github.com/millrace/millrace/internal/fault"
	"github.com/uptrace/bun"
)

// A run that its destination's limits keep waiting for long pauses: no worker holds it, its plan and its journal stay,
// and a worker takes it up when the wait is over. It is under way all the time, so that the sync's next run waits for
// it (R1), and it can be cancelled.

// maxIdle is how many pauses in a row a run may make without getting an answer in between. Then it fails, and its rows
// are left to the sync's next run.
const maxIdle = 20

// errOutdated ends a run whose documents changed while it paused: a stale plan is not continued (R4, R7).
var errOutdated = fault.New(fault.CodeRunCancelled, "the sync or what it refers to was changed while the run paused")

// due reports whether a run pauses and its time has come, or a person does not want it any more.
func (r Run) due(now time.Time) bool {
	return r.State == Delivering && !r.ResumeAt.IsZero() && (r.cancelling || !r.ResumeAt.After(now))
}

// pause puts the run aside.
func (x *execution) pause(w *work, p *delivery.Pause) error {
	if x.drain.Err() != nil { // it is stopped as well
		return x.conclude(w, context.Cause(x.drain))
	}
	answered := w.ledger.Rows() - w.ledger.Total(delivery.NotSent)
	x.change(func(r *Run) {
		r.Counts = r.Counts.settled(w.ledger, false)
		if answered > r.Pinned.Pauses.Answered {
			r.Pinned.Pauses = Pauses{Answered: answered}
		}
		r.Pinned.Pauses.Idle++
		r.ResumeAt = p.Until
	})
	if x.lease.run.Pinned.Pauses.Idle > maxIdle {
		x.change(func(r *Run) { r.ResumeAt = time.Time{} })
		return x.conclude(w, fault.Wrap(p, fault.CodeDestinationThrottled, "the run paused %d times and nothing was taken in between", maxIdle))
	}
	x.endBeats()
	x.count(nil)
	err := x.lease.guard(x.ctx, func(ctx context.Context, tx bun.Tx, _ syncState) error {
		if err := x.Store.update(ctx, tx, x.lease.run); err != nil {
			return err
		}
		_, err := tx.NewUpdate().Table("sync_runs").Set("resume_at = ?", clock.Millis(p.Until)).Set("lease_until = 0").Set("lease_owner = ''").
			Where("id = ?", x.lease.run.ID).Exec(ctx)
		if err != nil {
			return fmt.Errorf("putting run %d aside: %w", x.lease.run.ID, err)
		}
		return nil
	})
	if err != nil {
		return x.afterFailedSettling(err)
	}
	x.log.Info("the run pauses for its destination's limits", "until", p.Until)
	x.reach("paused")
	x.tell()
	return nil
}

// takeUp restores what a run that paused had done. When it fails, the run is settled once its lease is over.
func (x *execution) takeUp(w *work) (err error) {
	p := x.lease.run.Pinned
	if w.state, err = x.Store.state(x.ctx, x.Store.db, x.lease.run.SyncID); err != nil {
		return err
	}
	if err := x.pinned(w); err != nil {
		return err
	}
	w.planner = x.planner(w)
	if err := x.restore(w, p); err != nil {
		return err
	}
	w.rules.everyRow = p.EveryRow
	return x.Store.replay(x.ctx, x.lease.run.ID, w.ledger)
}

// resume goes on where the run paused, unless what it executes has changed since.
func (x *execution) resume(w *work) error {
	if x.lease.cancelled {
		return errCancelled
	}
	p, was := x.lease.run.Pinned, w.baseline
	if _, err := x.read(w); err != nil {
		return err
	}
	w.baseline = was
	b := w.bundle
	if b.Sync != p.Sync || b.Model != p.Model || b.Source != p.Source || b.Destination != p.Destination || w.state.PendingReset != p.Reset {
		return errOutdated
	}
	if err := x.compile(w, w.columns); err != nil {
		return err
	}
	if x.lease.run.Pinned.Mapping != p.Mapping {
		return errOutdated
	}
	return x.begin(w)
}

// wakePaused wakes a worker for each run whose pause is over.
func (e *Engine) wakePaused(ctx context.Context) error {
	return e.Store.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		var ids []int64
		err := tx.NewSelect().Table("sync_runs").Column("id").Where("state = ?", string(Delivering)).Where("resume_at > 0").
			Where("resume_at <= ? OR cancel_requested", clock.Millis(e.Clock.Now())).Scan(ctx, &ids)
		if err != nil {
			return fmt.Errorf("looking for paused runs: %w", err)
		}
		for _, id := range ids {
			if err := e.Enqueuer.Enqueue(ctx, tx, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// frames returns what writes the run's journal on from where it is.
func (x *execution) frames() (*appender, error) {
	a := &appender{lease: x.lease}
	err := x.Store.db.NewSelect().Table("run_journal").ColumnExpr("coalesce(max(seq), 0)").Where("run_id = ?", x.lease.run.ID).Scan(x.ctx, &a.seq)
	if err != nil {
		return nil, fmt.Errorf("reading the journal of run %d: %w", x.lease.run.ID, err)
	}
	return a, nil
}

// continueLog numbers the segments of the request log on from where they are.
func (x *execution) continueLog(w *log.Writer) error {
	var last int
	err := x.Store.db.NewSelect().Table("run_segments").ColumnExpr("coalesce(max(seq), 0)").
		Where("run_id = ?", x.lease.run.ID).Where("kind = ?", segmentRequests).Scan(x.ctx, &last)
	if err != nil {
		return errors.Join(fmt.Errorf("reading the log of run %d: %w", x.lease.run.ID, err), w.Close())
	}
	w.Continue(last)
	return nil
}

// quotas returns what the destination's credential may do, together with all other runs that use it.
func (e *Engine) quotas(workspaceID int64, b Bundle) (delivery.Quotas, error) {
	if e.Quotas == nil {
		return nil, nil //nolint:nilnil // each run by itself
	}
	info, err := e.Registry.Destination(b.DestinationSpec.Type)
	if err != nil {
		return nil, err
	}
	return e.Quotas.Of(workspaceID, info.Credential(connector.Settings(b.DestinationSpec.Configuration)))
}
