package app

import (
	"context"
	"fmt"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/engine/sequence"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/engine/timetable"
	"github.com/millrace/millrace/internal/fault"
	kindsequence "github.com/millrace/millrace/internal/kind/sequence"
	"github.com/millrace/millrace/internal/resource"
	"github.com/uptrace/bun"
)

// syncRunner runs syncs for the timetable.
type syncRunner struct {
	runs      *run.Store
	documents documents
	registry  *connector.Registry
	queue     run.Enqueuer
	suspended func(ctx context.Context, workspaceID int64, destination run.Meta) (*run.Suspension, error)
}

var _ timetable.Runner = syncRunner{}

// Standing tells how a sync stands.
func (r syncRunner) Standing(ctx context.Context, tx bun.Tx, workspaceID, syncID int64) (timetable.Standing, error) {
	st, err := r.runs.Standing(ctx, tx, workspaceID, syncID)
	return timetable.Standing(st), err
}

// Missing says which document, secret or connector a sync lacks, or that its destination's permission is over: one run
// found that out, and further ones would only fail too.
func (r syncRunner) Missing(ctx context.Context, workspaceID int64, d resource.Document) (string, error) {
	b, err := r.documents.Bundle(ctx, workspaceID, d.ID)
	if fault.Is(err, fault.CodeNotFound) || fault.Is(err, fault.CodeSecret) {
		return err.Error(), nil
	}
	if err != nil {
		return "", err
	}
	if err := r.known(b); err != nil {
		return err.Error(), nil //nolint:nilerr // what is missing is the answer
	}
	s, err := r.suspended(ctx, workspaceID, b.Destination)
	if err != nil || s == nil {
		return "", err
	}
	return fmt.Sprintf("the destination %q waits for somebody to allow the access again: %s", b.Destination.Name, s.Reason), nil
}

// known reports a connector that this build does not have.
func (r syncRunner) known(b run.Bundle) error {
	if _, err := r.registry.Source(b.SourceSpec.Type); err != nil {
		return err
	}
	_, err := r.registry.Destination(b.DestinationSpec.Type)
	return err
}

// Start makes a run.
func (r syncRunner) Start(ctx context.Context, tx bun.Tx, workspaceID int64, d resource.Document) error {
	_, err := r.runs.TriggerIn(ctx, tx, run.Request{WorkspaceID: workspaceID, SyncID: d.ID, SyncSlug: d.Slug, Trigger: run.TriggerSchedule}, r.queue)
	return err
}

// sequenceRunner runs sequences for the timetable.
type sequenceRunner struct {
	sequences *sequence.Engine
	documents *resource.Store
}

var _ timetable.Runner = sequenceRunner{}

// Standing tells how a sequence stands.
func (r sequenceRunner) Standing(ctx context.Context, tx bun.Tx, workspaceID, sequenceID int64) (timetable.Standing, error) {
	st, err := r.sequences.Standing(ctx, tx, workspaceID, sequenceID)
	return timetable.Standing(st), err
}

// Missing says which sync a sequence lacks.
func (r sequenceRunner) Missing(ctx context.Context, workspaceID int64, d resource.Document) (string, error) {
	for _, step := range d.Spec.(*kindsequence.Spec).Steps { //nolint:forcetypeassert // the kind's own spec
		_, err := r.documents.Get(ctx, resource.Scope{WorkspaceID: workspaceID, Actor: engineActor}, "sync", step.Sync)
		if fault.Is(err, fault.CodeNotFound) {
			return err.Error(), nil
		}
		if err != nil {
			return "", err
		}
	}
	return "", nil
}

// Start makes a run.
func (r sequenceRunner) Start(ctx context.Context, tx bun.Tx, workspaceID int64, d resource.Document) error {
	_, err := r.sequences.TriggerIn(ctx, tx, sequence.Request{WorkspaceID: workspaceID, SequenceID: d.ID, SequenceSlug: d.Slug, Trigger: sequence.TriggerSchedule})
	return err
}

// steps runs syncs for sequences.
type steps struct {
	runs      *run.Store
	documents *resource.Store
	queue     run.Enqueuer
}

var _ sequence.Syncs = steps{}

// Start makes a run of a sync, or takes the one that waits. Whether the sync's own schedule is switched off does not
// matter (SY-85).
func (s steps) Start(ctx context.Context, tx bun.Tx, workspaceID int64, slug string) (sequence.Started, error) {
	d, err := s.documents.GetIn(ctx, tx, resource.Scope{WorkspaceID: workspaceID, Actor: engineActor}, "sync", slug)
	if err != nil {
		return sequence.Started{}, err
	}
	st, err := s.runs.Standing(ctx, tx, workspaceID, d.ID)
	if err != nil {
		return sequence.Started{}, err
	}
	r, err := s.runs.TriggerIn(ctx, tx, run.Request{WorkspaceID: workspaceID, SyncID: d.ID, SyncSlug: d.Slug, Trigger: run.TriggerSequence}, s.queue)
	return sequence.Started{SyncID: d.ID, RunID: r.ID, Own: r.ID != st.Waiting && r.ID != st.Active}, err
}

// Look tells how a run stands; where it was interrupted, how the run stands that goes on with its work.
func (s steps) Look(ctx context.Context, tx bun.Tx, workspaceID, runID int64) (sequence.Outcome, error) {
	r, err := s.runs.GetIn(ctx, tx, workspaceID, runID)
	for err == nil && r.State == run.Interrupted {
		next, found, cerr := s.runs.Continuation(ctx, tx, r)
		if cerr != nil || !found {
			err = cerr
			break
		}
		r = next
	}
	if fault.Is(err, fault.CodeNotFound) {
		return sequence.Outcome{RunID: runID, State: sequence.StepFailed, Error: err.Error()}, nil
	}
	return outcome(r), err
}

// outcome is a run as a sequence judges it. Rejected are the rows that keep a run from being a plain success (FLD-01).
func outcome(r run.Run) sequence.Outcome {
	c := r.Counts
	o := sequence.Outcome{
		RunID: r.ID, State: sequence.StepRunning, Finished: r.FinishedAt, Queried: c.Read,
		Rejected: c.Failed.Total() + c.Aborted.Total() + c.Duplicates,
	}
	switch r.State {
	case run.Committed:
		o.State = sequence.StepSuccess
		if c.Trouble() {
			o.State = sequence.StepWarning
		}
	case run.Cancelled:
		o.State = sequence.StepCancelled
	case run.Failed, run.Interrupted:
		o.State, o.Error = sequence.StepFailed, "its run ended before it was done"
		if r.Failure != nil {
			o.Error = r.Failure.Message
		}
	}
	return o
}

// Cancel asks a run to stop.
func (s steps) Cancel(ctx context.Context, tx bun.Tx, workspaceID, runID int64) error {
	_, err := s.runs.CancelIn(ctx, tx, workspaceID, runID)
	return err
}
