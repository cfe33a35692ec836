package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// start runs a delivery of added rows; change adjusts it.
func start(t *testing.T, s connector.Session, added int64, drain context.Context, change func(d *Delivery)) (*Ledger, error) { //nolint:revive // not the context of the call
	t.Helper()
	l := NewLedger(0, 0, added)
	j := NewJournal(t.Context(), &tape{}, l)
	defer j.Close()
	d := &Delivery{
		PlanID: "r1", Session: s, Chunks: &rows{ledger: l, size: 1000}, Journal: j, Ledger: l, Clock: clock.System{},
		Log: slog.New(slog.DiscardHandler), Jitter: func(time.Duration) time.Duration { return 0 },
	}
	if change != nil {
		change(d)
	}
	return l, d.Run(t.Context(), drain)
}

// Req: SY-76
func TestBackoffDoublesUpToTheLongest(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		jitter func(time.Duration) time.Duration
		waits  []time.Duration
	}{
		{"at least", func(time.Duration) time.Duration { return 0 }, []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 2500 * time.Millisecond, 2500 * time.Millisecond}},
		{"at most", func(most time.Duration) time.Duration { return most }, []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 5 * time.Second, 5 * time.Second}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var at []time.Time
				s := &target{limits: connector.Limits{Rows: 10, Concurrency: 1, Retry: connector.RetryPolicy{Attempts: 6, Base: time.Second, Max: 5 * time.Second}}}
				s.write = func(*connector.Batch) (connector.Result, error) {
					at = append(at, time.Now())
					return connector.Result{}, fault.New(fault.CodeDestinationUnreachable, "connection refused")
				}
				l, err := start(t, s, 10, t.Context(), func(d *Delivery) { d.Jitter = tt.jitter })
				if err != nil || l.Total(Rejected) != 10 {
					t.Fatalf("%v, %d rejected", err, l.Total(Rejected))
				}
				var waits []time.Duration
				for i := 1; i < len(at); i++ {
					waits = append(waits, at[i].Sub(at[i-1]))
				}
				if !slices.Equal(waits, tt.waits) {
					t.Errorf("waits %v, want %v", waits, tt.waits)
				}
			})
		})
	}
}

func TestBackoffIsBounded(t *testing.T) {
	t.Parallel()
	d := &Delivery{retry: withDefaults(connector.RetryPolicy{})}
	for n := 1; n < 200; n++ {
		ceiling := min(defaultBase<<min(n-1, 10), defaultMax)
		if got := d.backoff(n); got < ceiling/2 || got > ceiling {
			t.Errorf("attempt %d waits %s, want %s to %s", n, got, ceiling/2, ceiling)
		}
	}
}

// A destination that asks for more patience than a run has gets its rows in the next run.
//
// Req: SY-76, FLD-09
func TestPatienceEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		s := &target{limits: connector.Limits{Rows: 10, Concurrency: 1}}
		s.write = func(*connector.Batch) (connector.Result, error) {
			return connector.Result{}, fault.RetryAfter(fault.New(fault.CodeDestinationThrottled, "429: come back in 20 minutes"), 20*time.Minute)
		}
		l, err := start(t, s, 10, t.Context(), nil)
		if state, why := l.State(0); err != nil || state != Rejected || !strings.Contains(why, "20 minutes") {
			t.Errorf("%v, %s %q", err, state, why)
		}
		if took := time.Since(began); took != 20*time.Minute {
			t.Errorf("it took %s", took)
		}
	})
}

// Rows that the destination wants to see again have their own rounds, and the others are not sent again.
//
// Req: SY-76, FLD-33
func TestRefusedRowsWorthARetryGoAlone(t *testing.T) {
	t.Parallel()
	var batches [][]int64
	s := &target{limits: connector.Limits{Rows: 10, Concurrency: 1, Retry: quick}}
	s.write = func(b *connector.Batch) (r connector.Result, _ error) {
		var ordinals []int64
		for i, row := range b.Rows {
			ordinals = append(ordinals, row.Ordinal)
			if row.Ordinal == 3 || row.Ordinal == 5 && len(batches) < 1 {
				r.Rejected = append(r.Rejected, connector.Rejection{Row: i, Reason: "locked", Retry: true})
			}
		}
		batches = append(batches, ordinals)
		return r, nil
	}
	l, err := start(t, s, 8, t.Context(), nil)
	if want := "[[0 1 2 3 4 5 6 7] [3 5] [3]]"; err != nil || fmt.Sprint(batches) != want {
		t.Errorf("%v %v, want %s", err, batches, want)
	}
	if state, why := l.State(3); state != Rejected || why != "locked" || l.Total(Accepted) != 7 {
		t.Errorf("%s %q, %d accepted", state, why, l.Total(Accepted))
	}
}

