package app

import (
	"context"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/engine/audiencesize"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/jobs"
	"github.com/millrace/millrace/internal/kind/destination"
	"github.com/millrace/millrace/internal/kind/model"
	"github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/resource"
)

// sizesTick is how often a process asks whether the audiences of a destination are due.
const sizesTick = 2 * time.Second

// openAudienceSizes makes what reads the audiences of ad accounts.
func (p *process) openAudienceSizes() {
	p.audiences = &audiencesize.Reporter{
		DB: p.db, Documents: p.documents, Registry: p.Registry, Destinations: adAccounts{p.documents, p.engine},
		Warehouses: warehouses{p.bundles(), p.engine}, Runs: p.runs, Clock: p.clock, Log: p.log, Failpoint: p.Failpoint,
	}
	p.audiences.Follow()
}

// readAudiences starts to look at audiences. It has a loop of its own: ad platforms are slow, and no run waits for them.
func (p *process) readAudiences(ctx context.Context) *jobs.Loop {
	return jobs.StartLoop(ctx, sizesTick, p.audiences.Sweep)
}

// adAccounts opens the destinations that ad accounts are reached through.
type adAccounts struct {
	documents *resource.Store
	engine    *run.Engine
}

var _ audiencesize.Destinations = adAccounts{}

// Destination opens a destination as runs do.
func (a adAccounts) Destination(ctx context.Context, workspaceID, id int64, spec destination.Spec) (connector.Destination, error) {
	return a.engine.OpenDestination(ctx, workspaceID, id, spec)
}

// Job is what a sync asks of its destination.
func (a adAccounts) Job(ctx context.Context, workspaceID int64, doc resource.Document, info connector.DestinationInfo) (connector.SyncJob, error) {
	spec := *doc.Spec.(*sync.Spec) //nolint:forcetypeassert // the kind's own spec
	m, err := a.documents.Get(ctx, resource.Scope{WorkspaceID: workspaceID, Actor: engineActor}, "model", spec.Model)
	if err != nil {
		return connector.SyncJob{}, err
	}
	kind, err := info.SyncType(spec.Type)
	if err != nil {
		return connector.SyncJob{}, err
	}
	return run.EmptyJob(run.Bundle{Sync: meta(doc), SyncSpec: spec, Model: meta(m), ModelSpec: *m.Spec.(*model.Spec)}, kind), nil //nolint:forcetypeassert // the kind's own spec
}
