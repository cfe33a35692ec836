package app

import (
	"context"

	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/jobs"
	"github.com/uptrace/bun"
)

// runJob wakes a worker for a run.
type runJob struct {
	RunID int64 `json:"runId"`
}

// Kind names the job in the queue.
func (runJob) Kind() string { return "sync_run" }

// queue wakes workers for runs.
type queue struct{ jobs *jobs.Client }

var _ run.Enqueuer = queue{}

// Enqueue adds a job for the run in the transaction that made the run ready.
func (q queue) Enqueue(ctx context.Context, tx bun.Tx, runID int64) error {
	return q.jobs.Insert(ctx, tx, runJob{RunID: runID})
}
