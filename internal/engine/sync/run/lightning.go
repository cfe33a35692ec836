package run

import (
	"context"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/engine/sync/plan"
	"github.com/millrace/millrace/internal/engine/sync/plan/lightning"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// lightningPlanner plans in the source's own warehouse, which also keeps what was settled.
type lightningPlanner struct {
	*execution

	work      *work
	warehouse connector.Warehouse // opened when it is needed
	engine    *lightning.Planner
	key       value.Column // of the model
}

// open connects to the warehouse, once.
func (l *lightningPlanner) open() error {
	if l.engine != nil {
		return nil
	}
	if l.work.bundle.SourceSpec.Type == "" {
		return fault.New(fault.CodeNotFound, "the sync's source is gone, and with it the way to the warehouse")
	}
	src, err := l.openSource(l.ctx, l.lease.run.WorkspaceID, l.work.bundle, l.log)
	if err != nil {
		return err
	}
	var ok bool
	if l.warehouse, ok = src.(connector.Warehouse); !ok {
		return fault.New(fault.CodeInvalid, "the source %q has no engine %q", l.work.bundle.Source.Slug, connector.EngineLightning)
	}
	instance, err := l.Store.Instance(l.ctx)
	if err != nil {
		return err
	}
	r := l.lease.run
	l.engine = lightning.New(l.warehouse, lightning.Run{
		Instance: instance, Workspace: r.WorkspaceID, Sync: r.SyncID, ID: r.ID, Epoch: r.Epoch,
	}, l.tag())
	return nil
}

func (l *lightningPlanner) stage(w *work) error {
	if err := l.open(); err != nil {
		return err
	}
	q, err := w.bundle.ModelSpec.Query(l.warehouse.Dialect())
	if err != nil {
		return err
	}
	q.Class, q.Tag = connector.WorkloadBatch, l.tag()
	in, err := l.describe(w, &q)
	if err != nil {
		return err
	}
	if at := in.Schema.Index(w.bundle.ModelSpec.PrimaryKey); at >= 0 {
		l.key = in.Schema[at]
	}
	return l.stageRows(w, in.Schema, in, func(in plan.StageInput) (plan.Staged, error) {
		return l.engine.Stage(l.drain, q.SQL, in)
	})
}

// describe tells the columns of the model's query, which it changes where the rows are the elements of an array.
func (l *lightningPlanner) describe(w *work, q *connector.Query) (in plan.StageInput, err error) {
	if array := w.bundle.SyncSpec.Expand; array != "" {
		in.Occurrence = occurrenceColumn
		*q, in.Schema, err = elements(l.drain, l.warehouse, *q, array, w.bundle.ModelKey, in.Occurrence)
		return in, err
	}
	in.Schema, err = lightning.Describe(l.drain, l.warehouse, *q)
	return in, err
}

// recall copies a baseline of the Basic engine into the warehouse (SY-51); its own baselines are there.
func (l *lightningPlanner) recall(w *work) error {
	if w.baseline.Tables != nil {
		return nil
	}
	if err := (&basic{l.execution}).recall(w); err != nil {
		return err
	}
	copied, err := l.engine.Migrate(l.drain, &w.baseline.Baseline, l.baselineDir(), l.key)
	if err != nil {
		return err
	}
	w.baseline.Baseline = copied
	l.change(func(r *Run) { r.Pinned.Migrated = true })
	return nil
}

func (l *lightningPlanner) diff(ctx context.Context, in plan.DiffInput) (plan.Plan, error) {
	return l.engine.Diff(ctx, in)
}

func (l *lightningPlanner) settle(ctx context.Context, in plan.SettleInput) (plan.Baseline, error) {
	if err := l.open(); err != nil {
		return plan.Baseline{}, err
	}
	return l.engine.Settle(ctx, in)
}

// forget drops the tables of earlier runs, and those of this one that do not count.
func (l *lightningPlanner) forget(ctx context.Context, keep *baseline) error {
	if l.work.staged.Table == nil {
		return nil // it made none
	}
	if err := l.open(); err != nil {
		return err
	}
	if keep == nil {
		return l.engine.Forget(ctx)
	}
	return l.engine.Forget(ctx, keep.Tables, keep.Previous)
}

func (l *lightningPlanner) close() error {
	if l.warehouse == nil {
		return nil
	}
	return l.warehouse.Close()
}
