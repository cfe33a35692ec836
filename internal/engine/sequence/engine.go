package sequence

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/sequence"
	"github.com/millrace/millrace/internal/resource"
	"github.com/uptrace/bun"
)

// Syncs runs the syncs of steps.
type Syncs interface {
	// Start makes a run of a sync, or returns the one that waits already: it begins after now, so that it does what
	// the step is for. A sync that does not exist is fault.CodeNotFound, and leaves tx usable.
	Start(ctx context.Context, tx bun.Tx, workspaceID int64, slug string) (Started, error)
	// Look tells how a run stands.
	Look(ctx context.Context, tx bun.Tx, workspaceID, runID int64) (Outcome, error)
	// Cancel asks a run to stop; one that is over stays as it is.
	Cancel(ctx context.Context, tx bun.Tx, workspaceID, runID int64) error
}

// Started is the run of a step.
type Started struct {
	SyncID int64
	RunID  int64
	Own    bool // it was made for this step
}

// Outcome is how the run of a step stands.
type Outcome struct {
	RunID    int64     // the run itself, or the one that goes on where it was interrupted
	State    StepState // StepRunning, or what became of it
	Rejected int64     // rows
	Queried  int64     // rows that the model's query returned
	Finished time.Time
	Error    string
}

// Waker lets a worker call Advance when tx is over. cause tells one wake-up from the next: the queue leaves out
// what it has already.
type Waker interface {
	Wake(ctx context.Context, tx bun.Tx, runID, cause int64) error
}

// Options are what an Engine needs.
type Options struct {
	DB        *db.DB
	Documents *resource.Store
	Syncs     Syncs
	Waker     Waker
	Clock     clock.Clock
	Ended     func(ctx context.Context, tx bun.Tx, r Run) error // called in the transaction that ends a run; may be nil
	Failpoint func(point string)                                // called at each edge of the state machine; nil outside tests
}

// Engine executes runs of sequences.
type Engine struct{ Options }

// New returns an engine.
func New(o Options) *Engine { return &Engine{o} }

// actor is who reads documents for runs.
const actor = "millrace"

// Follow makes the engine stop the runs of a sequence that is deleted. Call it once, before the documents' store is
// used.
func (e *Engine) Follow(documents *resource.Store) {
	documents.OnDelete(func(ctx context.Context, tx bun.Tx, sc resource.Scope, d resource.Document) error {
		if _, is := d.Spec.(*sequence.Spec); !is {
			return nil
		}
		var ids []int64
		err := tx.NewSelect().Table("sequence_runs").Column("id").Where("workspace_id = ?", sc.WorkspaceID).Where("sequence_id = ?", d.ID).
			Where("state IN (?)", bun.List([]State{Pending, Running})).Order("id DESC").Scan(ctx, &ids)
		if err != nil {
			return fmt.Errorf("looking for runs of the sequence %q: %w", d.Slug, err)
		}
		for _, id := range ids { // the waiting one first, so that it does not begin
			if err := e.cancel(ctx, tx, sc.WorkspaceID, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// Request asks for a run of a sequence.
type Request struct {
	WorkspaceID  int64
	SequenceID   int64
	SequenceSlug string
	Trigger      string
}

// Trigger makes a run, or returns the one that waits already: while a run is under way, one more may wait for it
// (Q1). The run is visible when Trigger returns.
func (e *Engine) Trigger(ctx context.Context, q Request) (Run, error) {
	var r Run
	err := e.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		r, err = e.TriggerIn(ctx, tx, q)
		return err
	})
	return r, err
}

// TriggerIn is Trigger within a transaction. It takes a number, so that tx must take no lock of a sync after it.
func (e *Engine) TriggerIn(ctx context.Context, tx bun.Tx, q Request) (Run, error) {
	if _, err := e.lock(ctx, tx, q.WorkspaceID, q.SequenceID); err != nil {
		return Run{}, err
	}
	waiting, err := e.waiting(ctx, tx, q.SequenceID)
	if err != nil {
		return Run{}, err
	}
	if waiting != nil {
		return *waiting, nil
	}
	id, err := e.DB.NextID(ctx, tx)
	if err != nil {
		return Run{}, fmt.Errorf("numbering a run: %w", err)
	}
	r := Run{
		ID: id, UUID: uuid.NewString(), WorkspaceID: q.WorkspaceID, SequenceID: q.SequenceID, SequenceSlug: q.SequenceSlug,
		Trigger: q.Trigger, State: Pending, CreatedAt: e.Clock.Now(),
	}
	if _, err := tx.NewInsert().Model(toRow(r)).Exec(ctx); err != nil {
		return Run{}, fmt.Errorf("making a run of sequence %d: %w", q.SequenceID, err)
	}
	return r, e.Waker.Wake(ctx, tx, r.ID, 0)
}

// Cancel asks a run to stop. A waiting run is cancelled at once. One under way cancels the run that its step made,
// waits for it to settle what it has sent, and ends as cancelled; a run that somebody else asked for is left alone.
// A run that is over stays as it is.
func (e *Engine) Cancel(ctx context.Context, workspaceID, id int64) (Run, error) {
	err := e.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error { return e.cancel(ctx, tx, workspaceID, id) })
	if err != nil {
		return Run{}, err
	}
	return e.Get(ctx, workspaceID, id)
}

func (e *Engine) cancel(ctx context.Context, tx bun.Tx, workspaceID, id int64) error {
	x, err := e.take(ctx, tx, workspaceID, id)
	if err != nil || x.run.State.Ended() {
		return err
	}
	x.run.CancelRequested = true
	if x.run.State == Pending {
		return x.end(ctx, Cancelled, "")
	}
	if err := e.save(ctx, tx, x.run); err != nil {
		return err
	}
	return x.advance(ctx)
}

// Advance moves a run on as far as it can go now. Any number of workers may call it, at any time.
func (e *Engine) Advance(ctx context.Context, id int64) error {
	moved := false
	err := e.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		x, err := e.take(ctx, tx, 0, id)
		if err != nil || x.run.State.Ended() {
			return err
		}
		if err := x.advance(ctx); err != nil {
			return err
		}
		moved = true
		e.reach("sequence-step")
		return nil
	})
	if fault.Is(err, fault.CodeNotFound) {
		return nil
	}
	if err == nil && moved {
		e.reach("sequence-stepped")
	}
	return err
}

