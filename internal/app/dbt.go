package app

import (
	"context"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/dbt"
	"github.com/millrace/millrace/internal/jobs"
	"github.com/millrace/millrace/internal/kind/dbtproject"
)

// refreshTick is how often a process asks whether a dbt project is due.
const refreshTick = 2 * time.Second

// openDBT makes what keeps and fetches the manifests of dbt projects.
func (p *process) openDBT() {
	p.refresher = &dbt.Refresher{
		DB: p.db, Documents: p.documents, Loader: dbt.Loader{Store: p.manifests, Documents: p.documents}, Clock: p.clock, Log: p.log,
		Fetcher: dbt.Origins{
			Network: p.via, Command: p.Config.DBTCommand, Dir: p.dir(), Clock: p.clock,
			State: func(workspaceID, projectID int64) connector.State {
				return p.state.Of(workspaceID, dbtproject.KindName, projectID)
			},
		},
	}
	p.refresher.Follow()
}

// startDBT begins to fetch manifests where this process works. What it returns stops it.
func (p *process) startDBT(ctx context.Context) (stop func()) {
	if !p.Config.Has("worker") {
		return func() {}
	}
	return jobs.StartLoop(context.WithoutCancel(ctx), refreshTick, p.refresher.Sweep).Stop
}
