package chaos

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// mood is what a destination does to requests.
type mood string

// The moods.
const (
	calm       mood = "calm"
	throttling mood = "throttling" // 429 with Retry-After
	breaking   mood = "breaking"   // 5xx: nothing is taken
	losing     mood = "losing"     // taken or not, the answer is lost
	garbling   mood = "garbling"   // taken or not, the answer is garbage
	cutting    mood = "cutting"    // the connection is cut after some rows of a batch
	picky      mood = "picky"      // refuses single rows
	refusing   mood = "refusing"   // refuses whole batches with a bad row in them
	down       mood = "down"       // refuses connections
	denying    mood = "denying"    // the credentials are wrong
)

var moods = []mood{calm, throttling, breaking, losing, garbling, cutting, picky, refusing, down, denying}

// target is a destination that keeps records by key, as its mood lets it.
type target struct {
	mu       sync.Mutex
	rnd      *rand.Rand
	mood     mood
	limits   connector.Limits
	have     map[string]string
	attempts map[string]int              // how often content was sent, by key and content
	taken    map[string]int              // how often it took effect
	batches  map[string]connector.Result // answers to batches by their ids, of a keyed destination
	rowKeys  bool                        // a keyed destination knows single rows, by the origin of their batch and their key
	keys     map[string]bool             // of the rows that it took
	said     map[string]string           // the rows of each batch by its id
	misused  string                      // an id that came with other rows
	receipts map[string]bool             // tokens of batches that took effect, of a transactional one
	tokens   int
	wrote    func(n int) error // called with the number of each request; an error kills the worker before or after
	writes   int
}

func newTarget(rnd *rand.Rand, limits connector.Limits) *target {
	return &target{
		rnd: rnd, limits: limits, mood: calm, rowKeys: limits.Idempotency == connector.Keyed && rnd.IntN(3) > 0, have: map[string]string{}, attempts: map[string]int{}, taken: map[string]int{},
		batches: map[string]connector.Result{}, receipts: map[string]bool{}, keys: map[string]bool{}, said: map[string]string{},
	}
}

func (d *target) set(m mood) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mood = m
}

func (d *target) Test(context.Context) error    { return nil }
func (d *target) Check(connector.SyncJob) error { return nil }
func (d *target) Close() error                  { return nil }

// Begin refuses while the destination is down.
func (d *target) Begin(_ context.Context, job connector.SyncJob) (connector.Session, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch d.mood {
	case down:
		return nil, fault.New(fault.CodeDestinationUnreachable, "connection refused")
	case denying:
		return nil, fault.New(fault.CodeDestinationAuth, "401 Unauthorized")
	}
	return &session{target: d, job: job, gathered: map[string]string{}}, nil
}

// Resolve knows the receipts of a transactional destination.
func (d *target) Resolve(_ context.Context, _ connector.SyncJob, token string) (connector.Resolution, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.mood == down:
		return connector.ResolvedUnknown, errors.New("connection refused")
	case d.receipts[token]:
		return connector.ResolvedTaken, nil
	default:
		return connector.ResolvedNotTaken, nil
	}
}

// session sends the rows of one run.
type session struct {
	*target

	job      connector.SyncJob
	gathered map[string]string // of a deferred session
}

func (s *session) Limits() connector.Limits { return s.limits }
func (s *session) Close() error             { return nil }

// Finish publishes what a deferred session gathered.
func (s *session) Finish(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.limits.Deferred {
		return nil
	}
	if s.mood == down || s.mood == breaking {
		return fault.New(fault.CodeDestinationUnreachable, "connection refused")
	}
	s.have = maps.Clone(s.gathered)
	if s.mood == losing || s.mood == garbling {
		return fault.New(fault.CodeDestinationTimeout, "no answer")
	}
	return nil
}

