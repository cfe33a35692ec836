// Package monitor tells monitoring systems how runs went. A run that ends leaves a report for each monitor of its
// workspace, in the transaction that ends it; reports are sent afterwards, and again where that fails.
package monitor

import (
	"context"
	"time"

	"github.com/millrace/millrace/internal/kind/monitor"
)

// Report is how a run went.
type Report struct {
	Workspace string        `json:"workspace"` // slug
	Sync      string        `json:"sync"`      // slug
	Name      string        `json:"name"`      // of the sync
	Run       int64         `json:"run"`
	Status    string        `json:"status"` // success, warning, failed or cancelled
	Words     string        `json:"words,omitempty"`
	EndedAt   time.Time     `json:"endedAt"`
	Query     time.Duration `json:"query"`     // until the model's rows were there
	Execution time.Duration `json:"execution"` // from then on
	Rows      []Rows        `json:"rows,omitempty"`
	Path      string        `json:"path"` // of the run's page in the web app
	Test      bool          `json:"test,omitempty"`
}

// Rows are rows of a run that had one fate.
type Rows struct {
	Operation string `json:"operation"` // added, changed or removed
	Success   bool   `json:"success"`
	Count     int64  `json:"count"`
}

// The statuses of a run.
const (
	Success   = "success"
	Warning   = "warning"
	Failed    = "failed"
	Cancelled = "cancelled"
)

// Sender brings a report to a monitor, once.
type Sender interface {
	Send(ctx context.Context, m monitor.Spec, r Report) error
}

// Monitors reads monitors with their secrets in place.
type Monitors interface {
	Monitor(ctx context.Context, workspaceID, id int64) (monitor.Spec, error)
}
