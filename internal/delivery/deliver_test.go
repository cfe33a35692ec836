package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
	"pgregory.net/rapid"
)

// tape is an Appender that keeps frames in memory, and can refuse them.
type tape struct {
	mu     sync.Mutex
	frames []byte
	fail   error
	before func()
}

func (t *tape) Append(_ context.Context, frame []byte) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.fail != nil {
		return t.fail
	}
	t.frames = append(t.frames, frame...)
	if t.before != nil {
		t.before()
	}
	return nil
}

func (t *tape) replay(removed, changed, added int64) (*Ledger, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := NewLedger(removed, changed, added)
	return l, DecodeFrames(t.frames, l.Apply)
}

// rows yields a plan of counted rows in chunks of the given size; bad ordinals cannot be mapped.
type rows struct {
	ledger *Ledger
	size   int
	bad    map[int64]bool
	next   map[connector.Operation]int64
}

func (r *rows) Next(_ context.Context, op connector.Operation) (*Chunk, error) {
	span := r.ledger.Span(op)
	if r.next == nil {
		r.next = map[connector.Operation]int64{}
	}
	from := span.From + r.next[op]
	if from >= span.To {
		return nil, nil
	}
	n := min(int64(r.size), span.To-from)
	r.next[op] += n
	return &Chunk{First: from, Rows: int(n), Bind: func() RowReader { return reader{from, r.bad} }}, nil
}

type reader struct {
	first int64
	bad   map[int64]bool
}

func (r reader) Read(i int, row *connector.Row) error {
	n := r.first + int64(i)
	if r.bad[n] {
		return fault.New(fault.CodeMappingReject, "row %d cannot be mapped", n)
	}
	row.Ordinal, row.Key = n, strconv.FormatInt(n, 10)
	row.Values = append(row.Values, value.OfInt(n))
	return nil
}

// target is a session whose behaviour a test decides, and which remembers what it took.
type target struct {
	limits connector.Limits
	write  func(b *connector.Batch) (connector.Result, error)

	mu       sync.Mutex
	taken    map[int64]int
	order    []connector.Operation
	finished int
	finish   error
}

func (s *target) Limits() connector.Limits { return s.limits }

