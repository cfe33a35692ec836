package delivery

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"golang.org/x/time/rate"
)

// pacer lets a batch go when every rate window allows it.
type pacer []*rate.Limiter

// newPacer returns limiters that together never let more than Requests batches through in any span
// of Window: a burst of a tenth of them, and the rest evenly.
func newPacer(rates []connector.Rate) pacer {
	var p pacer
	for _, r := range rates {
		if r.Requests <= 0 || r.Window <= 0 {
			continue
		}
		burst := max(1, r.Requests/10)
		steady := max(r.Requests-burst, 1)
		p = append(p, rate.NewLimiter(rate.Limit(float64(steady)/r.Window.Seconds()), burst))
	}
	return p
}

func (p pacer) wait(ctx context.Context) error {
	for _, l := range p {
		if err := l.Wait(ctx); err != nil {
			return err //nolint:wrapcheck // the context's own error
		}
	}
	return nil
}

// longest returns the longest window.
func longest(rates []connector.Rate) time.Duration {
	var window time.Duration
	for _, r := range rates {
		if r.Requests > 0 {
			window = max(window, r.Window)
		}
	}
	return window
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
