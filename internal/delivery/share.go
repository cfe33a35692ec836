package delivery

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/quota"
)

// share is what this run has of a class of requests that it shares with others. It asks for requests in blocks.
type share struct {
	quotas   Quotas
	clock    clock.Clock
	log      *slog.Logger
	private  bool // the class is this sync's own
	parallel bool // how many are under way is limited
	only     bool // batches do not count, but requests that say so
	freed    chan struct{}

	mu       sync.Mutex
	ask      quota.Ask
	grant    quota.Grant
	left     int       // of the grant
	block    int       // its number
	underWay int       // requests that have begun and not ended
	idle     time.Time // nothing begins before
}

func newShare(d *Delivery, class string, private bool, concurrency int) *share {
	return &share{
		quotas: d.Quotas, clock: d.Clock, log: d.Log, private: private, freed: make(chan struct{}, 1),
		ask: quota.Ask{Class: class, Owner: d.Owner, Want: concurrency, Slots: concurrency},
	}
}

func (s *share) add(r connector.Rate) {
	s.ask.Limits = append(s.ask.Limits, quota.Limit{Requests: r.Requests, Window: r.Window})
	s.parallel = s.parallel || r.Window <= 0
	s.only = r.Only
}

// Times of asking.
const (
	askAgain   = time.Second      // after the database did not answer
	lookAgain  = 5 * time.Second  // while waiting: the clock may have been set in the meantime
	renewEvery = 10 * time.Second // slots that are in use
)

// maxWant is how many requests are asked for at once at most.
const maxWant = 1 << 16

// ticket is a request that a class allows.
type ticket struct {
	until time.Time // when it is void
	block int       // of which grant it is
}

func (t ticket) valid(now time.Time) bool { return now.Before(t.until) }

// try gets a request, or returns when to try again. With a slot it is the first one of a batch.
func (s *share) try(ctx context.Context, slot bool) (t ticket, again time.Time, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.Now()
	if now.Before(s.idle) {
		return t, s.idle, false
	}
	if !s.allows(now, slot) {
		if s.left > 0 && now.Before(s.grant.Until) { // as many are under way as may be
			return t, s.grant.Until, false
		}
		s.take(ctx, now)
	}
	if !s.allows(now, slot) {
		return t, s.next(now), false
	}
	s.left--
	if slot {
		s.underWay++
	}
	return ticket{until: s.grant.Until, block: s.block}, time.Time{}, true
}

func (s *share) allows(now time.Time, slot bool) bool {
	return s.left > 0 && now.Before(s.grant.Until) && (!slot || s.underWay < s.grant.Slots)
}

// next returns when to try again after a grant that did not suffice.
func (s *share) next(now time.Time) time.Time {
	switch {
	case s.left > 0 && now.Before(s.grant.Until):
		return s.grant.Until
	case s.grant.Again.After(now):
		s.idle = s.grant.Again
		return s.idle
	default:
		return now.Add(askAgain)
	}
}

// take asks for a block of requests: more than before where the last block was used up in its time.
func (s *share) take(ctx context.Context, now time.Time) {
	switch {
	case s.grant.Requests > 0 && s.left == 0:
		s.ask.Want = min(2*s.ask.Want, maxWant)
	case s.left > 0:
		s.ask.Want = max(1, s.ask.Want-s.left)
	}
	s.request(ctx, s.ask.Want, now)
}

func (s *share) request(ctx context.Context, want int, now time.Time) {
	ask := s.ask
	ask.Want, ask.InUse, ask.Unused = want, s.underWay, s.unused()
	grant, err := s.quotas.Take(ctx, ask)
	if err != nil {
		if ctx.Err() == nil {
			s.log.Warn("asking what the limits of the destination allow", "error", err)
		}
		s.idle = now.Add(askAgain)
		return
	}
	s.grant, s.left = grant, grant.Requests
	s.block++
}

func (s *share) unused() quota.Grant {
	g := s.grant
	g.Requests = s.left
	return g
}

// undo takes back a request that is not made, and the slot of its batch where that does not begin.
func (s *share) undo(t ticket, slot bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.block == s.block { // of another grant it was given up with it
		s.left++
	}
	if slot {
		s.underWay--
	}
}

func (s *share) end() {
	s.mu.Lock()
	s.underWay--
	s.mu.Unlock()
	select {
	case s.freed <- struct{}{}:
	default:
	}
}

// sleep waits, at most until a request has ended where that makes room, and not so long that a clock that is set is
// noticed late. It returns false when ctx ends first.
func (s *share) sleep(ctx context.Context, d time.Duration) bool {
	d = min(d, lookAgain)
	if !s.parallel {
		return sleep(ctx, d)
	}
	t := time.NewTimer(max(d, time.Millisecond))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.freed:
		return true
	case <-ctx.Done():
		return false
	}
}

// hold keeps all runs from beginning a request before a time.
func (s *share) hold(ctx context.Context, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle = later(s.idle, until)
	if err := s.quotas.Hold(ctx, s.ask.Class, until); err != nil && ctx.Err() == nil {
		s.log.Warn("telling other runs that the destination asks to wait", "error", err)
	}
}

// renew keeps the slots of requests that take long.
func (s *share) renew(ctx context.Context) {
	t := time.NewTicker(renewEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		s.mu.Lock()
		if s.underWay > 0 {
			s.request(ctx, 0, s.clock.Now())
		}
		s.mu.Unlock()
	}
}

// leave gives back what was not used.
func (s *share) leave(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.left == 0 && !s.parallel || len(s.ask.Limits) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, leaveTime)
	defer cancel()
	if err := s.quotas.Leave(ctx, s.ask.Class, s.ask.Owner, s.unused()); err != nil {
		s.log.Warn("giving back what the limits of the destination allow", "error", err)
	}
	s.grant, s.left = quota.Grant{}, 0
}

// leaveTime bounds what giving back may take: without it, what was granted is void after a while.
const leaveTime = 5 * time.Second