func (s *target) Write(_ context.Context, b *connector.Batch) (connector.Result, error) {
	result, err := connector.Result{}, error(nil)
	if s.write != nil {
		result, err = s.write(b)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.order = append(s.order, b.Operation)
	if err != nil {
		return result, err
	}
	refused := map[int]bool{}
	for _, r := range result.Rejected {
		refused[r.Row] = true
	}
	for i, r := range b.Rows {
		if !refused[i] {
			s.take(r.Ordinal)
		}
	}
	return result, nil
}

func (s *target) take(n int64) {
	if s.taken == nil {
		s.taken = map[int64]int{}
	}
	s.taken[n]++
}

func (s *target) Finish(context.Context) error { s.finished++; return s.finish }
func (s *target) Close() error                 { return nil }

func run(t interface {
	Helper()
	Context() context.Context
}, s *target, tp *tape, l *Ledger, bad map[int64]bool, drain context.Context) error { //nolint:revive // not the context of the call
	t.Helper()
	j := NewJournal(t.Context(), tp, l)
	defer j.Close()
	d := &Delivery{
		PlanID: "r1", Session: s, Chunks: &rows{ledger: l, size: 7, bad: bad}, Journal: j, Ledger: l,
		Clock: clock.System{}, Log: slog.New(slog.DiscardHandler),
	}
	return d.Run(t.Context(), drain)
}

var quick = connector.RetryPolicy{Attempts: 3, Base: time.Microsecond, Max: time.Microsecond}

// Req: SY-76, FLD-33
func TestEveryRowHasItsOwnAnswer(t *testing.T) {
	t.Parallel()
	s := &target{limits: connector.Limits{Rows: 10, Concurrency: 3, Retry: quick}}
	s.write = func(b *connector.Batch) (connector.Result, error) {
		var r connector.Result
		for i, row := range b.Rows {
			if row.Ordinal%5 == 0 {
				r.Rejected = append(r.Rejected, connector.Rejection{Row: i, Reason: "no fives"})
			}
		}
		return r, nil
	}
	l := NewLedger(3, 20, 77)
	if err := run(t, s, &tape{}, l, map[int64]bool{11: true}, t.Context()); err != nil {
		t.Fatal(err)
	}
	for n := range l.Rows() {
		state, reason := l.State(n)
		want, why := Accepted, ""
		switch {
		case n == 11:
			want, why = Rejected, "row 11 cannot be mapped"
		case n%5 == 0:
			want, why = Rejected, "no fives"
		}
		if state != want || reason != why {
			t.Errorf("row %d: %s %q, want %s %q", n, state, reason, want, why)
		}
	}
	if s.finished != 1 {
		t.Errorf("finished %d times", s.finished)
	}
}

// Req: SY-78
func TestRefusedBatchesAreHalved(t *testing.T) {
	t.Parallel()
	s := &target{limits: connector.Limits{Rows: 64, Concurrency: 2, Split: true, Retry: quick}}
	s.write = func(b *connector.Batch) (connector.Result, error) {
		for _, row := range b.Rows {
			if row.Ordinal == 33 || row.Ordinal == 90 {
				return connector.Result{}, fault.New(fault.CodeDestinationRejected, "row %d is bad", row.Ordinal)
			}
		}
		return connector.Result{}, nil
	}
	l := NewLedger(0, 0, 100)
	if err := run(t, s, &tape{}, l, nil, t.Context()); err != nil {
		t.Fatal(err)
	}
	if l.Total(Accepted) != 98 || l.Total(Rejected) != 2 {
		t.Fatalf("%d accepted, %d rejected", l.Total(Accepted), l.Total(Rejected))
	}
	if _, why := l.State(33); why != "row 33 is bad" {
		t.Errorf("row 33: %q", why)
	}
	for n, times := range s.taken {
		if times != 1 {
			t.Errorf("row %d was taken %d times", n, times)
		}
	}
}

// Req: FLD-09
func TestThrottledBatchesWaitAndKeepTheirAttempts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		s := &target{limits: connector.Limits{Rows: 10, Concurrency: 1, Retry: connector.RetryPolicy{Attempts: 1}}}
		s.write = func(*connector.Batch) (connector.Result, error) {
			calls++
			if calls <= 5 {
				return connector.Result{}, fault.RetryAfter(fault.New(fault.CodeDestinationThrottled, "slow down"), time.Minute)
			}
			return connector.Result{}, nil
		}
		l := NewLedger(0, 0, 10)
		start := time.Now()
		if err := run(t, s, &tape{}, l, nil, t.Context()); err != nil {
			t.Fatal(err)
		}
		if l.Total(Accepted) != 10 || time.Since(start) != 5*time.Minute {
			t.Errorf("%d accepted after %s; want 10 after 5m", l.Total(Accepted), time.Since(start))
		}
	})
}

func TestRateWindowsHold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var times []time.Time
		s := &target{limits: connector.Limits{Rows: 1, Concurrency: 8, Rates: []connector.Rate{{Requests: 20, Window: time.Second}}}}
		var mu sync.Mutex
		s.write = func(*connector.Batch) (connector.Result, error) {
			mu.Lock()
			defer mu.Unlock()
			times = append(times, time.Now())
			return connector.Result{}, nil
		}
		if err := run(t, s, &tape{}, NewLedger(0, 0, 100), nil, t.Context()); err != nil {
			t.Fatal(err)
		}
		for i := range times {
			n := 0
			for _, u := range times[i:] {
				if u.Sub(times[i]) < time.Second {
					n++
				}
			}
			if n > 20 {
				t.Fatalf("%d batches within a second, 20 are allowed", n)
			}
		}
	})
}

func TestUnknownOutcomes(t *testing.T) {
	t.Parallel()
	lost := fault.New(fault.CodeDestinationTimeout, "no answer")
	tests := []struct {
		name        string
		idempotency connector.Idempotency
		resend      bool
		calls       int // before an answer comes
		want        State
		writes      int
	}{
		{"an idempotent destination gets the batch again", connector.Idempotent, false, 1, Accepted, 2},
		{"a keyed destination gets the batch again", connector.Keyed, false, 1, Accepted, 2},
		{"any other does not", connector.NotIdempotent, false, 1, InDoubt, 1},
		{"unless the sync says so", connector.NotIdempotent, true, 1, Accepted, 2},
		{"attempts end", connector.Idempotent, false, 9, InDoubt, 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			writes := 0
			ids := map[string]bool{}
			s := &target{limits: connector.Limits{Rows: 10, Concurrency: 1, Idempotency: tt.idempotency, Retry: quick}}
			s.write = func(b *connector.Batch) (connector.Result, error) {
				writes++
				ids[b.ID] = true
				if writes <= tt.calls {
					return connector.Result{}, lost
				}
				return connector.Result{}, nil
			}
			l := NewLedger(0, 0, 10)
			j := NewJournal(t.Context(), &tape{}, l)
			d := &Delivery{PlanID: "r1", Session: s, Resend: tt.resend, Chunks: &rows{ledger: l, size: 10}, Journal: j, Ledger: l, Clock: clock.System{}}
			if err := d.Run(t.Context(), t.Context()); err != nil {
				t.Fatal(err)
			}
			j.Close()
			if state, _ := l.State(3); state != tt.want || writes != tt.writes || len(ids) != 1 {
				t.Errorf("%s after %d writes under %d ids, want %s after %d under one", state, writes, len(ids), tt.want, tt.writes)
			}
		})
	}
}

