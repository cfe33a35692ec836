// Package audiencesize looks at the audiences of ad accounts once a day. What it finds is written into a warehouse where a
// destination says so, as one snapshot after another (SY-94), and is kept for each sync that fills an audience as its
// matched users (MB-14). The invariants:
//
//	A1  one process at a time looks at a destination's audiences: it holds a lease, which every write here checks
//	A2  a look that is written to a warehouse has a name, which is kept until its end is noted. Its rows carry the name
//	    and are written in one transaction, and only where no row carries it: each look is written once
//	A3  a process whose lease is over writes nothing: its rows pass through a table of its own; whoever takes over removes
//	    that table first, and the transaction reads it
//	A4  rows of a snapshot are never changed or removed
//	A5  the combined view reads every table of audience sizes that there is: who replaces it looks again afterwards
package audiencesize

import (
	"context"
	"log/slog"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/destination"
	"github.com/millrace/millrace/internal/resource"
)

// Every is the time between two looks.
const Every = 24 * time.Hour

// Settles is how long vendors may take until what they tell of a sync's audience no longer changes (MB-14).
const Settles = 48 * time.Hour

const (
	leaseTime = 30 * time.Minute // of one look: more than it may take
	firstWait = time.Minute      // after an error; it doubles
	longWait  = 6 * time.Hour
	keepLooks = 30                   // of each destination
	keepMatch = 400 * 24 * time.Hour // of each sync: a year can be compared with the one before
)

// actor is who reads documents.
const actor = "millrace"

// State is how a destination's report stands.
type State string

// The states.
const (
	Waiting State = "waiting" // nothing was looked at yet
	Running State = "running"
	Done    State = "done"
	Failed  State = "failed" // it is tried again
)

// States lists the states.
var States = []State{Waiting, Running, Done, Failed}

// Destinations opens destinations.
type Destinations interface {
	// Destination opens a destination, whose secrets are in place.
	Destination(ctx context.Context, workspaceID, id int64, spec destination.Spec) (connector.Destination, error)
	// Job is what a sync, and its model, ask of the destination, without rows.
	Job(ctx context.Context, workspaceID int64, sync resource.Document, info connector.DestinationInfo) (connector.SyncJob, error)
}

// Warehouses opens the warehouse that a source is.
type Warehouses interface {
	// Warehouse returns the warehouse as the source describes it now. A source that is gone is fault.CodeNotFound.
	Warehouse(ctx context.Context, workspaceID, sourceID int64) (connector.Warehouse, error)
}

// Runs knows what syncs sent.
type Runs interface {
	// Members counts the rows that a sync's model had in its last run that succeeded; ok is false where none did.
	Members(ctx context.Context, workspaceID, syncID int64) (n int64, ok bool, err error)
	// Instance names this installation in a warehouse that it may share with others.
	Instance(ctx context.Context) (string, error)
}

// Reporter looks at the audiences of destinations. Any number of processes may have one.
type Reporter struct {
	DB           *db.DB
	Documents    *resource.Store
	Registry     *connector.Registry
	Destinations Destinations
	Warehouses   Warehouses
	Runs         Runs
	Clock        clock.Clock
	Log          *slog.Logger
	Failpoint    func(point string) // called at each edge of a look's way; nil outside tests

	more []view // versions of the combined view besides those that there are
}

func (r *Reporter) reach(point string) {
	if r.Failpoint != nil {
		r.Failpoint(point)
	}
}

// Failure is an error as it is kept.
type Failure struct {
	Code       fault.Code `json:"code"`
	Message    string     `json:"message"`
	Suggestion string     `json:"suggestion"`
}

func failureOf(err error) Failure {
	e := fault.As(err)
	return Failure{Code: e.Code, Message: err.Error(), Suggestion: e.Hint()}
}

// found is what one look found.
type found struct {
	at        time.Time
	audiences []connector.Audience
	owners    map[connector.AudienceRef]int64 // the sync that fills an audience; of several the oldest
	syncs     map[int64]connector.AudienceRef
	members   map[int64]*int64
	writtenTo string // the table of the warehouse; empty: none
}
