package delivery

import (
	"context"
	"slices"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// permit is what allows the requests of one attempt at a batch. The pacer allowed the first one before the attempt
// began; a session that asks before each request gets the others here.
type permit struct {
	pacer *pacer
	first map[*share]ticket // what the shared classes allowed the first request with
	asked bool              // the session asked for the first one
}

// next waits until a further request is allowed. Where that would hold the worker for too long, it is not, and the
// error is or has a Pause.
func (p *permit) next(ctx context.Context, t connector.Turn) error {
	if t.Counts == nil {
		t.Counts = func(string) bool { return true }
	}
	first := !p.asked
	p.asked = true
	counts := func(r connector.Rate) bool { return t.Counts(r.Class) && (r.Only || !first) }
	if err := p.pacer.wait(ctx, counts); err != nil {
		return unsent(err)
	}
	if first {
		return p.take(ctx, p.lacking(t), t.Begun)
	}
	need := slices.DeleteFunc(slices.Clone(p.pacer.shared), func(s *share) bool { return !t.Counts(s.ask.Class) })
	return p.take(ctx, need, t.Begun)
}

// lacking are the classes that the first request needs more of than the pacer got for it: what was granted may be void
// by now. It gives back what the request does not count in.
func (p *permit) lacking(t connector.Turn) []*share {
	var need []*share
	for _, s := range p.pacer.shared {
		ticket, got := p.first[s]
		switch counts := t.Counts(s.ask.Class); {
		case counts && (!got || !ticket.valid(p.pacer.clock.Now())):
			need = append(need, s)
		case got && !counts:
			s.undo(ticket, false)
		}
	}
	return need
}

// take takes a request of every one of some classes.
func (p *permit) take(ctx context.Context, need []*share, begun bool) error {
	for {
		_, s, again := try(ctx, need, false)
		if s == nil {
			return nil
		}
		wait := again.Sub(p.pacer.clock.Now())
		if most := p.patience(begun); most > 0 && wait > most {
			return paused(&Pause{Until: again})
		}
		if !s.sleep(ctx, wait) {
			return unsent(context.Cause(ctx))
		}
	}
}

// patience is how long a request may wait; without end where it is 0. What was begun for rows is brought to its end as
// long as a batch may wait at all.
func (p *permit) patience(begun bool) time.Duration {
	if begun && p.pacer.patience > 0 {
		return maxThrottle
	}
	return p.pacer.patience
}

// paused is the error of a request that a limit does not allow for longer than a worker may be held.
func paused(pause *Pause) error {
	return fault.Reclass(fault.Wrap(pause, fault.CodeDestinationThrottled, "the request was not sent"), fault.Throttled)
}

// unsent is the error of a request that the end of a context kept from being made.
func unsent(err error) error {
	return fault.Reclass(fault.Wrap(err, fault.CodeRunCancelled, "the request was not sent"), fault.Retryable)
}

// hold keeps everybody from beginning a request for a while.
func (d *Delivery) hold(ctx context.Context, after time.Duration) {
	if after <= 0 {
		after = d.backoff(1)
	}
	d.pacer.hold(ctx, d.Clock.Now().Add(after))
}
