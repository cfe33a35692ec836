package sequence

import (
	"context"
	"fmt"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/sequence"
	"github.com/millrace/millrace/internal/resource"
	"github.com/uptrace/bun"
)

// execution is a run in the transaction that moves it on. It holds the sequence's lock.
type execution struct {
	*Engine

	tx    bun.Tx
	state stateRow
	run   Run
}

// take reads a run under its sequence's lock. A workspace of 0 means any.
func (e *Engine) take(ctx context.Context, tx bun.Tx, workspaceID, id int64) (*execution, error) {
	where := func(q *bun.SelectQuery) {
		q.Where("id = ?", id)
		if workspaceID != 0 {
			q.Where("workspace_id = ?", workspaceID)
		}
	}
	r, err := e.one(ctx, tx, where, id)
	if err != nil {
		return nil, err
	}
	st, err := e.lock(ctx, tx, r.WorkspaceID, r.SequenceID)
	if err != nil {
		return nil, err
	}
	if r, err = e.one(ctx, tx, where, id); err != nil { // as it is now that nobody else can change it
		return nil, err
	}
	return &execution{e, tx, st, r}, nil
}

// advance moves the run on as far as it can go without waiting.
func (x *execution) advance(ctx context.Context) error {
	if x.run.State == Pending {
		if x.state.ActiveRunID != 0 {
			return nil // Q1: whoever ends that run wakes this one
		}
		begun, err := x.begin(ctx)
		if err != nil || !begun {
			return err
		}
	}
	for at := range x.run.Steps {
		if x.run.Steps[at].State.Over() {
			continue
		}
		goOn, err := x.step(ctx, at)
		if err != nil || !goOn {
			return err
		}
	}
	return x.end(ctx, Done, "")
}

// begin pins the steps (Q4) and takes the sequence (Q1).
func (x *execution) begin(ctx context.Context) (begun bool, err error) {
	x.run.StartedAt = x.Clock.Now()
	d, err := x.Documents.GetByIDIn(ctx, x.tx, resource.Scope{WorkspaceID: x.run.WorkspaceID, Actor: actor}, "sequence", x.run.SequenceID)
	if fault.Is(err, fault.CodeNotFound) {
		return false, x.end(ctx, Failed, "the sequence was deleted")
	}
	if err != nil {
		return false, err
	}
	x.run.State, x.run.Revision = Running, d.Revision
	for at, step := range d.Spec.(*sequence.Spec).Steps { //nolint:forcetypeassert // the kind's own spec
		terminate, limit := step.Ends()
		x.run.Steps = append(x.run.Steps, Step{Sync: step.Sync, Terminate: terminate, Limit: limit, State: StepWaiting})
		if err := x.saveStep(ctx, x.tx, x.run, at); err != nil {
			return false, err
		}
	}
	if err := x.save(ctx, x.tx, x.run); err != nil {
		return false, err
	}
	return true, x.hold(ctx, x.tx, x.run.SequenceID, x.run.ID)
}

// step starts a step or looks what became of it. It reports whether the next one has its turn: this one is over, and
// did not end the sequence.
func (x *execution) step(ctx context.Context, at int) (goOn bool, err error) {
	s := &x.run.Steps[at]
	if s.State == StepWaiting {
		if x.run.CancelRequested {
			return false, x.end(ctx, Cancelled, "")
		}
		return x.start(ctx, at)
	}
	if x.run.CancelRequested && s.Own {
		if err := x.Syncs.Cancel(ctx, x.tx, x.run.WorkspaceID, s.RunID); err != nil {
			return false, err
		}
	}
	o, err := x.Syncs.Look(ctx, x.tx, x.run.WorkspaceID, s.RunID)
	if err != nil {
		return false, err
	}
	if o.State == StepRunning && (s.Own || !x.run.CancelRequested) {
		return false, x.follow(ctx, at, o)
	}
	if o.State == StepRunning { // somebody else's run goes on without this sequence
		o.State, o.Finished = StepCancelled, x.Clock.Now()
	}
	return x.judge(ctx, at, o)
}

