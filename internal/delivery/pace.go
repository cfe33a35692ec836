package delivery

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/quota"
	"golang.org/x/time/rate"
)

// Quotas counts the requests of all runs that use one credential, whichever worker they run in.
type Quotas interface {
	// Take asks for requests of one class.
	Take(ctx context.Context, q quota.Ask) (quota.Grant, error)
	// Hold keeps everybody from beginning a request of the class before a time.
	Hold(ctx context.Context, class string, until time.Time) error
	// Leave gives back what was granted.
	Leave(ctx context.Context, class, owner string, unused quota.Grant) error
}

// Pause is the error of a delivery that a limit of the destination stops for longer than Delivery.Patience. The
// rows that it left are NotSent, and may be sent from Until on.
type Pause struct {
	Until time.Time
	Err   error // what the destination said; nil where a limit was reached before anything was asked of it
}

// Error says how long.
func (p *Pause) Error() string {
	text := "the destination's limits allow no request before " + p.Until.Format(time.RFC3339)
	if p.Err != nil {
		text += ": " + p.Err.Error()
	}
	return text
}

// Unwrap returns what the destination said.
func (p *Pause) Unwrap() error { return p.Err }

// pacer lets a batch go when every limit allows it.
type pacer struct {
	own      []limiter     // of this run alone
	rest     time.Duration // the longest of their windows
	shared   []*share
	clock    clock.Clock
	patience time.Duration
}

// remembered is how long a window of a sync's own is at least, to be counted where the sync's next run sees it.
// Shorter ones are waited out.
const remembered = 10 * time.Second

// newPacer returns the pace of batches with these limits. private names what counts for this sync alone.
func (d *Delivery) newPacer(l connector.Limits, private string) *pacer {
	p := &pacer{clock: d.Clock, patience: d.Patience}
	if l.Deferred {
		p.patience = 0 // a file that was begun cannot be put aside
	}
	classes := map[string]*share{}
	class := func(name string, own bool) *share {
		if classes[name] == nil {
			classes[name] = newShare(d, name, own, l.Concurrency)
			p.shared = append(p.shared, classes[name])
		}
		return classes[name]
	}
	for _, r := range l.Rates {
		switch {
		case r.Requests <= 0:
		case d.Quotas != nil && r.Class != "":
			class(r.Class, false).add(r)
		case d.Quotas != nil && r.Window >= remembered:
			class(private, true).add(r)
		case r.Window > 0:
			p.own = append(p.own, limiter{newLimiter(r), r})
			p.rest = max(p.rest, r.Window)
		}
	}
	if d.Quotas != nil && !slices.ContainsFunc(p.shared, func(s *share) bool { return !s.private && !s.only }) {
		class("", false) // has no limits; there one run learns that another one was asked to wait
	}
	return p
}

// limiter is a limit of one run.
type limiter struct {
	*rate.Limiter

	of connector.Rate
}

// newLimiter returns a limiter that never lets more than Requests through in any span of Window: a burst of a
// tenth of them, and the rest evenly.
func newLimiter(r connector.Rate) *rate.Limiter {
	burst := max(1, r.Requests/10)
	steady := max(r.Requests-burst, 1)
	return rate.NewLimiter(rate.Limit(float64(steady)/r.Window.Seconds()), burst)
}

// begin waits until the first request of a batch may begin. end must follow.
func (p *pacer) begin(ctx context.Context) (*permit, error) {
	for {
		if err := p.wait(ctx, func(r connector.Rate) bool { return !r.Only }); err != nil {
			return nil, err
		}
		tickets, s, again := try(ctx, p.batched(), true)
		if s == nil {
			return &permit{pacer: p, first: tickets}, nil
		}
		wait := again.Sub(p.clock.Now())
		if p.patience > 0 && wait > p.patience {
			return nil, &Pause{Until: again}
		}
		if !s.sleep(ctx, wait) {
			return nil, context.Cause(ctx)
		}
	}
}

// wait waits for those of the run's own limits that count.
func (p *pacer) wait(ctx context.Context, counts func(connector.Rate) bool) error {
	for _, l := range p.own {
		if !counts(l.of) {
			continue
		}
		if err := l.Wait(ctx); err != nil {
			return err //nolint:wrapcheck // the context's own error
		}
	}
	return nil
}

// try gets a request of every class, or of none; with the slot of a batch that begins. It returns the class that does
// not allow it, and when to try again.
func try(ctx context.Context, shared []*share, slot bool) (map[*share]ticket, *share, time.Time) {
	tickets := make(map[*share]ticket, len(shared))
	for _, s := range shared {
		t, again, ok := s.try(ctx, slot)
		if ok {
			tickets[s] = t
			continue
		}
		for begun, t := range tickets {
			begun.undo(t, slot)
		}
		return nil, s, again
	}
	return tickets, nil, time.Time{}
}

// batched are the classes that count the beginning of a batch.
func (p *pacer) batched() []*share {
	return slices.DeleteFunc(slices.Clone(p.shared), func(s *share) bool { return s.only })
}

func (p *pacer) end() {
	for _, s := range p.batched() {
		s.end()
	}
}

// hold makes all runs wait that use the credential: the destination asked for it.
func (p *pacer) hold(ctx context.Context, until time.Time) {
	for _, s := range p.shared {
		if !s.private {
			s.hold(ctx, until)
		}
	}
}

// open keeps what was granted until it is closed, which gives the rest back.
func (p *pacer) open(ctx context.Context) (closing func()) {
	ctx, cancel := context.WithCancel(ctx)
	var renewing sync.WaitGroup
	for _, s := range p.shared {
		if s.parallel {
			renewing.Go(func() { s.renew(ctx) })
		}
	}
	return func() {
		cancel()
		renewing.Wait()
		for _, s := range p.shared {
			s.leave(context.WithoutCancel(ctx))
		}
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Defaults of connector.RetryPolicy.
const (
	defaultAttempts = 5
	defaultBase     = 500 * time.Millisecond
	defaultMax      = 30 * time.Second
)

// maxThrottle is how long one batch waits in all for a destination that asks us to wait; then its rows
// are left to the next run.
const maxThrottle = 30 * time.Minute

func withDefaults(p connector.RetryPolicy) connector.RetryPolicy {
	if p.Attempts <= 0 {
		p.Attempts = defaultAttempts
	}
	if p.Base <= 0 {
		p.Base = defaultBase
	}
	if p.Max <= 0 {
		p.Max = defaultMax
	}
	return p
}

// backoff returns the wait before attempt n+1: it doubles up to the longest, and half of it is left to chance, so
// that many syncs do not come back at once (SY-76).
func (d *Delivery) backoff(n int) time.Duration {
	ceiling := d.retry.Base << min(n-1, maxDoublings)
	if ceiling <= 0 || ceiling > d.retry.Max {
		ceiling = d.retry.Max
	}
	half := ceiling / 2
	if d.Jitter != nil {
		return half + d.Jitter(half)
	}
	return half + rand.N(half+1) //nolint:gosec // jitter
}

// maxDoublings keeps the shift from overflowing; the policy's longest wait comes long before.
const maxDoublings = 20

// sleep waits, or returns false when ctx ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
