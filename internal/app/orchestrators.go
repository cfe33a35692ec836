package app

import (
	"context"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/engine/orchestrator"
	"github.com/millrace/millrace/internal/jobs"
	kindorchestrator "github.com/millrace/millrace/internal/kind/orchestrator"
)

// cloudTick is how often dbt Cloud is asked for the runs of the jobs that schedules wait for.
const cloudTick = 30 * time.Second

// openOrchestrators makes what listens to dbt Cloud and Fivetran.
func (p *process) openOrchestrators() {
	p.orchestra = orchestrator.New(orchestrator.Options{
		DB: p.db, Documents: p.documents, Timetable: p.timetable, Clock: p.clock, Log: p.log,
		Network: connector.Network{Dial: networkOf(p.Config).DialContext, Egress: p.Config.EgressAddresses},
		Public:  func() string { return p.public },
		State: func(workspaceID, documentID int64) connector.State {
			return p.state.Of(workspaceID, kindorchestrator.KindName, documentID)
		},
	})
}

// startOrchestrators begins to ask dbt Cloud where this process works. What it returns stops it.
func (p *process) startOrchestrators(ctx context.Context) (stop func()) {
	if !p.Config.Has("worker") {
		return func() {}
	}
	return jobs.StartLoop(context.WithoutCancel(ctx), cloudTick, p.orchestra.Sweep).Stop
}