func TestTransactionalDestinationsAreAsked(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		answer connector.Resolution
		want   State
		writes int
	}{{connector.ResolvedTaken, Accepted, 1}, {connector.ResolvedNotTaken, Accepted, 2}, {connector.ResolvedUnknown, InDoubt, 1}} {
		writes := 0
		s := &target{limits: connector.Limits{Rows: 10, Concurrency: 1, Idempotency: connector.Transactional, Retry: quick}}
		s.write = func(b *connector.Batch) (connector.Result, error) {
			if err := b.Checkpoint(t.Context(), fmt.Sprint("tx", writes)); err != nil {
				return connector.Result{}, err
			}
			if writes++; writes == 1 {
				return connector.Result{}, fault.New(fault.CodeDestinationUnknown, "cut at commit")
			}
			return connector.Result{}, nil
		}
		l := NewLedger(0, 0, 10)
		j := NewJournal(t.Context(), &tape{}, l)
		d := &Delivery{PlanID: "r1", Session: s, Resolver: oracle(tt.answer), Chunks: &rows{ledger: l, size: 10}, Journal: j, Ledger: l, Clock: clock.System{}}
		if err := d.Run(t.Context(), t.Context()); err != nil {
			t.Fatal(err)
		}
		j.Close()
		if state, _ := l.State(0); state != tt.want || writes != tt.writes {
			t.Errorf("%s: %s after %d writes, want %s after %d", tt.answer, state, writes, tt.want, tt.writes)
		}
	}
}

// A destination that notes a job before it waits for it is asked what became of the job, whatever a second sending
// would do; without a note, nobody can be asked.
func TestJobsAreAsked(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		token  string
		answer connector.Resolution
		want   State
		writes int
	}{
		{"taken", "job-1", connector.ResolvedTaken, Accepted, 1},
		{"not taken", "job-1", connector.ResolvedNotTaken, Accepted, 2},
		{"unknown", "job-1", connector.ResolvedUnknown, InDoubt, 1},
		{"no note", "", connector.ResolvedTaken, InDoubt, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			writes := 0
			s := &target{limits: connector.Limits{Rows: 10, Concurrency: 1, Idempotency: connector.NotIdempotent, Retry: quick}}
			s.write = func(b *connector.Batch) (connector.Result, error) {
				if tt.token != "" {
					if err := b.Checkpoint(t.Context(), tt.token); err != nil {
						return connector.Result{}, err
					}
				}
				if writes++; writes == 1 {
					return connector.Result{}, fault.New(fault.CodeDestinationUnknown, "cut while waiting")
				}
				return connector.Result{}, nil
			}
			l := NewLedger(0, 0, 10)
			j := NewJournal(t.Context(), &tape{}, l)
			d := &Delivery{PlanID: "r1", Session: s, Resolver: oracle(tt.answer), Chunks: &rows{ledger: l, size: 10}, Journal: j, Ledger: l, Clock: clock.System{}}
			if err := d.Run(t.Context(), t.Context()); err != nil {
				t.Fatal(err)
			}
			j.Close()
			if state, _ := l.State(0); state != tt.want || writes != tt.writes {
				t.Errorf("%s after %d writes, want %s after %d", state, writes, tt.want, tt.writes)
			}
		})
	}
}

