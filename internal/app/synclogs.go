package app

import (
	"context"
	"errors"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/engine/sync/audit"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/engine/sync/watch"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/jobs"
	"github.com/millrace/millrace/internal/kind/source"
	"github.com/millrace/millrace/internal/resource"
	"github.com/uptrace/bun"
)

// logsAtOnce is how many sync logs one process writes at a time. They have loops of their own, so that no run waits for
// one.
const logsAtOnce = 2

// openSyncLogs makes what writes sync logs. Runs that end tell it, and so do documents that change.
func (p *process) openSyncLogs() {
	p.logs = audit.NewStore(p.db, p.clock)
	p.logs.LeaseTime = p.Config.LeaseTime
	p.runs.OnEnd(p.logs.Note)
	p.documents.OnUpdate(func(ctx context.Context, tx bun.Tx, u resource.Updated) error {
		if _, ok := u.After.Spec.(*source.Spec); !ok {
			return nil
		}
		return p.logs.Hasten(ctx, tx, u.Scope.WorkspaceID, u.After.ID)
	})
	p.documents.OnDelete(func(ctx context.Context, tx bun.Tx, _ resource.Scope, d resource.Document) error {
		if d.Kind != watch.Kind {
			return nil
		}
		return p.logs.Forget(ctx, tx, d.ID)
	})
}

// writeLogs starts to write sync logs.
func (p *process) writeLogs(ctx context.Context) []*jobs.Loop {
	w := &audit.Writer{
		Store: p.logs, Runs: p.runs, Rows: p.engine, Warehouses: warehouses{p.bundles(), p.engine}, Log: p.log, Failpoint: p.Failpoint,
	}
	loops := make([]*jobs.Loop, logsAtOnce)
	for i := range loops {
		loops[i] = jobs.StartLoop(ctx, tickEvery, w.Drain)
	}
	return loops
}

// warehouses opens the warehouses that sources are.
type warehouses struct {
	documents documents
	engine    *run.Engine
}

var _ audit.Warehouses = warehouses{}

// Warehouse opens the source as its newest revision describes it.
func (w warehouses) Warehouse(ctx context.Context, workspaceID, sourceID int64) (connector.Warehouse, error) {
	d, err := w.documents.source(ctx, workspaceID, sourceID)
	if err != nil {
		return nil, err
	}
	s, err := w.engine.OpenSource(ctx, workspaceID, meta(d), *d.Spec.(*source.Spec)) //nolint:forcetypeassert // the kind's own spec
	if err != nil {
		return nil, err
	}
	if warehouse, ok := s.(connector.Warehouse); ok {
		return warehouse, nil
	}
	return nil, errors.Join(fault.New(fault.CodeInvalid, "the source %q has no engine %q", d.Slug, connector.EngineLightning), s.Close())
}
