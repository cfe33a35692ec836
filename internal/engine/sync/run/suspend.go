package run

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/millrace/millrace/internal/connector/state"
	"github.com/millrace/millrace/internal/fault"
)

// A destination whose provider does not accept its permission any more (fault.CodeDestinationGrant) is suspended by the
// first run that finds out: schedules do not start its syncs, so that one failure tells of it instead of one for each
// sync and each time. A person may start them. It is over when the destination's document changes, which allowing the
// access again does, or when a run succeeds.

// suspensionKey is where a suspension is in the destination's state.
const suspensionKey = "suspension"

// Suspension is why schedules do not start the syncs of a destination.
type Suspension struct {
	Revision int64     `json:"revision"` // of the destination's document
	Code     string    `json:"code"`
	Reason   string    `json:"reason"`
	Since    time.Time `json:"since"`
	RunID    int64     `json:"runId"` // the run that found out
}

// Suspended returns why schedules do not start the syncs of a destination; nil where they do.
func Suspended(ctx context.Context, states *state.Store, workspaceID int64, destination Meta) (*Suspension, error) {
	state := states.Of(workspaceID, "destination", destination.ID)
	if state == nil {
		return nil, nil //nolint:nilnil // nothing is remembered
	}
	text, found, err := state.Load(ctx, suspensionKey)
	if err != nil || !found || text == "" {
		return nil, err
	}
	var s Suspension
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return nil, fmt.Errorf("reading why the destination is suspended: %w", err)
	}
	if s.Revision != destination.Revision {
		return nil, nil //nolint:nilnil // it was changed since
	}
	return &s, nil
}

// suspend notes what the run found out about its destination's permission. The run is over already: what cannot be
// noted is found out by the next one.
func (x *execution) suspend(cause error) {
	r := x.lease.run
	state := x.State.Of(r.WorkspaceID, "destination", r.Pinned.Destination.ID)
	if state == nil || r.State != Committed && !fault.Is(cause, fault.CodeDestinationGrant) {
		return
	}
	next := ""
	if r.State == Committed {
		if _, found, err := state.Load(x.ctx, suspensionKey); err != nil || !found {
			return
		}
	} else {
		s := Suspension{Revision: r.Pinned.Destination.Revision, Code: string(fault.CodeDestinationGrant), Reason: cause.Error(), Since: r.FinishedAt, RunID: r.ID}
		text, err := json.Marshal(s)
		if err != nil {
			return
		}
		next = string(text)
	}
	change := func(context.Context, string) (string, error) { return next, nil }
	if _, err := state.Update(x.ctx, suspensionKey, change); err != nil {
		x.log.Warn("noting the state of the destination's permission", "error", err)
	}
}