// After a crash, batches with a note are asked about, and the others stay as they were.
func TestRecoverAsksAboutJobs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		answer connector.Resolution
		want   State
	}{{connector.ResolvedTaken, Accepted}, {connector.ResolvedNotTaken, NotSent}, {connector.ResolvedUnknown, InDoubt}} {
		l := NewLedger(0, 0, 20)
		for _, r := range []Record{
			{Kind: RecordIntent, Batch: 1, Rows: []Range{{0, 10}}}, {Kind: RecordCheckpoint, Batch: 1, Token: "job-1"},
			{Kind: RecordIntent, Batch: 2, Rows: []Range{{10, 20}}},
		} {
			if err := l.Apply(r); err != nil {
				t.Fatal(err)
			}
		}
		before, _ := l.State(10)
		if err := Recover(t.Context(), l, connector.NotIdempotent, oracle(tt.answer), connector.SyncJob{}); err != nil {
			t.Fatal(err)
		}
		with, _ := l.State(0)
		without, _ := l.State(10)
		if with != tt.want || without != before {
			t.Errorf("%s: the batch with a note is %s, want %s; the other is %s, was %s", tt.answer, with, tt.want, without, before)
		}
	}
}

type oracle connector.Resolution

func (o oracle) Resolve(context.Context, connector.SyncJob, string) (connector.Resolution, error) {
	return connector.Resolution(o), nil
}

func TestFatalErrorsStopTheRun(t *testing.T) {
	t.Parallel()
	s := &target{limits: connector.Limits{Rows: 10, Concurrency: 1, Retry: quick}}
	s.write = func(b *connector.Batch) (connector.Result, error) {
		if b.Rows[0].Ordinal >= 30 {
			return connector.Result{}, fault.New(fault.CodeDestinationAuth, "the key was revoked")
		}
		return connector.Result{}, nil
	}
	l := NewLedger(0, 0, 100)
	err := run(t, s, &tape{}, l, nil, t.Context())
	if !fault.Is(err, fault.CodeDestinationAuth) {
		t.Fatalf("got %v", err)
	}
	if l.Total(Accepted) != 30 || l.Total(NotSent) != 70 || s.finished != 0 {
		t.Errorf("%d accepted, %d not sent, finished %d times", l.Total(Accepted), l.Total(NotSent), s.finished)
	}
}

func TestADeadDestinationEndsTheRun(t *testing.T) {
	t.Parallel()
	s := &target{limits: connector.Limits{Rows: 1, Concurrency: 1, Retry: quick}}
	s.write = func(*connector.Batch) (connector.Result, error) {
		return connector.Result{}, fault.New(fault.CodeDestinationUnreachable, "connection refused")
	}
	l := NewLedger(0, 0, 1000)
	if err := run(t, s, &tape{}, l, nil, t.Context()); err == nil {
		t.Fatal("the run went on")
	}
	if l.Total(Rejected) != maxExhausted || l.Total(NotSent) != 1000-maxExhausted {
		t.Errorf("%d rejected, %d not sent", l.Total(Rejected), l.Total(NotSent))
	}
}

func TestDrainAnswersWhatIsInFlight(t *testing.T) {
	t.Parallel()
	drain, stop := context.WithCancelCause(t.Context())
	asked := errors.New("a person cancelled the run")
	s := &target{limits: connector.Limits{Rows: 10, Concurrency: 1, Retry: quick}}
	s.write = func(b *connector.Batch) (connector.Result, error) {
		if b.Rows[0].Ordinal == 50 {
			stop(asked)
		}
		return connector.Result{}, nil
	}
	l := NewLedger(0, 0, 100)
	if err := run(t, s, &tape{}, l, nil, drain); !errors.Is(err, asked) {
		t.Fatalf("got %v", err)
	}
	if got := l.Total(Accepted); got != 60 || l.Total(InDoubt) != 0 || s.finished != 0 {
		t.Errorf("%d accepted, %d in doubt, finished %d times; want 60, 0, 0", got, l.Total(InDoubt), s.finished)
	}
}

// Invariants D1 and D2.
func TestNothingIsSentWithoutAJournal(t *testing.T) {
	t.Parallel()
	tp := &tape{fail: errors.New("disk full")}
	s := &target{limits: connector.Limits{Rows: 10, Concurrency: 2}}
	if err := run(t, s, tp, NewLedger(0, 0, 50), nil, t.Context()); err == nil {
		t.Fatal("the run went on")
	}
	if len(s.taken) != 0 {
		t.Errorf("%d rows were sent", len(s.taken))
	}
}

