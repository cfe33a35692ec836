package access

import (
	"math"
	"sync"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/fault"
)

// What a guard lets pass: a person mistypes, a program guesses.
const (
	guardFailures = 10
	guardWindow   = 15 * time.Minute
	guardEntries  = 10_000 // above this many, those whose time is over are dropped
)

// attempt is what guessing is counted by: an account, and where the request comes from. Counting by both
// keeps strangers from locking somebody out.
type attempt struct {
	email string
	from  string
}

// guard slows the guessing of passwords down. It counts within one process.
type guard struct {
	clock clock.Clock

	mu     sync.Mutex
	failed map[attempt][]time.Time
}

func newGuard(c clock.Clock) *guard { return &guard{clock: c, failed: map[attempt][]time.Time{}} }

// enter counts an attempt as failed until pass says otherwise, so that attempts at the same time count too.
func (g *guard) enter(a attempt) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.clock.Now()
	if len(g.failed) > guardEntries {
		for other := range g.failed {
			g.drop(other, now)
		}
	}
	g.drop(a, now)
	recent := g.failed[a]
	if len(recent) < guardFailures {
		g.failed[a] = append(recent, now)
		return nil
	}
	wait := guardWindow - now.Sub(recent[0])
	err := fault.New(fault.CodeRateLimited, "signing in as this person failed %d times within %.0f minutes", guardFailures, guardWindow.Minutes()).
		WithSuggestion("Wait %.0f minutes, then try again.", math.Ceil(wait.Minutes()))
	return fault.RetryAfter(err, wait)
}

// drop forgets the failures whose time is over.
func (g *guard) drop(a attempt, now time.Time) {
	recent := g.failed[a]
	for len(recent) > 0 && now.Sub(recent[0]) >= guardWindow {
		recent = recent[1:]
	}
	if len(recent) == 0 {
		delete(g.failed, a)
		return
	}
	g.failed[a] = recent
}

// pass forgets the failures of somebody who knew the password.
func (g *guard) pass(a attempt) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.failed, a)
}
