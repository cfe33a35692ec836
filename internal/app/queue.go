package app

import (
	"context"

	"github.com/millrace/millrace/internal/engine/sequence"
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

// sequenceJob wakes a worker for a run of a sequence. The cause keeps a wake-up from being taken for one that is being
// worked on already.
type sequenceJob struct {
	RunID int64 `json:"runId"`
	Cause int64 `json:"cause"`
}

// Kind names the job in the queue.
func (sequenceJob) Kind() string { return "sequence_run" }

// waker wakes workers for runs of syncs and of sequences.
type waker interface {
	run.Enqueuer
	sequence.Waker
}

// queue wakes workers for runs.
type queue struct{ jobs *jobs.Client }

var _ waker = queue{}

// Enqueue adds a job for the run in the transaction that made the run ready.
func (q queue) Enqueue(ctx context.Context, tx bun.Tx, runID int64) error {
	return q.jobs.Insert(ctx, tx, runJob{RunID: runID})
}

// Wake adds a job for a run of a sequence in the transaction after which it can go on.
func (q queue) Wake(ctx context.Context, tx bun.Tx, runID, cause int64) error {
	return q.jobs.Insert(ctx, tx, sequenceJob{RunID: runID, Cause: cause})
}
