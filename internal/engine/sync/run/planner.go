package run

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/engine/sync/plan"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/source"
)

// planner is the sync engine of one run. What it stages and settles is described by values that survive the process:
// the planner that settles a run after a crash is another one than staged it.
type planner interface {
	// stage runs the model's query, and compiles the mapping against the columns that it has today.
	stage(w *work) error
	// recall brings what was settled last to where diff and settle find it.
	recall(w *work) error
	// diff compares what was staged with what was settled last.
	diff(ctx context.Context, in plan.DiffInput) (plan.Plan, error)
	// settle says what the next run compares with.
	settle(ctx context.Context, in plan.SettleInput) (plan.Baseline, error)
	// forget removes what nothing points to any more, now that the run is over; keep is what counts.
	forget(ctx context.Context, keep *baseline) error
	close() error
}

var (
	_ planner = (*basic)(nil)
	_ planner = (*lightningPlanner)(nil)
)

// engineOf returns the engine of a source's syncs.
func engineOf(s source.Spec) string {
	if s.Engine == connector.EngineLightning {
		return connector.EngineLightning
	}
	return connector.EngineBasic
}

// planner returns the planner of the run's engine.
func (x *execution) planner(w *work) planner {
	if x.lease.run.Pinned.Engine == connector.EngineLightning {
		return &lightningPlanner{execution: x, work: w}
	}
	return &basic{execution: x}
}

// basic plans on this machine. It keeps what was settled in storage.
type basic struct{ *execution }

// recall fetches the baseline's files.
func (b *basic) recall(w *work) error {
	if w.baseline.Tables != nil {
		return fault.New(fault.CodeRunBaseline, "what was synced before lies in the warehouse of a source that the Lightning engine planned for")
	}
	if err := b.fetch(b.baselineDir(), w.baseline.Prefix, w.baseline.names()); err != nil {
		return baselineFault(err)
	}
	return nil
}

func (b *basic) diff(ctx context.Context, in plan.DiffInput) (plan.Plan, error) {
	return b.Planner.Diff(ctx, in)
}

func (b *basic) settle(ctx context.Context, in plan.SettleInput) (plan.Baseline, error) {
	return b.Planner.Settle(ctx, in)
}

// forget has nothing to do: objects are removed by their names.
func (b *basic) forget(context.Context, *baseline) error { return nil }

func (b *basic) close() error { return nil }

// baselineDir is where the baseline's files are fetched to.
func (x *execution) baselineDir() string { return filepath.Join(x.dir, "baseline") }

// tag names the run in the source's own query log.
func (x *execution) tag() string {
	return fmt.Sprintf("millrace sync %d run %d", x.lease.run.SyncID, x.lease.run.ID)
}