// start makes the run of a step (Q2).
func (x *execution) start(ctx context.Context, at int) (goOn bool, err error) {
	s := &x.run.Steps[at]
	s.StartedAt = x.Clock.Now()
	started, err := x.Syncs.Start(ctx, x.tx, x.run.WorkspaceID, s.Sync)
	if fault.Is(err, fault.CodeNotFound) {
		return x.judge(ctx, at, Outcome{State: StepFailed, Finished: s.StartedAt, Error: fmt.Sprintf("there is no sync %q any more", s.Sync)})
	}
	if err != nil {
		return false, err
	}
	s.State, s.SyncID, s.RunID, s.Own = StepRunning, started.SyncID, started.RunID, started.Own
	return false, x.saveStep(ctx, x.tx, x.run, at)
}

// follow goes over to the run that continues an interrupted one.
func (x *execution) follow(ctx context.Context, at int, o Outcome) error {
	s := &x.run.Steps[at]
	if o.RunID == s.RunID {
		return nil
	}
	s.RunID = o.RunID
	if x.run.CancelRequested {
		if err := x.Syncs.Cancel(ctx, x.tx, x.run.WorkspaceID, s.RunID); err != nil {
			return err
		}
	}
	return x.saveStep(ctx, x.tx, x.run, at)
}

// judge notes what became of a step and decides whether the sequence goes on (Q3, SY-87).
func (x *execution) judge(ctx context.Context, at int, o Outcome) (goOn bool, err error) {
	s := &x.run.Steps[at]
	s.State, s.Rejected, s.FinishedAt, s.Error = o.State, o.Rejected, o.Finished, o.Error
	if o.RunID != 0 {
		s.RunID = o.RunID
	}
	if err := x.saveStep(ctx, x.tx, x.run, at); err != nil {
		return false, err
	}
	if x.run.CancelRequested {
		return false, x.end(ctx, Cancelled, "")
	}
	why := s.stops(o.Queried)
	if why == "" {
		return true, nil
	}
	return false, x.end(ctx, Failed, fmt.Sprintf("step %d, the sync %q, ended the sequence: %s", at+1, s.Sync, why))
}

// stops says why a step that is over ends the sequence; "" when it does not.
func (s Step) stops(queried int64) string {
	if s.Terminate == sequence.TerminateNever {
		return ""
	}
	switch s.State {
	case StepFailed:
		if s.Error == "" {
			return "its run failed"
		}
		return s.Error
	case StepCancelled:
		return "its run was cancelled"
	}
	if s.Terminate == sequence.TerminateRejected && s.Limit.Exceeded(s.Rejected, queried) {
		return fmt.Sprintf("%d rows were rejected", s.Rejected)
	}
	return ""
}

// end ends the run, frees the sequence, and wakes the run that waits for it (Q5).
func (x *execution) end(ctx context.Context, state State, why string) error {
	for at := range x.run.Steps {
		if s := &x.run.Steps[at]; s.State == StepWaiting {
			s.State = StepSkipped
			if err := x.saveStep(ctx, x.tx, x.run, at); err != nil {
				return err
			}
		}
	}
	x.run.State, x.run.Error, x.run.FinishedAt = state, why, x.Clock.Now()
	if err := x.save(ctx, x.tx, x.run); err != nil {
		return err
	}
	if x.state.ActiveRunID == x.run.ID || x.state.ActiveRunID == 0 {
		if err := x.release(ctx); err != nil {
			return err
		}
	}
	if x.Ended == nil {
		return nil
	}
	return x.Ended(ctx, x.tx, x.run)
}

func (x *execution) release(ctx context.Context) error {
	if err := x.hold(ctx, x.tx, x.run.SequenceID, 0); err != nil {
		return err
	}
	next, err := x.waiting(ctx, x.tx, x.run.SequenceID)
	if err != nil || next == nil {
		return err
	}
	return x.Waker.Wake(ctx, x.tx, next.ID, x.run.ID)
}
