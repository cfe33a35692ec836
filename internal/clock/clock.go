// Package clock gives the current time by injection, so that tests decide what time it is.
package clock

import (
	"sync"
	"time"
)

// Clock tells the time. Implementations return UTC, truncated to milliseconds: the
// resolution of every timestamp that Millrace stores.
type Clock interface {
	Now() time.Time
}

// Millis is a time as the database stores it: milliseconds since 1970 in UTC, 0 for the zero time.
func Millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// FromMillis is the time that Millis stored.
func FromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// System is the machine's clock.
type System struct{}

// Now returns the current time in UTC, truncated to milliseconds.
func (System) Now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// Manual is a clock that moves only when told to. It is safe for concurrent use.
type Manual struct {
	mu  sync.Mutex
	now time.Time
}

// NewManual returns a clock that stands at t.
func NewManual(t time.Time) *Manual {
	return &Manual{now: t.UTC().Truncate(time.Millisecond)}
}

// Now returns the time that the clock stands at.
func (m *Manual) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// Advance moves the clock forward by d.
func (m *Manual) Advance(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = m.now.Add(d).Truncate(time.Millisecond)
}

var (
	_ Clock = System{}
	_ Clock = (*Manual)(nil)
)
