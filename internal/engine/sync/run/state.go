// Package run executes syncs: one run after another for each sync, each a state machine whose every edge
// survives the death of the process.
//
//	queued → querying → planning → delivering → settling → committed | failed | cancelled | interrupted
//
// The invariants, cited where they are enforced (delivery has its own, D1 to D6):
//
//	R1  two runs of one sync never overlap: a run holds the sync's lease under a fencing epoch
//	R2  every durable step checks the epoch: a worker that lost the lease changes nothing more
//	R3  the plan and the staged rows are in storage before the first row leaves
//	R4  a run that ended without settling is folded into the baseline before the next one plans
//	R5  baseline, counters and status change in one transaction
//	R6  objects are named by their run and never rewritten; what nothing points to is removed afterwards
//	R7  a run pins the revisions that it executes; changes take effect with the next run
package run

import (
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// State is where a run stands.
type State string

// The states.
const (
	Queued      State = "queued"      // waiting for a worker, or for the sync's previous run
	Querying    State = "querying"    // the model's query runs and its rows are staged
	Planning    State = "planning"    // rows are compared with the baseline
	Delivering  State = "delivering"  // rows are being sent
	Settling    State = "settling"    // answers are folded into the next baseline
	Committed   State = "committed"   // done; rows may have been refused
	Failed      State = "failed"      // stopped by an error; what was sent before is settled
	Cancelled   State = "cancelled"   // stopped by a person; what was sent before is settled
	Interrupted State = "interrupted" // the process ended; a later run continues
)

// States lists the states in the order in which a run goes through them.
var States = []State{Queued, Querying, Planning, Delivering, Settling, Committed, Failed, Cancelled, Interrupted}

// Ended reports whether a run in this state is over.
func (s State) Ended() bool {
	return s == Committed || s == Failed || s == Cancelled || s == Interrupted
}

// Words are the names that one state has in each place where it shows. The table is
// docs/reference/run-states.md.
type Words struct {
	REST      string // status of a run in the REST contract
	Sync      string // status of the sync in the web app (SY-03)
	Run       string // status of a run in the web app (SY-69)
	Warehouse string // sync_runs.status in the warehouse log; empty while running
	Metric    string // label of millrace_sync_runs_total
}

// WordsFor returns the names of a state. trouble says that rows were refused or are in doubt.
func WordsFor(s State, trouble bool) Words {
	switch s {
	case Queued:
		return Words{"queued", "Queued", "Queued", "", "queued"}
	case Querying:
		return Words{"querying", "Querying", "Querying", "", "querying"}
	case Planning:
		return Words{"querying", "Preparing", "Querying", "", "planning"}
	case Delivering:
		return Words{"processing", "In progress", "Processing", "", "delivering"}
	case Settling:
		return Words{"reporting", "In progress", "Processing", "", "settling"}
	case Committed:
		if trouble {
			return Words{"warning", "Healthy", "Completed with errors", "succeeded", "warning"}
		}
		return Words{"success", "Healthy", "Completed", "succeeded", "success"}
	case Cancelled:
		return Words{"cancelled", "Healthy", "Cancelled by user", "failed", "cancelled"}
	case Interrupted:
		return Words{"interrupted", "Incomplete", "Interrupted", "failed", "interrupted"}
	default:
		return Words{"failed", "Failed", "Aborted due to fatal error", "failed", "failed"}
	}
}

// Triggers of a run.
const (
	TriggerManual   = "manual"
	TriggerSchedule = "schedule"
	TriggerAPI      = "api"
	TriggerRecovery = "recovery"
	TriggerModel    = "model"    // the model's primary key is another one (M-08)
	TriggerSequence = "sequence" // a step of a sequence (SY-86)
)

// Options are what a trigger asks for beyond a plain run.
type Options struct {
	FullResync   bool `json:"fullResync"`   // every row is Added, nothing is compared (SY-12)
	ResetCDC     bool `json:"resetCDC"`     // nothing is sent; the model as it is now counts as synced (SY-14)
	ClearAndFill bool `json:"clearAndFill"` // a full resync, before which the destination is emptied (SY-13)
}

// contradict reports whether the options cannot be had in one run.
func (o Options) contradict() bool { return o.ResetCDC && (o.FullResync || o.ClearAndFill) }

// merge combines the options of two triggers that lead to one run.
func (o Options) merge(p Options) Options {
	return Options{o.FullResync || p.FullResync, o.ResetCDC || p.ResetCDC, o.ClearAndFill || p.ClearAndFill}
}

// OpCounts counts rows by operation.
type OpCounts struct {
	Added   int64 `json:"added"`
	Changed int64 `json:"changed"`
	Removed int64 `json:"removed"`
}

// Total returns the sum.
func (c OpCounts) Total() int64 { return c.Added + c.Changed + c.Removed }

// set changes the count of one operation.
func (c *OpCounts) set(op connector.Operation, n int64) {
	switch op {
	case connector.Added:
		c.Added = n
	case connector.Changed:
		c.Changed = n
	case connector.Removed:
		c.Removed = n
	}
}

// Counts are a run's numbers. They add up (FLD-02): once the rows were compared, Read = Rows.Added +
// Rows.Changed + Unchanged + NullKeys + Duplicates, and for each operation Planned = Succeeded + Failed + Aborted
// once the run is over, however it ended.
// Duplicates are all rows that were rejected before they could be planned. Rows is what the model did; Ignored is the part of it that the sync's configuration does not act on.
type Counts struct {
	Read       int64    `json:"read"`
	Rows       OpCounts `json:"rows"`
	Unchanged  int64    `json:"unchanged"`
	NullKeys   int64    `json:"nullKeys"`
	Duplicates int64    `json:"duplicates"`
	Ignored    OpCounts `json:"ignored"`
	Planned    OpCounts `json:"planned"`
	Succeeded  OpCounts `json:"succeeded"`
	Failed     OpCounts `json:"failed"` // rows in doubt among them
	Aborted    OpCounts `json:"aborted"`
	InDoubt    int64    `json:"inDoubt"`
}

// Trouble reports whether rows were refused or are in doubt: the run is not a plain success (FLD-01).
func (c Counts) Trouble() bool {
	return c.Failed.Total() > 0 || c.Aborted.Total() > 0 || c.Duplicates > 0
}

// Failure is a run's error as it is stored.
type Failure struct {
	Code       fault.Code `json:"code"`
	Message    string     `json:"message"`
	Suggestion string     `json:"suggestion,omitempty"`
}

// failureOf returns the stored form of an error.
func failureOf(err error) *Failure {
	if err == nil {
		return nil
	}
	e := fault.As(err)
	return &Failure{Code: e.Code, Message: err.Error(), Suggestion: e.Hint()}
}

// Run is one execution of a sync.
type Run struct {
	ID          int64
	WorkspaceID int64
	SyncID      int64
	SyncSlug    string
	Trigger     string
	Options     Options
	State       State
	CreatedAt   time.Time
	StartedAt   time.Time // zero before a worker took it
	FinishedAt  time.Time // zero while it runs
	ResumeAt    time.Time // when a run that paused for its destination's limits goes on; zero while a worker has it
	Counts      Counts
	Failure     *Failure
	Pinned      Pinned
	Epoch       int64

	cancelling bool // a person asked to cancel it
}

// Words returns the run's status in each vocabulary.
func (r Run) Words() Words { return WordsFor(r.State, r.Counts.Trouble()) }

// Durations returns how long it took until the model's rows were there, and how long from then on.
func (r Run) Durations() (query, execution time.Duration) {
	switch {
	case r.StartedAt.IsZero() || r.FinishedAt.IsZero():
		return 0, 0
	case r.Pinned.Queried.IsZero():
		return r.FinishedAt.Sub(r.StartedAt), 0
	default:
		return r.Pinned.Queried.Sub(r.StartedAt), r.FinishedAt.Sub(r.Pinned.Queried)
	}
}

// Progress returns how much of the plan has an answer, from 0 to 1.
func (r Run) Progress() float64 {
	if r.State.Ended() {
		return 1
	}
	planned := r.Counts.Planned.Total()
	if planned == 0 {
		return 0
	}
	return float64(r.Counts.Succeeded.Total()+r.Counts.Failed.Total()) / float64(planned)
}
