package delivery

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// slowTape is a journal whose writes take a while, and which counts them.
type slowTape struct {
	tape

	mu     sync.Mutex
	writes int
}

func newSlowTape(write time.Duration) *slowTape {
	s := &slowTape{}
	s.before = func() {
		time.Sleep(write)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.writes++
	}
	return s
}

// A destination that is faster than the journal does not wait for it once for each batch, where sending again is
// harmless. Where it is not, and at a slow destination, no more is in doubt than the batches that are on their way.
//
// Req: SY-76, FLD-03
func TestAnnouncingAhead(t *testing.T) {
	t.Parallel()
	const lanes, batch, all = 2, 5, 1000
	for _, c := range []struct {
		name        string
		idempotency connector.Idempotency
		request     time.Duration
		doubt       int64 // the most rows in doubt at a time
		fewest      int   // writes of the journal
		most        int
	}{
		{"fast and idempotent", connector.Idempotent, 100 * time.Microsecond, lanes * batch * maxAhead, 1, all / batch / lanes / 3},
		{"fast and keyed", connector.Keyed, 100 * time.Microsecond, lanes * batch * maxAhead, 1, all / batch / lanes / 3},
		{"fast, twice is not safe", connector.NotIdempotent, 100 * time.Microsecond, lanes * batch, all / batch / lanes, all},
		{"slow and idempotent", connector.Idempotent, 100 * time.Millisecond, lanes * batch, all / batch / lanes, all},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := NewLedger(0, 0, all)
				s := &target{limits: connector.Limits{Rows: batch, Concurrency: lanes, Idempotency: c.idempotency, Retry: quick}}
				var mu sync.Mutex
				var doubt int64
				s.write = func(b *connector.Batch) (connector.Result, error) {
					if len(b.Rows) != batch {
						t.Errorf("a batch of %d rows", len(b.Rows))
					}
					mu.Lock()
					doubt = max(doubt, l.Total(InDoubt))
					mu.Unlock()
					time.Sleep(c.request)
					return connector.Result{}, nil
				}
				tp := newSlowTape(time.Millisecond)
				if err := run(t, s, &tp.tape, l, nil, t.Context()); err != nil {
					t.Fatal(err)
				}
				if l.Total(Accepted) != all {
					t.Errorf("%d rows were taken", l.Total(Accepted))
				}
				if doubt > c.doubt {
					t.Errorf("%d rows were in doubt at a time, %d may be", doubt, c.doubt)
				}
				if tp.writes < c.fewest || tp.writes > c.most {
					t.Errorf("%d writes of the journal, want %d to %d", tp.writes, c.fewest, c.most)
				}
			})
		})
	}
}

// Lanes that come back together share the writes of the journal.
//
// Req: SY-76
func TestLanesShareWrites(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const lanes, all = 8, 400
		l := NewLedger(0, 0, all)
		s := &target{limits: connector.Limits{Rows: 1, Concurrency: lanes, Retry: quick}}
		var mu sync.Mutex
		requests := 0
		s.write = func(*connector.Batch) (connector.Result, error) {
			mu.Lock()
			requests++
			wait := time.Duration(100+10*(requests%lanes)) * time.Microsecond
			mu.Unlock()
			time.Sleep(wait)
			return connector.Result{}, nil
		}
		tp := newSlowTape(time.Millisecond)
		if err := run(t, s, &tp.tape, l, nil, t.Context()); err != nil {
			t.Fatal(err)
		}
		if fewest := all / lanes; tp.writes < fewest || tp.writes > fewest*3/2 {
			t.Errorf("%d writes for %d batches in %d lanes", tp.writes, all, lanes)
		}
	})
}

// Batches that were announced and are not sent, since the run ends, are not in doubt.
//
// Req: FLD-03, SY-79
func TestAnnouncedBatchesAreWithdrawn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const all = 400
		l := NewLedger(0, 0, all)
		s := &target{limits: connector.Limits{Rows: 5, Concurrency: 2, Idempotency: connector.Idempotent, Retry: quick}}
		s.write = func(b *connector.Batch) (connector.Result, error) {
			time.Sleep(100 * time.Microsecond)
			if b.Rows[0].Ordinal >= all/2 {
				return connector.Result{}, fault.New(fault.CodeDestinationAuth, "the key was revoked")
			}
			return connector.Result{}, nil
		}
		tp := newSlowTape(time.Millisecond)
		if err := run(t, s, &tp.tape, l, nil, t.Context()); !fault.Is(err, fault.CodeDestinationAuth) {
			t.Fatalf("got %v", err)
		}
		if l.Total(InDoubt) != 0 || l.Total(Accepted) == 0 || l.Total(Accepted)+l.Total(NotSent) != all {
			t.Errorf("%d rows in doubt, %d taken, %d not sent", l.Total(InDoubt), l.Total(Accepted), l.Total(NotSent))
		}
		again, err := tp.replay(0, 0, all)
		if err != nil {
			t.Fatal(err)
		}
		if diff := differing(l, again); diff != nil {
			t.Error(diff)
		}
	})
}

func differing(a, b *Ledger) error {
	for n := range a.Rows() {
		x, _ := a.State(n)
		if y, _ := b.State(n); x != y {
			return errors.New(fmt.Sprint("row ", n, " is ", x, " and ", y, " in the replay"))
		}
	}
	return nil
}
