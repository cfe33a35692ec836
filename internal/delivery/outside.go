package delivery

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
)

// Outside paces the requests of a run that belong to no batch: those with which a session begins, is emptied and
// finishes. Together they count as a batch does that asks before each request.
type Outside struct {
	Quotas   Quotas // nil: the run keeps to the limits by itself
	Owner    string
	SyncID   int64
	Clock    clock.Clock
	Log      *slog.Logger
	Patience time.Duration // how long limits may make the first request wait before it ends with a Pause; 0: however long

	Drain context.Context //nolint:containedctx // no request begins, and none is waited for, when it has ended

	mu      sync.Mutex
	d       *Delivery
	permit  *permit // nil where no request was made yet
	closing func()
}

var _ connector.Pace = (*Outside)(nil)

// Next waits until the limits allow a request. An error says that it must not be made.
func (o *Outside) Next(ctx context.Context, rates []connector.Rate, t connector.Turn) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.open(ctx, rates)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(o.Drain, func() { cancel(context.Cause(o.Drain)) })()
	if o.permit == nil {
		p, err := o.d.pacer.begin(ctx)
		if pause, is := errors.AsType[*Pause](err); is {
			return paused(pause)
		}
		if err != nil {
			return unsent(err)
		}
		o.permit = p
	}
	t.Begun = t.Begun || o.permit.asked // what was begun is brought to its end
	return o.permit.next(ctx, t)
}

// Hold keeps all runs with the credential from beginning a request for a while.
func (o *Outside) Hold(ctx context.Context, rates []connector.Rate, after time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.open(ctx, rates)
	o.d.hold(ctx, after)
}

// open makes the pacer, with the first request.
func (o *Outside) open(ctx context.Context, rates []connector.Rate) {
	if o.d != nil {
		return
	}
	o.d = &Delivery{Quotas: o.Quotas, Owner: o.Owner, Clock: o.Clock, Log: o.Log, Patience: o.Patience}
	o.d.limit(connector.Limits{Rates: rates}, privateClass(connector.SyncJob{SyncID: o.SyncID}, ""))
	o.closing = o.d.pacer.open(context.WithoutCancel(ctx)) // it outlives the request
}

// Close gives back what was granted. Further requests begin anew.
func (o *Outside) Close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.d == nil {
		return
	}
	if o.permit != nil {
		o.d.pacer.end()
	}
	o.closing()
	o.d, o.permit, o.closing = nil, nil, nil
}
