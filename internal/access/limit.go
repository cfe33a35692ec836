package access

import (
	"sync"
	"time"

	"github.com/millrace/millrace/internal/clock"
)

// Limiter allows each workspace so many requests in a sliding window (API-03). It counts within one
// process: with several API processes a workspace gets the limit at each.
type Limiter struct {
	clock  clock.Clock
	limit  int
	window time.Duration

	mu   sync.Mutex
	seen map[int64][]time.Time
}

// NewLimiter returns a limiter.
func NewLimiter(c clock.Clock, limit int, window time.Duration) *Limiter {
	return &Limiter{clock: c, limit: limit, window: window, seen: map[int64][]time.Time{}}
}

// Allow counts a request, and refuses it with the time to wait when there were too many.
func (l *Limiter) Allow(workspaceID int64) (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	recent := l.seen[workspaceID]
	for len(recent) > 0 && now.Sub(recent[0]) >= l.window {
		recent = recent[1:]
	}
	if len(recent) >= l.limit {
		l.seen[workspaceID] = recent
		return l.window - now.Sub(recent[0]), false
	}
	l.seen[workspaceID] = append(recent, now)
	return 0, true
}
