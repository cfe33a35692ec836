package audit

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/fault"
)

// Warehouses opens the warehouse that a source is.
type Warehouses interface {
	// Warehouse returns the warehouse as the source describes it now. A source that is gone is fault.CodeNotFound.
	Warehouse(ctx context.Context, workspaceID, sourceID int64) (connector.Warehouse, error)
}

// History reads runs that are over.
type History interface {
	Get(ctx context.Context, workspaceID, runID int64) (run.Run, error)
	// Instance names this installation in a warehouse that it may share with others.
	Instance(ctx context.Context) (string, error)
}

var _ History = (*run.Store)(nil)

// Rows reads what became of the rows of a run.
type Rows interface {
	Outcomes(ctx context.Context, r run.Run) (*run.Outcomes, error)
}

var _ Rows = (*run.Engine)(nil)

// Writer writes the logs that are due. Any number of processes may have one.
type Writer struct {
	Store      *Store
	Runs       History
	Rows       Rows
	Warehouses Warehouses
	Log        *slog.Logger
	Failpoint  func(point string) // called at each edge of a log's way; nil outside tests
}

// attemptTime is how long one attempt may take.
const attemptTime = 2 * time.Hour

// Drain writes one log after another, and returns when none is due.
func (w *Writer) Drain(ctx context.Context) {
	for ctx.Err() == nil {
		row, ok, err := w.Store.take(ctx)
		if err != nil && ctx.Err() == nil {
			w.Log.Error("looking for sync logs", "error", err)
		}
		if !ok {
			return
		}
		w.attempt(ctx, row)
	}
}

func (w *Writer) reach(point string) {
	if w.Failpoint != nil {
		w.Failpoint(point)
	}
}

// attempt writes one log and notes how it went.
func (w *Writer) attempt(ctx context.Context, row logRow) {
	log := w.Log.With("sync", row.SyncID, "run", row.RunID, "attempt", row.Attempts)
	w.reach("log-taken")
	remark, err := w.hold(ctx, row)
	switch {
	case errors.Is(err, errFenced):
		log.Warn("writing a sync log", "error", err)
		return
	case err != nil && ctx.Err() != nil: // the process stops; another one writes it
		err = w.Store.release(context.WithoutCancel(ctx), row)
	case err != nil:
		log.Warn("writing a sync log", "code", fault.As(err).Code)
		err = w.Store.settle(ctx, row, remark, err)
	default:
		err = w.Store.settle(ctx, row, remark, nil)
	}
	if err != nil {
		log.Error("noting how a sync log stands; it is written again", "error", err)
	}
	w.reach("log-noted")
}

// hold writes a log while it extends its lease. An attempt that lost it ends.
func (w *Writer) hold(ctx context.Context, row logRow) (remark string, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	ctx, stop := context.WithTimeoutCause(ctx, attemptTime, fault.New(fault.CodeSourceTimeout, "writing the sync log took longer than %s", attemptTime))
	defer stop()
	var beats sync.WaitGroup
	defer beats.Wait()
	defer cancel(nil)
	beats.Go(func() { w.beat(ctx, row, cancel) })
	remark, err = w.write(ctx, row)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
	return remark, err
}

// beat extends the lease until the attempt is over. A database that is away for a moment is no reason to give up: the
// transaction is not begun without a lease (L4).
func (w *Writer) beat(ctx context.Context, row logRow, cancel context.CancelCauseFunc) {
	t := time.NewTicker(max(w.Store.LeaseTime/5, time.Millisecond))
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		if err := w.Store.beat(ctx, row); errors.Is(err, errFenced) {
			cancel(errFenced)
			return
		}
	}
}

// write brings one log into the warehouse.
func (w *Writer) write(ctx context.Context, row logRow) (remark string, err error) {
	r, err := w.Runs.Get(ctx, row.WorkspaceID, row.RunID)
	if err != nil {
		return "", err
	}
	instance, err := w.Runs.Instance(ctx)
	if err != nil {
		return "", err
	}
	warehouse, err := w.Warehouses.Warehouse(ctx, row.WorkspaceID, row.SourceID)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, warehouse.Close()) }()
	x := newWriting(warehouse, row, r, instance)
	defer func() {
		if err != nil {
			x.discard(ctx)
		}
	}()
	if row.Snapshot || row.Changelog {
		err := w.stage(ctx, x)
		if fault.Is(err, fault.CodeNotFound) && row.Runs { // the run itself is known
			x.row.Changelog, err = false, nil
			x.leave("the run's rows are not kept any more")
		}
		if err != nil {
			return "", err
		}
	}
	if err := x.prepare(ctx); err != nil {
		return "", err
	}
	if err := w.Store.beat(ctx, row); err != nil { // L4
		return "", err
	}
	w.reach("log-staged")
	if err := x.commit(ctx); err != nil {
		return "", err
	}
	w.reach("log-written")
	return x.remark, nil
}

// stage brings what became of the run's rows into a table of the attempt's own.
func (w *Writer) stage(ctx context.Context, x *writing) error {
	if err := x.clean(ctx); err != nil { // L4
		return err
	}
	if err := w.planSnapshot(ctx, x); err != nil {
		return err
	}
	switch {
	case !x.row.Changelog && !x.row.Snapshot:
		return nil
	case x.run.Pinned.Plan == nil:
		return x.load(ctx, nil)
	}
	rows, err := w.Rows.Outcomes(ctx, x.run)
	if err != nil {
		return err
	}
	return errors.Join(x.load(ctx, rows), rows.Close())
}

// planSnapshot decides what the snapshot is made of. One that a later run is about to replace is left.
func (w *Writer) planSnapshot(ctx context.Context, x *writing) error {
	if !x.row.Snapshot {
		return nil
	}
	later, err := w.Store.superseded(ctx, x.row)
	switch {
	case err != nil:
		return err
	case later:
		x.leave("a later run's snapshot replaces it")
		return nil
	default:
		return x.planSnapshot(ctx)
	}
}