// Doubt about one attempt is not dispelled by the failure of another, only by an answer (D4).
//
// Req: FLD-03
func TestDoubtStays(t *testing.T) {
	t.Parallel()
	lost := fault.New(fault.CodeDestinationTimeout, "no answer")
	down := fault.New(fault.CodeDestinationUnreachable, "connection refused")
	refused := fault.New(fault.CodeDestinationRejected, "duplicate")
	fatal := fault.New(fault.CodeDestinationAuth, "revoked")
	tests := []struct {
		name  string
		split bool
		stop  bool // the run is stopped after the first answer
		sends []error
		want  State
	}{
		{"lost, then down to the end", false, false, []error{lost, down, down}, InDoubt},
		{"lost, then refused", false, false, []error{lost, refused}, InDoubt},
		{"lost, then fatal", false, false, []error{lost, fatal}, InDoubt},
		{"lost, then stopped", false, true, []error{lost}, InDoubt},
		{"lost, down, then stopped", false, true, []error{lost}, InDoubt},
		{"lost, then refused in halves", true, false, []error{lost, refused, refused, refused}, InDoubt},
		{"lost, then taken", false, false, []error{lost, nil}, Accepted},
		{"lost, refused as a whole, then taken in halves", true, false, []error{lost, refused, nil, nil}, Accepted},
		{"down, then stopped", false, true, []error{down}, NotSent},
		{"down to the end", false, false, []error{down, down, down}, Rejected},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			drain, stop := context.WithCancel(t.Context())
			defer stop()
			s := &target{limits: connector.Limits{Rows: 2, Concurrency: 1, Split: tt.split, Idempotency: connector.Idempotent, Retry: quick}}
			if tt.stop {
				s.limits.Retry = connector.RetryPolicy{Attempts: 5, Base: time.Hour, Max: time.Hour}
			}
			sent := 0
			s.write = func(*connector.Batch) (connector.Result, error) {
				sent++
				if tt.stop {
					stop()
				}
				return connector.Result{}, tt.sends[sent-1]
			}
			l, err := start(t, s, 2, drain, nil)
			if l.Total(tt.want) != 2 || sent != len(tt.sends) {
				state, why := l.State(0)
				t.Errorf("%s (%s) after %d sends, %v; want %s after %d", state, why, sent, err, tt.want, len(tt.sends))
			}
		})
	}
}

// A stopped run does not call rows rejected that it was only holding back.
//
// Req: FLD-02
func TestRowsHeldBackAreNotRejected(t *testing.T) {
	t.Parallel()
	for name, limits := range map[string]connector.Limits{
		"by the pace": {Rates: []connector.Rate{{Requests: 1, Window: time.Hour}}}, "by a pause": {Pause: time.Hour},
	} {
		drain, stop := context.WithCancelCause(t.Context())
		asked := errors.New("cancelled")
		limits.Rows, limits.Concurrency, limits.Retry.Attempts = 1, 1, 1
		s := &target{limits: limits}
		s.write = func(*connector.Batch) (connector.Result, error) { stop(asked); return connector.Result{}, nil }
		l, err := start(t, s, 3, drain, nil)
		if !errors.Is(err, asked) || l.Total(Accepted) != 1 || l.Total(NotSent) != 2 {
			t.Errorf("%s: %v, %d accepted, %d not sent", name, err, l.Total(Accepted), l.Total(NotSent))
		}
	}
}

// A file that was begun when the run is stopped is discarded, and the run is stopped, not failed.
//
// Req: SY-69
func TestAStoppedFileIsDiscarded(t *testing.T) {
	t.Parallel()
	drain, stop := context.WithCancelCause(t.Context())
	asked := errors.New("cancelled")
	s := &target{limits: connector.Limits{Rows: 1, Concurrency: 1, Deferred: true, Retry: connector.RetryPolicy{Attempts: 2, Base: time.Hour, Max: time.Hour}}}
	s.write = func(b *connector.Batch) (connector.Result, error) {
		if b.Rows[0].Ordinal < 2 {
			return connector.Result{}, nil
		}
		stop(asked)
		return connector.Result{}, fault.New(fault.CodeDestinationUnreachable, "connection refused")
	}
	l, err := start(t, s, 5, drain, nil)
	if !errors.Is(err, asked) || l.Total(NotSent) != 5 || s.finished != 0 {
		t.Errorf("%v, %d not sent, finished %d times", err, l.Total(NotSent), s.finished)
	}
}