// Invariant D6.
func TestRemovalsGoFirst(t *testing.T) {
	t.Parallel()
	s := &target{limits: connector.Limits{Rows: 5, Concurrency: 4}}
	if err := run(t, s, &tape{}, NewLedger(30, 30, 30), nil, t.Context()); err != nil {
		t.Fatal(err)
	}
	rank := map[connector.Operation]int{connector.Removed: 0, connector.Changed: 1, connector.Added: 2}
	for i := 1; i < len(s.order); i++ {
		if rank[s.order[i]] < rank[s.order[i-1]] {
			t.Fatalf("%s after %s", s.order[i], s.order[i-1])
		}
	}
}

func TestDeferredRowsCountAtFinish(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err  error
		want State
	}{{nil, Accepted}, {fault.New(fault.CodeDestinationDenied, "no write"), NotSent}, {fault.New(fault.CodeDestinationTimeout, "?"), InDoubt}} {
		l := NewLedger(0, 0, 50)
		s := &target{limits: connector.Limits{Rows: 10, Concurrency: 1, Deferred: true}, finish: tt.err}
		s.write = func(*connector.Batch) (connector.Result, error) {
			if l.Total(NotSent) != 50 {
				t.Error("rows counted before Finish")
			}
			return connector.Result{}, nil
		}
		err := run(t, s, &tape{}, l, map[int64]bool{7: true}, t.Context())
		if (err != nil) != (tt.err != nil) {
			t.Fatalf("got %v", err)
		}
		if state, _ := l.State(8); state != tt.want {
			t.Errorf("%v: %s, want %s", tt.err, state, tt.want)
		}
		if state, _ := l.State(7); tt.err == nil && state != Rejected {
			t.Errorf("the row that could not be mapped is %s", state)
		}
	}
}

// Whatever a destination does and whenever the journal is cut, replaying it gives the same states as the
// live ledger had, a row that the journal calls accepted was taken, and a row that was taken is accepted
// or in doubt. Req: FLD-03
func TestReplayedJournalTellsTheTruth(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		removed, changed, added := rapid.Int64Range(0, 30).Draw(t, "removed"), rapid.Int64Range(0, 30).Draw(t, "changed"), rapid.Int64Range(0, 60).Draw(t, "added")
		behaviour := rapid.SliceOfN(rapid.IntRange(0, 5), 1, 40).Draw(t, "behaviour")
		s := &target{limits: connector.Limits{
			Rows: rapid.IntRange(1, 12).Draw(t, "batch"), Concurrency: rapid.IntRange(1, 4).Draw(t, "lanes"),
			Split: rapid.Bool().Draw(t, "split"), Retry: quick,
		}}
		var mu sync.Mutex
		calls := 0
		s.write = func(b *connector.Batch) (connector.Result, error) {
			mu.Lock()
			do := behaviour[calls%len(behaviour)]
			calls++
			mu.Unlock()
			switch do {
			case 1:
				return connector.Result{}, fault.New(fault.CodeDestinationRejected, "no")
			case 2:
				return connector.Result{}, fault.New(fault.CodeDestinationUnreachable, "down")
			case 3: // taken, but nobody heard
				s.mu.Lock()
				for _, r := range b.Rows {
					s.take(r.Ordinal)
				}
				s.mu.Unlock()
				return connector.Result{}, fault.New(fault.CodeDestinationTimeout, "?")
			case 4:
				return connector.Result{Rejected: []connector.Rejection{{Row: 0, Reason: "first", Retry: true}}}, nil
			default:
				return connector.Result{}, nil
			}
		}
		tp := &tape{}
		l := NewLedger(removed, changed, added)
		j := NewJournal(context.Background(), tp, l)
		d := &Delivery{PlanID: "r1", Session: s, Chunks: &rows{ledger: l, size: 7}, Journal: j, Ledger: l, Clock: clock.System{}}
		_ = d.Run(context.Background(), context.Background()) //nolint:errcheck // failed or not, the states must agree
		j.Close()
		again, err := tp.replay(removed, changed, added)
		if err != nil {
			t.Fatal(err)
		}
		for n := range l.Rows() {
			live, _ := l.State(n)
			replayed, _ := again.State(n)
			if live != replayed {
				t.Fatalf("row %d is %s, and %s in the replay", n, live, replayed)
			}
			taken := s.taken[n]
			if live == Accepted && taken == 0 || taken > 0 && live != Accepted && live != InDoubt {
				t.Fatalf("row %d is %s and was taken %d times", n, live, taken)
			}
			if taken > 1 {
				t.Fatalf("row %d was taken %d times by a destination that is not idempotent", n, taken)
			}
		}
	})
}

