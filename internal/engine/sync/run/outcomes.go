package run

import (
	"context"
	"errors"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/engine/sync/plan"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/synclog"
	"github.com/millrace/millrace/internal/query"
)

// Logs is what of a run is written into its source's warehouse once it is over (SY-53).
type Logs struct {
	synclog.Tables

	Destination string     `json:"destination"`    // its type, as people know it
	Rows        *ModelRows `json:"rows,omitempty"` // set once the run is settled, where the warehouse keeps the model's rows
}

// ModelRows is the table with the model's rows as a run read them. It stays until two further runs are settled (SY-49).
type ModelRows struct {
	Table  query.TableRef `json:"table"`
	Layout plan.Layout    `json:"layout"`
}

// pinRows notes where the model's rows are, now that the run is settled, for the snapshot that is written of them.
func (r *Run) pinRows(next *baseline) {
	logs := r.Pinned.Logs
	if logs == nil || !logs.Snapshot || next == nil || next.Tables == nil {
		return
	}
	pinned := *logs
	pinned.Rows = &ModelRows{Table: next.Tables.Plan, Layout: next.Layout}
	r.Pinned.Logs = &pinned
}

// logsOf returns what is to be written of a run: what its sync and its source say together, where the source can have it.
func logsOf(source connector.SourceInfo, destination connector.DestinationInfo, b Bundle) *Logs {
	t := synclog.Union(b.SourceSpec.SyncLogs, b.SyncSpec.SyncLogs)
	if !t.Any() || synclog.Possible(source, b.SourceSpec.Engine) != nil {
		return nil
	}
	return &Logs{Tables: t, Destination: destination.Name}
}

// Outcomes reads what became of the rows of a run that is over, as batches of its kept plan: removed rows, then changed
// and added ones, then those that share their key. What an array has twice is told once, and a row whose column to
// expand holds no array has no key to be told by. It holds one batch in memory. Close it.
type Outcomes struct {
	Plan *plan.Plan

	log  *logReader
	todo []connector.Operation // after them come the duplicates
	last bool
	op   connector.Operation
	rows *plan.Rows
	err  error
}

// Outcomes opens the outcomes of a run that kept a plan. They are there as long as the run's rows are kept.
func (e *Engine) Outcomes(ctx context.Context, r Run) (*Outcomes, error) {
	log, err := e.readLog(ctx, r.WorkspaceID, r.ID)
	if err != nil {
		return nil, err
	}
	if log == nil {
		return nil, fault.New(fault.CodeNotFound, "run %d kept no plan", r.ID)
	}
	return &Outcomes{Plan: log.plan, log: log, todo: connector.Operations}, nil
}

// Next goes to the next batch. It returns false after the last one and after an error.
func (o *Outcomes) Next() bool {
	for o.err == nil {
		if o.rows == nil && !o.open() {
			return false
		}
		if o.rows.Next() {
			return true
		}
		o.err = errors.Join(o.rows.Err(), o.rows.Close())
		o.rows = nil
	}
	return false
}

// open begins the next section of the plan.
func (o *Outcomes) open() bool {
	switch {
	case len(o.todo) > 0:
		o.op, o.todo = o.todo[0], o.todo[1:]
		o.rows, o.err = o.Plan.Open(o.op)
	case !o.last:
		o.op, o.last = connector.Added, true
		o.rows, o.err = o.Plan.OpenDuplicates()
	default:
		return false
	}
	return o.err == nil
}

// Batch returns the rows of the batch. They are valid until the next call of Next.
func (o *Outcomes) Batch() plan.Batch { return o.rows.Batch() }

// Operation is that of every row of the batch. Rows that share their key count as additions (M-05).
func (o *Outcomes) Operation() connector.Operation { return o.op }

// Outcome returns what became of a row of the batch, and why where it failed.
func (o *Outcomes) Outcome(i int) (RowStatus, string) {
	if o.last {
		return RowFailed, o.log.run.sharedReason()
	}
	return o.log.outcome(o.Batch().First + int64(i))
}

// Err returns what ended the rows early.
func (o *Outcomes) Err() error { return o.err }

// Close removes what was fetched.
func (o *Outcomes) Close() error {
	var err error
	if o.rows != nil {
		err = o.rows.Close()
	}
	return errors.Join(err, o.log.close())
}