// The wait for rate windows to pass ends with the run, and takes nothing back.
//
// Req: SY-69, SY-75
func TestWaitingOutEndsWhenTheRunIsStopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		drain, stop := context.WithCancel(t.Context())
		defer stop()
		s := &target{limits: connector.Limits{Rows: 10, Concurrency: 1, WaitOut: true, Rates: []connector.Rate{{Requests: 100, Window: time.Hour}}}}
		began := time.Now()
		time.AfterFunc(time.Minute, stop)
		l, err := start(t, s, 10, drain, nil)
		if err != nil || l.Total(Accepted) != 10 || s.finished != 1 || time.Since(began) != time.Minute {
			t.Errorf("%v, %d accepted, finished %d times after %s", err, l.Total(Accepted), s.finished, time.Since(began))
		}
	})
}

// A destination that refuses rows is there: only failures to reach it count towards giving up.
//
// Req: SY-76
func TestRefusalsShowThatTheDestinationIsThere(t *testing.T) {
	t.Parallel()
	s := &target{limits: connector.Limits{Rows: 1, Concurrency: 1, Retry: connector.RetryPolicy{Attempts: 1}}}
	s.write = func(b *connector.Batch) (connector.Result, error) {
		if b.Rows[0].Ordinal%5 == 0 {
			return connector.Result{}, fault.New(fault.CodeDestinationRejected, "no")
		}
		return connector.Result{}, fault.New(fault.CodeDestinationUnreachable, "connection reset")
	}
	l, err := start(t, s, 40, t.Context(), nil)
	if err != nil || l.Total(Rejected) != 40 {
		t.Errorf("%v, %d rejected", err, l.Total(Rejected))
	}
}

// Rows that travel as whole rows are counted as such.
//
// Req: FLD-17
func TestBatchesStayWithinTheirBytes(t *testing.T) {
	t.Parallel()
	wide := strings.Repeat("x", 1000)
	for name, fill := range map[string]func(row *connector.Row){
		"mapped values": func(row *connector.Row) { row.Values = append(row.Values[:0], value.OfText(wide)) },
		"whole rows": func(row *connector.Row) {
			row.Values, row.Source = row.Values[:0], append(row.Source, value.OfText(wide))
		},
	} {
		sizes := map[int]int{}
		s := &target{limits: connector.Limits{Rows: 100, Bytes: 10_500, Concurrency: 1}}
		s.write = func(b *connector.Batch) (connector.Result, error) {
			sizes[len(b.Rows)]++
			return connector.Result{}, nil
		}
		_, err := start(t, s, 100, t.Context(), func(d *Delivery) { d.Chunks = &filled{d.Chunks, fill} })
		if err != nil || sizes[10] != 10 || len(sizes) != 1 {
			t.Errorf("%s: %v, batches %v, want ten of 10 rows", name, err, sizes)
		}
	}
}

// filled changes the rows of other chunks.
type filled struct {
	Chunks
	fill func(row *connector.Row)
}

func (f *filled) Next(ctx context.Context, op connector.Operation) (*Chunk, error) {
	c, err := f.Chunks.Next(ctx, op)
	if c != nil {
		bind := c.Bind
		c.Bind = func() RowReader { return filledRow{bind(), f.fill} }
	}
	return c, err
}

type filledRow struct {
	RowReader
	fill func(row *connector.Row)
}

func (f filledRow) Read(i int, row *connector.Row) error {
	err := f.RowReader.Read(i, row)
	f.fill(row)
	return err
}

// Lanes that wait at once share one write.
func TestGroupCommit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const lanes = 100
		l := NewLedger(0, 0, lanes+1)
		open := make(chan struct{})
		writes := 0
		tp := &tape{}
		tp.before = func() {
			if writes++; writes == 1 {
				<-open
			}
		}
		j := NewJournal(t.Context(), tp, l)
		var wg sync.WaitGroup
		write := func(n uint32) {
			wg.Go(func() {
				if err := j.Write(Record{Kind: RecordIntent, Batch: n + 1, Rows: []Range{{int64(n), int64(n) + 1}}}); err != nil {
					t.Error(err)
				}
				if state, _ := l.State(int64(n)); state != InDoubt {
					t.Errorf("row %d is %s when its intent is durable", n, state)
				}
			})
		}
		write(0)
		synctest.Wait() // the first one is being written
		for n := range uint32(lanes) {
			write(n + 1)
		}
		synctest.Wait() // the others wait
		close(open)
		wg.Wait()
		j.Close()
		if writes != 2 {
			t.Errorf("%d writes for %d records", writes, lanes+1)
		}
		if again, err := tp.replay(0, 0, lanes+1); err != nil || again.Total(InDoubt) != lanes+1 {
			t.Errorf("%v after the replay", err)
		}
	})
}