func FuzzDecodeFrames(f *testing.F) {
	f.Add(appendFrame(nil, []Record{
		{Kind: RecordIntent, Batch: 1, Rows: []Range{{0, 5}, {9, 10}}},
		{Kind: RecordAnswer, Batch: 1, State: Rejected, Reason: "no", Refused: []Refusal{{3, "three"}}},
		{Kind: RecordCheckpoint, Batch: 2, Token: "tx"},
	}))
	f.Fuzz(func(_ *testing.T, data []byte) {
		l := NewLedger(3, 3, 10)
		_ = DecodeFrames(data, l.Apply) //nolint:errcheck // that it returns is what is tested
	})
}

// limited is a target with limits for each operation.
type limited struct {
	*target

	each map[connector.Operation]connector.Limits
}

func (s limited) LimitsOf(op connector.Operation) connector.Limits { return s.each[op] }

// TestOperationLimits: each operation is fed by its own limits, and the run ends when their windows have passed.
//
// Req: SY-75
func TestOperationLimits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sizes := map[connector.Operation]int{}
		s := limited{&target{}, map[connector.Operation]connector.Limits{
			connector.Added:   {Rows: 5, Concurrency: 1, WaitOut: true, Rates: []connector.Rate{{Requests: 100, Window: time.Minute}}},
			connector.Changed: {Rows: 2, Concurrency: 1},
			connector.Removed: {Rows: 1, Concurrency: 1, WaitOut: true, Rates: []connector.Rate{{Requests: 100, Window: time.Hour}}},
		}}
		s.write = func(b *connector.Batch) (connector.Result, error) {
			sizes[b.Operation] = max(sizes[b.Operation], len(b.Rows))
			return connector.Result{}, nil
		}
		for _, c := range []struct {
			removed int64
			want    time.Duration
		}{{0, time.Minute}, {1, time.Hour}} {
			l := NewLedger(c.removed, 4, 10)
			j := NewJournal(t.Context(), &tape{}, l)
			d := &Delivery{PlanID: "r", Session: s, Chunks: &rows{ledger: l, size: 7}, Journal: j, Ledger: l, Clock: clock.System{}, Log: slog.New(slog.DiscardHandler)}
			began := time.Now()
			if err := d.Run(t.Context(), t.Context()); err != nil {
				t.Fatal(err)
			}
			j.Close()
			if took := time.Since(began).Round(time.Second); took < c.want || took > c.want+10*time.Second {
				t.Errorf("with %d removed rows the run takes %s, want %s", c.removed, took, c.want)
			}
		}
		if sizes[connector.Added] != 5 || sizes[connector.Changed] != 2 || sizes[connector.Removed] != 1 {
			t.Errorf("batches of %v rows", sizes)
		}
	})
}

// A destination that remembers batches by their ids answers a second one as it answered the first. So rows that it
// refused for the moment come with another id, and different rows never have the same one.
//
// Req: FLD-03
func TestRefusedRowsMakeAnotherBatch(t *testing.T) {
	t.Parallel()
	known := map[string]string{} // the rows of each batch by its id
	s := &target{limits: connector.Limits{Rows: 4, Concurrency: 1, Idempotency: connector.Keyed, Retry: quick}}
	s.write = func(b *connector.Batch) (connector.Result, error) {
		var result connector.Result
		ordinals := fmt.Sprint(spansOf(b.Rows))
		for i, r := range b.Rows {
			if r.Ordinal%2 == 0 {
				result.Rejected = append(result.Rejected, connector.Rejection{Row: i, Reason: "not now", Retry: true})
			}
		}
		if before, again := known[b.ID]; again {
			t.Errorf("the rows %s have the id of %s, which was answered", ordinals, before)
		}
		known[b.ID] = ordinals
		return result, nil
	}
	l := NewLedger(0, 0, 8)
	j := NewJournal(t.Context(), &tape{}, l)
	d := &Delivery{PlanID: "r1", Session: s, Chunks: &rows{ledger: l, size: 8}, Journal: j, Ledger: l, Clock: clock.System{}}
	if err := d.Run(t.Context(), t.Context()); err != nil {
		t.Fatal(err)
	}
	j.Close()
	if state, _ := l.State(1); state != Accepted || len(known) != 6 {
		t.Errorf("the other rows are %s after %d batches", state, len(known))
	}
	if state, _ := l.State(4); state != Rejected {
		t.Errorf("a row that was refused each time is %s", state)
	}
}
