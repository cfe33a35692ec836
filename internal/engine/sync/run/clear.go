package run

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/delivery"
	"github.com/millrace/millrace/internal/fault"
	"github.com/uptrace/bun"
)

// Clear and fill empties the destination once the run knows what it will send, so that a query that fails empties
// nothing. From before the emptying until it is over the sync is marked (resetClear): whatever happens in between, its
// next run empties again and sends every row, since nobody knows what the destination holds. That may be another run
// than the one that was asked for it. A CDC reset takes the mark away.

// clearAgain is how long a run pauses before it tries to empty the destination again, if the vendor does not say.
const clearAgain = 30 * time.Second

// announceClear marks the sync before the plan is kept, that is before anything is emptied or sent.
func (x *execution) announceClear(w *work) error {
	if !w.options.ClearAndFill {
		return nil
	}
	if _, ok := w.session.(connector.Clearer); !ok {
		return fault.New(fault.CodeInvalid, "the destination cannot be emptied").WithSuggestion("Run a full resync instead, or a CDC reset where a clear and fill was begun.")
	}
	return x.markClear(resetClear)
}

// clear empties the destination, unless this run did already.
func (x *execution) clear(w *work) error {
	if x.lease.run.Pinned.Reset != resetClear || x.lease.run.Options.ResetCDC {
		return nil
	}
	c, ok := w.session.(connector.Clearer)
	if !ok {
		return fault.New(fault.CodeInvalid, "the destination cannot be emptied")
	}
	x.reach("clearing")
	err := c.Clear(x.drain)
	w.pace.Close()
	if err != nil {
		return x.uncleared(err)
	}
	x.reach("cleared")
	x.log.Info("the destination was emptied")
	return x.markClear("")
}

// uncleared puts the run aside where another attempt may succeed: no worker waits for the vendor.
func (x *execution) uncleared(err error) error {
	if x.drain.Err() != nil {
		return context.Cause(x.drain)
	}
	f := fault.As(err)
	if pause, is := errors.AsType[*delivery.Pause](err); is {
		f.After = pause.Until.Sub(x.Clock.Now())
	}
	switch f.Class {
	case fault.Permanent, fault.Fatal:
		return fmt.Errorf("emptying the destination: %w", err)
	default:
		return &delivery.Pause{Until: x.Clock.Now().Add(max(f.After, clearAgain)), Err: err}
	}
}

// markClear notes that the destination is to be emptied, or that it was.
func (x *execution) markClear(mark string) error {
	x.change(func(r *Run) { r.Pinned.Reset = mark })
	return x.lease.guard(x.ctx, func(ctx context.Context, tx bun.Tx, _ syncState) error {
		_, err := tx.NewUpdate().Table("sync_state").Set("pending_reset = ?", mark).Where("sync_id = ?", x.lease.run.SyncID).Exec(ctx)
		if err != nil {
			return fmt.Errorf("noting that sync %d is cleared: %w", x.lease.run.SyncID, err)
		}
		return x.Store.update(ctx, tx, x.lease.run)
	})
}

// done is the mark that the end of the run takes from its sync. That of emptying goes when it is over, or with a CDC
// reset.
func (r Run) done() string {
	if r.Pinned.Reset == resetClear && !r.Options.ResetCDC {
		return ""
	}
	return r.Pinned.Reset
}