// Reasons do not fill the memory, however many there are, and a snapshot of rows with one reason is small.
//
// Req: FLD-17, SY-72
func TestReasonsAreBounded(t *testing.T) {
	t.Parallel()
	const rows = 40_000
	l := NewLedger(0, 0, 2*rows)
	refused := make([]Refusal, rows)
	for i := range refused {
		refused[i] = Refusal{int64(i), fmt.Sprintf("row %d: %s", i, strings.Repeat("é", 600))}
	}
	apply(t, l, Record{Kind: RecordIntent, Batch: 1, Rows: []Range{{0, rows}}}, Record{Kind: RecordAnswer, Batch: 1, State: Accepted, Refused: refused})
	apply(t, l, Record{Kind: RecordIntent, Batch: 2, Rows: []Range{{rows, 2 * rows}}}, Record{Kind: RecordAnswer, Batch: 2, State: Rejected, Reason: strings.Repeat("é", 3000)})
	if l.reasons.bytes > maxReasons+2*maxReason {
		t.Errorf("%d bytes of reasons", l.reasons.bytes)
	}
	if _, why := l.State(0); !strings.HasPrefix(why, "row 0: ") {
		t.Errorf("the first reason is %q", why)
	}
	if state, why := l.State(rows - 1); state != Rejected || why != tooManyReasons {
		t.Errorf("the last row is %s, %q", state, why)
	}
	one := NewLedger(0, 0, rows)
	apply(t, one, Record{Kind: RecordIntent, Batch: 1, Rows: []Range{{0, rows}}}, Record{Kind: RecordAnswer, Batch: 1, State: Rejected, Reason: strings.Repeat("é", 3000)})
	var b strings.Builder
	if err := one.WriteSnapshot(&b); err != nil || b.Len() > 3*maxReason {
		t.Errorf("a snapshot of one reason has %d bytes, %v", b.Len(), err)
	}
}

func apply(t *testing.T, l *Ledger, records ...Record) {
	t.Helper()
	for _, r := range records {
		if err := l.Apply(r); err != nil {
			t.Fatal(err)
		}
	}
}

// A snapshot says of every row what the ledger says.
//
// Req: SY-71
func TestSnapshot(t *testing.T) {
	t.Parallel()
	l := NewLedger(5, 5, 4000)
	apply(t, l,
		Record{Kind: RecordIntent, Batch: 1, Rows: []Range{{0, 5}, {7, 4000}}},
		Record{Kind: RecordAnswer, Batch: 1, State: Accepted, Refused: []Refusal{{3, "a"}, {4, "a"}, {7, "a"}, {8, "b"}, {10, "b"}}},
		Record{Kind: RecordIntent, Batch: 2, Rows: []Range{{4000, 4005}}},
		Record{Kind: RecordAnswer, Batch: 2, State: InDoubt, Reason: "b"})
	for n := int64(100); n < 3500; n += 2 {
		apply(t, l, Record{Kind: RecordIntent, Batch: uint32(n), Rows: []Range{{n, n + 1}}}, Record{Kind: RecordAnswer, Batch: uint32(n), State: Rejected, Reason: strconv.FormatInt(n, 10)})
	}
	var b strings.Builder
	if err := l.WriteSnapshot(&b); err != nil {
		t.Fatal(err)
	}
	again := NewLedger(5, 5, 4000)
	if err := DecodeFrames([]byte(b.String()), again.Apply); err != nil {
		t.Fatal(err)
	}
	for n := range l.Rows() {
		state, why := l.State(n)
		if s, w := again.State(n); s != state || w != why {
			t.Fatalf("row %d is %s %q, and %s %q in the snapshot", n, state, why, s, w)
		}
	}
	if err := l.WriteSnapshot(broken{}); err == nil {
		t.Error("a snapshot that could not be written is one")
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// Being asked to wait uses up no attempt: those that the policy grants are left for what fails.
//
// Req: FLD-09
func TestWaitingUsesUpNoAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		s := &target{limits: connector.Limits{Rows: 10, Concurrency: 1, Retry: connector.RetryPolicy{Attempts: 2}}}
		s.write = func(*connector.Batch) (connector.Result, error) {
			switch calls++; {
			case calls <= 5:
				return connector.Result{}, fault.RetryAfter(fault.New(fault.CodeDestinationThrottled, "slow down"), time.Minute)
			case calls == 6:
				return connector.Result{}, fault.New(fault.CodeDestinationUnreachable, "connection refused")
			}
			return connector.Result{}, nil
		}
		if l, err := start(t, s, 10, t.Context(), nil); err != nil || l.Total(Accepted) != 10 {
			t.Errorf("%v, %d taken after %d requests", err, l.Total(Accepted), calls)
		}
	})
}
