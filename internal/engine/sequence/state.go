// Package sequence executes sequences: one sync after another, each by a run of its own (SY-86).
//
//	pending → running → done | failed | cancelled
//
// A run of a sequence holds no worker. It is moved on by short transactions: when it is triggered, when the run that
// its step waits for ends, and by a look every few seconds, which makes up for whatever was lost on the way. Each of
// them takes the sequence's row for itself, so that it does not matter how many workers come, or how often, or where
// a process dies.
//
// The invariants, cited where they are enforced:
//
//	Q1  two runs of one sequence never overlap, and at most one more waits
//	Q2  a step's run is made in the transaction that notes it: each step has exactly one
//	Q3  a step is judged once, in the transaction that begins the next step or ends the sequence
//	Q4  a run pins the steps with which it begins; changes take effect with the next run
//	Q5  a run's end, and the wake-up of the run that waits for it, are one transaction
package sequence

import (
	"time"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/sequence"
)

// State is where a run of a sequence stands. The words are those of the REST contract.
type State string

// The states.
const (
	Pending   State = "pending"   // waiting for the sequence's previous run, or just made
	Running   State = "running"   // a step is under way
	Done      State = "done"      // every step came to its end, and none of them ended the sequence
	Failed    State = "failed"    // a step ended the sequence
	Cancelled State = "cancelled" // stopped by a person
)

// States lists the states in the order in which a run goes through them.
var States = []State{Pending, Running, Done, Failed, Cancelled}

// Ended reports whether a run in this state is over.
func (s State) Ended() bool { return s == Done || s == Failed || s == Cancelled }

// StepState is where a step stands.
type StepState string

// The states of a step. From success on they are what became of its sync's run.
const (
	StepWaiting   StepState = "waiting" // its turn has not come
	StepRunning   StepState = "running" // its sync's run waits or is under way
	StepSuccess   StepState = "success"
	StepWarning   StepState = "warning" // rows were rejected
	StepFailed    StepState = "failed"
	StepCancelled StepState = "cancelled"
	StepSkipped   StepState = "skipped" // the sequence ended before its turn
)

// StepStates lists the states of a step.
var StepStates = []StepState{StepWaiting, StepRunning, StepSuccess, StepWarning, StepFailed, StepCancelled, StepSkipped}

// Over reports whether a step in this state had its turn.
func (s StepState) Over() bool { return s != StepWaiting && s != StepRunning }

// Triggers of a run.
const (
	TriggerManual   = "manual"
	TriggerSchedule = "schedule"
	TriggerAPI      = "api"
)

// Run is one execution of a sequence.
type Run struct {
	ID              int64
	UUID            string
	WorkspaceID     int64
	SequenceID      int64
	SequenceSlug    string
	Revision        int64 // of the document that it executes; 0 before it began
	Trigger         string
	State           State
	CancelRequested bool
	CreatedAt       time.Time
	StartedAt       time.Time // zero before it began
	FinishedAt      time.Time // zero while it runs
	Error           string    // why it failed
	Steps           []Step    // in their order; none before it began
}

// Failure returns the error of a failed run, nil for every other.
func (r Run) Failure() *fault.Error {
	if r.State != Failed {
		return nil
	}
	return fault.New(fault.CodeSequenceStopped, "%s", r.Error)
}

// Trouble reports whether a step did not go well, whether or not it ended the sequence.
func (r Run) Trouble() bool {
	for _, s := range r.Steps {
		if s.State == StepWarning || s.State == StepFailed || s.State == StepCancelled {
			return true
		}
	}
	return false
}

// Step is one step of a run.
type Step struct {
	Sync       string // slug
	SyncID     int64  // 0 before its turn
	Terminate  sequence.Terminate
	Limit      sequence.Limit
	RunID      int64 // of the sync's run; 0 before its turn
	Own        bool  // the run was made for this step, and not for somebody else who waited for one already
	State      StepState
	Rejected   int64     // rows of the sync's run
	StartedAt  time.Time // when its turn came; zero before
	FinishedAt time.Time // zero before its end
	Error      string    // of the sync's run
}
