package run

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/fault"
	"github.com/uptrace/bun"
)

// LeaseTime is how long a worker holds a run without a heartbeat, unless Store.LeaseTime says otherwise.
const LeaseTime = 15 * time.Second

// heartbeatEvery returns how often a worker extends its lease: often enough to miss some.
func (s *Store) heartbeatEvery() time.Duration { return min(time.Second, s.LeaseTime/5) }

// lease is the right to execute one run (R1). Its epoch fences every durable step (R2).
type lease struct {
	store *Store
	run   Run
	owner string

	cancelled bool // a person asked to cancel the run before it was taken

	beaten atomic.Pointer[time.Time] // when the last heartbeat that the database knows of began
}

// mayBeLost says why the lease may be another worker's: no heartbeat has reached the database for so long. This
// process's own clocks tell: the database may be away. A process that stood still has not noticed yet that time has
// passed, and a machine that did has a monotonic clock that stood still as well.
func (l *lease) mayBeLost(after time.Duration) error {
	beaten := *l.beaten.Load()
	now := time.Now()
	silent := max(now.Sub(beaten), now.Round(0).Sub(beaten.Round(0)))
	if silent < after {
		return nil
	}
	return fault.New(fault.CodeRunFenced, "run %d may be another worker's: its lease was not extended for %s", l.run.ID, silent.Round(time.Millisecond))
}

// extended notes that the database knows of a heartbeat that began at the time.
func (l *lease) extended(began time.Time) { l.beaten.Store(&began) }

func fenced(runID int64) error {
	return fault.New(fault.CodeRunFenced, "run %d was taken over by another worker", runID)
}

// acquire gives the run to owner. ok is false when it has to wait: another run of the sync is active, or
// the run is over or taken. take decides from the run's state whether this caller wants it.
func (s *Store) acquire(ctx context.Context, runID int64, owner string, take func(Run, syncState, bool) bool) (l *lease, ok bool, err error) {
	began := time.Now()
	err = s.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		l, ok = nil, false
		var row runRow
		if err := tx.NewSelect().Model(&row).Where("id = ?", runID).Scan(ctx); err != nil {
			return fmt.Errorf("reading run %d: %w", runID, err)
		}
		st, err := s.lockState(ctx, tx, row.WorkspaceID, row.SyncID)
		if err != nil {
			return err
		}
		if st.Paused, err = s.paused(ctx, tx, row.WorkspaceID); err != nil {
			return err
		}
		r, err := row.run()
		if err != nil {
			return err
		}
		now := s.clock.Now()
		if !take(r, st, row.LeaseUntil > clock.Millis(now)) {
			return nil
		}
		if st.ActiveRunID == 0 { // otherwise it has its place already
			if full, err := s.full(ctx, tx, r, now); err != nil || full {
				return err
			}
		}
		if l, err = s.take(ctx, tx, r, st, owner, now); err != nil {
			return err
		}
		l.extended(began)
		l.cancelled, ok = row.CancelRequested, true
		return nil
	})
	return l, ok, err
}

// take moves the epoch on and notes the holder.
func (s *Store) take(ctx context.Context, tx bun.Tx, r Run, st syncState, owner string, now time.Time) (*lease, error) {
	r.Epoch, r.ResumeAt = st.Epoch+1, time.Time{}
	if r.StartedAt.IsZero() {
		r.StartedAt = now
	}
	_, err := tx.NewUpdate().Table("sync_state").Set("epoch = ?", r.Epoch).Set("active_run_id = ?", r.ID).
		Set("last_run_id = ?", r.ID).Set("updated_at = ?", clock.Millis(now)).Where("sync_id = ?", r.SyncID).Exec(ctx)
	if err != nil {
		return nil, fmt.Errorf("taking the lease of sync %d: %w", r.SyncID, err)
	}
	_, err = tx.NewUpdate().Table("sync_runs").Set("epoch = ?", r.Epoch).Set("lease_owner = ?", owner).
		Set("lease_until = ?", clock.Millis(now.Add(s.LeaseTime))).Set("last_heartbeat = ?", clock.Millis(now)).
		Set("started_at = ?", clock.Millis(r.StartedAt)).Set("resume_at = 0").Where("id = ?", r.ID).Exec(ctx)
	if err != nil {
		return nil, fmt.Errorf("taking run %d: %w", r.ID, err)
	}
	return &lease{store: s, run: r, owner: owner}, nil
}

// lockState reads a sync's state for change, and makes the row where there is none.
func (s *Store) lockState(ctx context.Context, tx bun.Tx, workspaceID, syncID int64) (syncState, error) {
	fresh := &syncState{SyncID: syncID, WorkspaceID: workspaceID}
	if _, err := tx.NewInsert().Model(fresh).On("CONFLICT (sync_id) DO NOTHING").Exec(ctx); err != nil {
		return syncState{}, fmt.Errorf("making the state of sync %d: %w", syncID, err)
	}
	st := syncState{SyncID: syncID}
	q := tx.NewSelect().Model(&st).WherePK()
	if s.db.IsPostgres() {
		q.For("UPDATE")
	}
	if err := q.Scan(ctx); err != nil {
		return st, fmt.Errorf("reading the state of sync %d: %w", syncID, err)
	}
	return st, nil
}

// guard runs f in a transaction in which the lease's epoch holds (R2).
func (l *lease) guard(ctx context.Context, f func(ctx context.Context, tx bun.Tx, st syncState) error) error {
	return l.store.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		st, err := l.store.lockState(ctx, tx, l.run.WorkspaceID, l.run.SyncID)
		if err != nil {
			return err
		}
		if st.Epoch != l.run.Epoch || st.ActiveRunID != l.run.ID {
			return fenced(l.run.ID)
		}
		return f(ctx, tx, st)
	})
}

// save writes the run as the lease knows it.
func (l *lease) save(ctx context.Context) error {
	return l.guard(ctx, func(ctx context.Context, tx bun.Tx, _ syncState) error { return l.store.update(ctx, tx, l.run) })
}

func (s *Store) update(ctx context.Context, tx bun.Tx, r Run) error {
	row, err := toRow(r)
	if err != nil {
		return err
	}
	_, err = tx.NewUpdate().Model(row).Column("state", "status", "started_at", "finished_at", "pinned", "counts", "error").
		Where("id = ?", r.ID).Exec(ctx)
	if err != nil {
		return fmt.Errorf("saving run %d: %w", r.ID, err)
	}
	return nil
}

// beat extends the lease, saves the counts, and reports whether a person asked to cancel the run.
func (l *lease) beat(ctx context.Context, counts string) (cancel bool, err error) {
	ctx, done := context.WithTimeout(ctx, l.store.LeaseTime/2) // a database that does not answer is away
	defer done()
	now, began := l.store.clock.Now(), time.Now()
	res, err := l.store.db.NewUpdate().Table("sync_runs").Set("lease_until = ?", clock.Millis(now.Add(l.store.LeaseTime))).
		Set("last_heartbeat = ?", clock.Millis(now)).Set("counts = ?", counts).
		Where("id = ?", l.run.ID).Where("epoch = ?", l.run.Epoch).Where("lease_owner = ?", l.owner).Exec(ctx)
	if err != nil {
		return false, fmt.Errorf("extending the lease of run %d: %w", l.run.ID, err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return false, fenced(l.run.ID)
	}
	l.extended(began)
	err = l.store.db.NewSelect().Table("sync_runs").Column("cancel_requested").Where("id = ?", l.run.ID).Scan(ctx, &cancel)
	if err != nil {
		return false, fmt.Errorf("reading run %d: %w", l.run.ID, err)
	}
	return cancel, nil
}
