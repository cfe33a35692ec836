package monitor

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"

	"github.com/millrace/millrace/internal/fault"
)

// atOnce is how many reports are under way in one process.
const atOnce = 4

// Dispatcher sends the reports that are due. Any number of processes may have one.
type Dispatcher struct {
	Store    *Store
	Monitors Monitors
	Sender   Sender
	Log      *slog.Logger
}

// Sweep sends what is due, and returns when nothing is.
func (d *Dispatcher) Sweep(ctx context.Context) {
	due, err := d.Store.due(ctx)
	if err != nil && ctx.Err() == nil {
		d.Log.Error("looking for reports", "error", err)
	}
	var workers sync.WaitGroup
	for range min(due, atOnce) {
		workers.Go(func() {
			for more := true; more && ctx.Err() == nil; {
				more = d.one(ctx)
			}
		})
	}
	workers.Wait()
}

// one sends a report, and tells whether there was one.
func (d *Dispatcher) one(ctx context.Context) bool {
	row, ok, err := d.Store.take(ctx)
	if err != nil && ctx.Err() == nil {
		d.Log.Error("looking for reports", "error", err)
	}
	if !ok {
		return false
	}
	err = d.attempt(ctx, row)
	if ctx.Err() != nil && err != nil {
		return false // the process stops; when the lease is over, another one sends it
	}
	if err != nil {
		d.Log.Warn("sending a report", "report", row.ID, "monitor", row.MonitorID, "attempt", row.Attempts, "code", fault.As(err).Code)
	}
	if err := d.Store.settle(ctx, row, err); err != nil && ctx.Err() == nil {
		d.Log.Error("noting how a report was sent", "report", row.ID, "error", err)
	}
	return true
}

func (d *Dispatcher) attempt(ctx context.Context, row reportRow) error {
	var r Report
	if err := json.Unmarshal([]byte(row.Content), &r); err != nil {
		return fault.Wrap(err, fault.CodeInternal, "reading a report")
	}
	m, err := d.Monitors.Monitor(ctx, row.WorkspaceID, row.MonitorID)
	if err != nil {
		return err
	}
	return d.Sender.Send(ctx, m, r)
}