// Write does to a batch what the destination's mood says.
func (s *session) Write(ctx context.Context, b *connector.Batch) (connector.Result, error) {
	token, err := s.checkpoint(ctx, b)
	if err != nil {
		return connector.Result{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	s.note(b)
	b.Record(connector.Exchange{Method: "PUT", URL: "test:" + b.ID, RequestBody: strconv.Itoa(len(b.Rows))})
	if s.wrote != nil {
		if err := s.wrote(s.writes); err != nil { // the worker dies in this request
			if s.rnd.IntN(2) == 0 {
				s.take(b, token, len(b.Rows))
			}
			return connector.Result{}, err
		}
	}
	if ctx.Err() != nil {
		return connector.Result{}, fault.Wrap(ctx.Err(), fault.CodeDestinationTimeout, "the request was stopped")
	}
	return s.answer(b, token)
}

// note remembers what was sent.
func (d *target) note(b *connector.Batch) {
	var said strings.Builder
	for _, row := range b.Rows {
		d.attempts[row.Key+" "+content(b.Operation, row)]++
		fmt.Fprintf(&said, "%s %s %s, ", b.Operation, row.Key, content(b.Operation, row))
	}
	if before, again := d.said[b.ID]; again && before != said.String() {
		d.misused = fmt.Sprintf("the batch %s was %sand is %s", b.ID, before, said.String())
	}
	d.said[b.ID] = said.String()
}

// strict reports whether each row that the destination took must have been taken once.
func (d *target) strict() bool {
	return d.limits.Idempotency == connector.NotIdempotent || d.limits.Idempotency == connector.Keyed && (d.rowKeys || d.limits.Rows == 1)
}

// checkpoint notes a token before a transaction.
func (s *session) checkpoint(ctx context.Context, b *connector.Batch) (string, error) {
	if s.limits.Idempotency != connector.Transactional {
		return "", nil
	}
	s.mu.Lock()
	s.tokens++
	token := strconv.Itoa(s.tokens)
	s.mu.Unlock()
	return token, b.Checkpoint(ctx, token)
}

func (s *session) answer(b *connector.Batch, token string) (connector.Result, error) {
	some := s.rnd.IntN(3) > 0
	switch {
	case s.mood == throttling && some:
		return connector.Result{}, fault.RetryAfter(fault.New(fault.CodeDestinationThrottled, "429 Too Many Requests"), time.Duration(1+s.rnd.IntN(150))*time.Millisecond)
	case s.mood == breaking && some:
		return connector.Result{}, fault.Reclass(fault.New(fault.CodeDestinationRejected, "500 Internal Server Error"), fault.Retryable)
	case s.mood == down:
		return connector.Result{}, fault.New(fault.CodeDestinationUnreachable, "connection refused")
	case s.mood == denying:
		return connector.Result{}, fault.New(fault.CodeDestinationAuth, "401 Unauthorized")
	case s.mood == losing && some:
		return s.lose(b, token, len(b.Rows), fault.CodeDestinationTimeout)
	case s.mood == garbling && some:
		return s.lose(b, token, len(b.Rows), fault.CodeDestinationAnswer)
	case s.mood == cutting && some && s.limits.Idempotency != connector.Transactional && s.limits.Idempotency != connector.Keyed:
		return s.lose(b, token, s.rnd.IntN(len(b.Rows)+1), fault.CodeDestinationUnknown)
	case s.knows(b):
	case s.mood == refusing && some:
		return connector.Result{}, fault.New(fault.CodeDestinationRejected, "422: a row of the batch is bad")
	case s.mood == picky:
		return s.pick(b, token)
	}
	s.take(b, token, len(b.Rows))
	return s.batches[b.ID], nil
}

// knows reports whether a keyed destination answers as it did before: then its mood does not matter.
func (d *target) knows(b *connector.Batch) bool {
	if d.limits.Idempotency != connector.Keyed {
		return false
	}
	if !d.rowKeys {
		_, known := d.batches[b.ID]
		return known
	}
	for _, row := range b.Rows {
		if !d.keys[b.Origin+" "+row.Key] {
			return false
		}
	}
	return true
}

// lose takes some rows, or none, and does not say so.
func (s *session) lose(b *connector.Batch, token string, rows int, code fault.Code) (connector.Result, error) {
	if s.rnd.IntN(2) == 0 {
		s.take(b, token, rows)
	}
	return connector.Result{}, fault.New(code, "the answer was lost")
}

// pick refuses some rows.
func (s *session) pick(b *connector.Batch, token string) (connector.Result, error) {
	var result connector.Result
	kept := *b
	kept.Rows = nil
	for i, row := range b.Rows {
		if s.rnd.IntN(3) == 0 && !s.keys[b.Origin+" "+row.Key] {
			result.Rejected = append(result.Rejected, connector.Rejection{Row: i, Reason: "not today", Retry: s.rnd.IntN(2) == 0})
			continue
		}
		kept.Rows = append(kept.Rows, row)
	}
	s.take(&kept, token, len(kept.Rows))
	if !s.rowKeys {
		s.batches[b.ID] = result
	}
	return result, nil
}

// take lets the first rows of a batch have their effect.
func (s *session) take(b *connector.Batch, token string, rows int) {
	if s.knows(b) {
		return
	}
	s.receipts[token] = true
	if !s.rowKeys {
		s.batches[b.ID] = connector.Result{}
	}
	for _, row := range b.Rows[:rows] {
		if key := b.Origin + " " + row.Key; s.rowKeys && s.keys[key] {
			continue
		} else if s.rowKeys {
			s.keys[key] = true
		}
		s.taken[row.Key+" "+content(b.Operation, row)]++
		switch {
		case s.limits.Deferred:
			s.gathered[row.Key] = content(b.Operation, row)
		case b.Operation == connector.Removed:
			delete(s.have, row.Match[0].String())
		default:
			s.have[row.Match[0].String()] = row.Values[1].String()
		}
	}
}

// content is what a row says.
func content(op connector.Operation, row connector.Row) string {
	if op == connector.Removed {
		return "removed"
	}
	return row.Values[1].String()
}

func (d *target) state() map[string]string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.have)
}

// String names the destination in a failing test.
func (d *target) String() string {
	return fmt.Sprintf("%s destination (by rows: %v) with batches of %d, %d at a time, rates %v", d.limits.Idempotency, d.rowKeys, d.limits.Rows, d.limits.Concurrency, d.limits.Rates)
}
