package api

import (
	"sync"
	"time"

	"github.com/millrace/millrace/internal/clock"
)

// recentTime is how long answers of others are good for.
const recentTime = 5 * time.Minute

// recent keeps what others answered, for a while and in memory alone. A key names everything that the answer depends on.
type recent[K comparable, V any] struct {
	clock clock.Clock
	most  int // answers that are kept, at least 1

	mu  sync.Mutex
	all map[K]answered[V]
}

type answered[V any] struct {
	value V
	at    time.Time
}

func recently[K comparable, V any](c clock.Clock, most int) *recent[K, V] {
	return &recent[K, V]{clock: c, most: most, all: map[K]answered[V]{}}
}

// get returns an answer that is not too old, and when it was given.
func (r *recent[K, V]) get(k K) (v V, at time.Time, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if found, is := r.all[k]; is && r.clock.Now().Sub(found.at) < recentTime {
		return found.value, found.at, true
	}
	return v, at, false
}

// put keeps an answer, and forgets those that are too old, and the oldest where there are too many.
func (r *recent[K, V]) put(k K, v V) (at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.clock.Now()
	oldest := k
	for other, kept := range r.all {
		if now.Sub(kept.at) >= recentTime {
			delete(r.all, other)
		} else if first, is := r.all[oldest]; !is || kept.at.Before(first.at) {
			oldest = other
		}
	}
	if len(r.all) >= r.most {
		delete(r.all, oldest)
	}
	r.all[k] = answered[V]{v, now}
	return now
}