// Reap moves on every run that is not over: what would have woken it may be lost.
func (e *Engine) Reap(ctx context.Context) error {
	var ids []int64
	err := e.DB.NewSelect().Table("sequence_runs").Column("id").Where("state IN (?)", bun.List([]State{Pending, Running})).Order("id").Scan(ctx, &ids)
	if err != nil {
		return fmt.Errorf("looking for runs of sequences: %w", err)
	}
	var errs []error
	for _, id := range ids {
		errs = append(errs, e.Advance(ctx, id))
	}
	return errors.Join(errs...)
}

// SyncEnded wakes the runs whose step waits for a sync's run, in the transaction that ends that one. It takes no
// lock.
func (e *Engine) SyncEnded(ctx context.Context, tx bun.Tx, syncRunID int64) error {
	var ids []int64
	err := tx.NewSelect().Table("sequence_steps").Column("sequence_run_id").Where("run_id = ?", syncRunID).Where("state = ?", string(StepRunning)).Scan(ctx, &ids)
	if err != nil {
		return fmt.Errorf("looking for sequences that wait for run %d: %w", syncRunID, err)
	}
	for _, id := range ids {
		if err := e.Waker.Wake(ctx, tx, id, syncRunID); err != nil {
			return err
		}
	}
	return nil
}

// Standing is how a sequence stands between its runs.
type Standing struct {
	Active  int64     // the run under way; 0 means none
	Waiting int64     // the run that waits for it, or to begin; 0 means none
	Last    time.Time // when the newest run ended, or was made where it has not; zero means never
}

// Standing tells how a sequence stands. Nothing of it changes before tx is over.
func (e *Engine) Standing(ctx context.Context, tx bun.Tx, workspaceID, sequenceID int64) (Standing, error) {
	st, err := e.lock(ctx, tx, workspaceID, sequenceID)
	if err != nil {
		return Standing{}, err
	}
	waiting, err := e.waiting(ctx, tx, sequenceID)
	if err != nil {
		return Standing{}, err
	}
	out := Standing{Active: st.ActiveRunID}
	if waiting != nil {
		out.Waiting = waiting.ID
	}
	runs, err := e.find(ctx, tx, func(q *bun.SelectQuery) {
		q.Where("workspace_id = ?", workspaceID).Where("sequence_id = ?", sequenceID).Order("id DESC").Limit(1)
	})
	if err != nil || len(runs) == 0 {
		return out, err
	}
	out.Last = runs[0].CreatedAt
	if runs[0].FinishedAt.After(out.Last) {
		out.Last = runs[0].FinishedAt
	}
	return out, nil
}

// reach marks an edge of the state machine for the tests that stop the process there.
func (e *Engine) reach(point string) {
	if e.Failpoint != nil {
		e.Failpoint(point)
	}
}
