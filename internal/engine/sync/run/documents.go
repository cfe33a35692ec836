package run

import (
	"context"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/kind/destination"
	"github.com/millrace/millrace/internal/kind/model"
	"github.com/millrace/millrace/internal/kind/source"
	"github.com/millrace/millrace/internal/kind/sync"
)

// Meta identifies one revision of a document.
type Meta struct {
	ID       int64  `json:"id"`
	Slug     string `json:"slug"`
	Name     string `json:"name"`
	Revision int64  `json:"revision"`
}

// Bundle is the documents that a run executes, with their secrets.
type Bundle struct {
	Sync        Meta
	Model       Meta
	Source      Meta
	Destination Meta

	SyncSpec        sync.Spec
	ModelSpec       model.Spec
	SourceSpec      source.Spec
	DestinationSpec destination.Spec

	// ModelKey is the model's own primary key where the sync expands an array: then ModelSpec.PrimaryKey is the element.
	ModelKey string
}

// Documents reads what a run executes.
type Documents interface {
	// Bundle returns the newest revisions of a sync and of what it refers to, with secrets in place.
	Bundle(ctx context.Context, workspaceID, syncID int64) (Bundle, error)
}

// Storage is where plans, baselines and request logs are kept: sealed with the workspace's key. A missing
// object is fault.CodeNotFound.
type Storage interface {
	Upload(ctx context.Context, workspaceID int64, key, localPath string) error
	Download(ctx context.Context, workspaceID int64, key, localPath string) error
	DeletePrefix(ctx context.Context, workspaceID int64, prefix string) error
}

// Pinned is what a run fixed when it began, so that it can be settled after a crash (R4, R7).
type Pinned struct {
	Sync        Meta                  `json:"sync,omitzero"`
	Model       Meta                  `json:"model,omitzero"`
	Source      Meta                  `json:"source,omitzero"`
	Destination Meta                  `json:"destination,omitzero"`
	PrimaryKey  string                `json:"primaryKey,omitempty"`
	Mapping     string                `json:"mapping,omitempty"` // mapping.Mapping.Hash
	Target      string                `json:"target,omitempty"`  // what the destination points to
	Form        string                `json:"form,omitempty"`    // digest of what makes requests of rows (doubts)
	Idempotency connector.Idempotency `json:"idempotency,omitempty"`
	Resend      bool                  `json:"resend,omitempty"`
	Deferred    bool                  `json:"deferred,omitempty"`
	EveryRow    bool                  `json:"everyRow,omitempty"` // no change tracking: all and snapshot modes
	Reset       string                `json:"reset,omitempty"`    // the pending reset that this run carries out
	Expanded    string                `json:"expanded,omitempty"` // the column whose arrays are expanded
	Place       int64                 `json:"place,omitempty"`    // Place.ID of the storage that holds the run's objects
	Engine      string                `json:"engine,omitempty"`   // connector.EngineBasic (also when empty) or EngineLightning
	Migrated    bool                  `json:"migrated,omitempty"` // it copied what was settled into the warehouse (SY-51)

	Logs *Logs       `json:"logs,omitempty"` // what is written into the warehouse when it is over
	Plan *PlanObject `json:"plan,omitempty"` // set once it is in storage (R3)

	Pauses Pauses `json:"pauses,omitzero"`

	Queried time.Time `json:"queried,omitzero"` // when the model's rows were there

	// Once lists the operations whose rows would have their effect twice if they were sent twice, and which
	// are therefore not sent again when they are in doubt.
	Once []connector.Operation `json:"once,omitempty"`

	// Keyed lists the operations whose rows in doubt have no second effect if they are sent as they were before
	// (doubts).
	Keyed []connector.Operation `json:"keyed,omitempty"`
}

// Pauses are how often the destination's limits put the run aside.
type Pauses struct {
	Idle     int   `json:"idle"`     // pauses one after another between which nothing was answered
	Answered int64 `json:"answered"` // rows with an answer at the last one
}

// PlanObject is a plan in storage.
type PlanObject struct {
	Prefix   string   `json:"prefix"`   // of the plan's files
	Files    []string `json:"files"`    // base names
	Baseline string   `json:"baseline"` // prefix of the staged files, which become the next baseline
	Staged   []string `json:"staged"`   // base names
	Manifest []byte   `json:"manifest"` // plan.Manifest as JSON
}
