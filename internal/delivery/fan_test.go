package delivery

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
	"pgregory.net/rapid"
)

// fanned makes several records of each row, as many as sizes says by ordinal; none says one.
type fanned struct {
	rows

	sizes func(ordinal int64) int
}

func (f *fanned) Next(ctx context.Context, op connector.Operation) (*Chunk, error) {
	c, err := f.rows.Next(ctx, op)
	if c != nil {
		bind := c.Bind
		c.Bind = func() RowReader { return fannedReader{bind(), c.First, f.sizes} }
	}
	return c, err
}

type fannedReader struct {
	RowReader

	first int64
	sizes func(ordinal int64) int
}

func (f fannedReader) Records(i int, next func() *connector.Row) error {
	for n := range f.sizes(f.first + int64(i)) {
		row := next()
		if err := f.Read(i, row); err != nil {
			return err
		}
		row.Values = append(row.Values, value.OfInt(int64(n)))
	}
	return nil
}

// record names a record by its row and its element.
func record(r connector.Row) string { return fmt.Sprintf("%d/%d", r.Ordinal, r.Values[1].Int()) }

// audience is a target that remembers records.
type audience struct {
	*target

	records map[string]int
	batches []string // operation and records of each, in their order
}

func (s *audience) Write(ctx context.Context, b *connector.Batch) (connector.Result, error) {
	s.mu.Lock()
	var names []string
	for _, r := range b.Rows {
		names = append(names, record(r))
	}
	s.batches = append(s.batches, string(b.Operation)+" "+strings.Join(names, " "))
	s.mu.Unlock()
	result, err := s.target.Write(ctx, b)
	if err != nil {
		return result, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, r := range b.Rows {
		if !slices.ContainsFunc(result.Rejected, func(x connector.Rejection) bool { return x.Row == i }) {
			s.takeRecord(r)
		}
	}
	return result, nil
}

func (s *audience) takeRecord(r connector.Row) {
	if s.records == nil {
		s.records = map[string]int{}
	}
	s.records[record(r)]++
}

// fan delivers added rows with so many records each.
func fan(t *testing.T, s *audience, tp *tape, sizes ...int) *Ledger {
	t.Helper()
	l := NewLedger(0, 0, int64(len(sizes)))
	deliverFan(t, s, tp, l, &fanned{rows{ledger: l, size: 7}, func(n int64) int { return sizes[n] }}, nil)
	return l
}

func deliverFan(t *testing.T, s *audience, tp *tape, l *Ledger, feed, retract Chunks) {
	t.Helper()
	j := NewJournal(t.Context(), tp, l)
	defer j.Close()
	d := &Delivery{PlanID: "r1", Session: s, Chunks: feed, Retract: retract, Journal: j, Ledger: l, Clock: clock.System{}}
	if err := d.Run(t.Context(), t.Context()); err != nil {
		t.Fatal(err)
	}
}

func newAudience(rows int, write func(b *connector.Batch) (connector.Result, error)) *audience {
	return &audience{target: &target{limits: connector.Limits{Rows: rows, Concurrency: 1, Split: true, Retry: quick}, write: write}}
}

// Limits count records; a row's records stay together where they fit.
//
// Req: SY-92
func TestRecordsStayTogether(t *testing.T) {
	t.Parallel()
	s := newAudience(4, nil)
	l := fan(t, s, &tape{}, 2, 1, 3, 9, 1, 1)
	want := []string{
		"added 0/0 0/1 1/0", "added 2/0 2/1 2/2", "added 3/0 3/1 3/2 3/3", "added 3/4 3/5 3/6 3/7", "added 3/8", "added 4/0 5/0",
	}
	if !slices.Equal(s.batches, want) {
		t.Errorf("the batches are %q, want %q", s.batches, want)
	}
	if n := l.Total(Accepted); n != 6 {
		t.Errorf("%d rows are accepted", n)
	}
}

// What became of a row is the worst of what became of its records, and the reason names the record.
//
// Req: SY-92, SY-78
func TestTheWorstOfItsRecords(t *testing.T) {
	t.Parallel()
	refuse := func(names ...string) func(b *connector.Batch) (connector.Result, error) {
		return func(b *connector.Batch) (result connector.Result, err error) {
			for i, r := range b.Rows {
				if slices.Contains(names, record(r)) {
					result.Rejected = append(result.Rejected, connector.Rejection{Row: i, Reason: "no such thing"})
				}
			}
			return result, nil
		}
	}
	whole := func(name string, refusal fault.Code) func(b *connector.Batch) (connector.Result, error) {
		return func(b *connector.Batch) (connector.Result, error) {
			if slices.ContainsFunc(b.Rows, func(r connector.Row) bool { return record(r) == name }) {
				return connector.Result{}, fault.New(refusal, "no such thing")
			}
			return connector.Result{}, nil
		}
	}
	for name, c := range map[string]struct {
		rows   int
		write  func(b *connector.Batch) (connector.Result, error)
		state  State
		reason string
	}{
		"one refused, in one batch with others": {10, refuse("1/1"), Partial, "record 2 of 3: no such thing (2 of 3 were taken)"},
		"one refused, in several batches":       {2, refuse("1/2"), Partial, "record 3 of 3: no such thing (2 of 3 were taken)"},
		"all refused":                           {10, refuse("1/0", "1/1", "1/2"), Rejected, "record 1 of 3: no such thing"},
		"a batch refused as a whole":            {10, whole("1/1", fault.CodeDestinationRejected), Partial, "record 2 of 3: no such thing (2 of 3 were taken)"},
		"an answer that was lost":               {2, whole("1/2", fault.CodeDestinationTimeout), InDoubt, "record 3 of 3: no such thing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, tp := newAudience(c.rows, c.write), &tape{}
			l := fan(t, s, tp, 1, 3, 2)
			state, reason := l.State(1)
			if state != c.state || reason != c.reason {
				t.Errorf("%s %q, want %s %q", state, reason, c.state, c.reason)
			}
			for _, n := range []int64{0, 2} {
				if other, _ := l.State(n); other != Accepted {
					t.Errorf("row %d is %s", n, other)
				}
			}
			again, err := tp.replay(0, 0, 3)
			if err != nil {
				t.Fatal(err)
			}
			if state, reason := again.State(1); state != c.state || reason != c.reason {
				t.Errorf("replayed: %s %q", state, reason)
			}
		})
	}
}

// Records that are worth another attempt are sent again by themselves.
//
// Req: SY-76, SY-92
func TestRefusedRecordsAreSentAgain(t *testing.T) {
	t.Parallel()
	for name, rows := range map[string]int{"with other rows": 10, "alone": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen := map[string]int{}
			s := newAudience(rows, func(b *connector.Batch) (result connector.Result, err error) {
				for i, r := range b.Rows {
					if seen[record(r)]++; record(r) == "1/2" && seen[record(r)] < 3 {
						result.Rejected = append(result.Rejected, connector.Rejection{Row: i, Reason: "busy", Retry: true})
					}
				}
				return result, nil
			})
			l := fan(t, s, &tape{}, 1, 3, 1)
			if state, reason := l.State(1); state != Accepted || reason != "" {
				t.Errorf("%s %q", state, reason)
			}
			if seen["1/2"] != 3 || seen["1/0"] != 1 || seen["1/1"] != 1 || seen["0/0"] != 1 {
				t.Errorf("%v", seen)
			}
		})
	}
}

// What rows had and lost is removed before any of them changes. A row whose removal is refused waits.
//
// Req: SY-92
func TestRetractionsGoFirst(t *testing.T) {
	t.Parallel()
	s := newAudience(10, func(b *connector.Batch) (result connector.Result, err error) {
		for i, r := range b.Rows {
			if b.Operation == connector.Removed && r.Ordinal == 2 {
				result.Rejected = append(result.Rejected, connector.Rejection{Row: i, Reason: "no"})
			}
		}
		return result, nil
	})
	l := NewLedger(1, 3, 1)
	feed := &fanned{rows{ledger: l, size: 7}, func(int64) int { return 1 }}
	lost := &fanned{rows{ledger: l, size: 7}, func(n int64) int { return map[int64]int{1: 2, 2: 1}[n] }}
	deliverFan(t, s, &tape{}, l, feed, lost)
	want := []string{"removed 0/0", "removed 1/0 1/1 2/0", "changed 1/0 3/0", "added 4/0"}
	if !slices.Equal(s.batches, want) {
		t.Errorf("the batches are %q, want %q", s.batches, want)
	}
	if state, reason := l.State(2); state != Rejected || reason != "removing what the row had before: no" {
		t.Errorf("%s %q", state, reason)
	}
	if n := l.Total(Accepted); n != 4 {
		t.Errorf("%d rows are accepted", n)
	}
}

// A run that goes on after a pause does not retract again what was retracted.
//
// Req: SY-92
func TestRetractionsAreRemembered(t *testing.T) {
	t.Parallel()
	const rowCount = 6
	tp, l := &tape{}, NewLedger(0, rowCount, 0)
	each := func(int64) int { return 1 }
	drain, stop := context.WithCancel(t.Context())
	s := newAudience(2, nil)
	s.target.write = func(*connector.Batch) (connector.Result, error) {
		if len(s.batches) == 2 {
			stop()
		}
		return connector.Result{}, nil
	}
	j := NewJournal(t.Context(), tp, l)
	d := &Delivery{
		PlanID: "r1", Session: s, Journal: j, Ledger: l, Clock: clock.System{},
		Chunks: &fanned{rows{ledger: l, size: 7}, each}, Retract: &fanned{rows{ledger: l, size: 7}, each},
	}
	if err := d.Run(t.Context(), drain); err == nil {
		t.Fatal("the run was stopped")
	}
	j.Close()
	again, err := tp.replay(0, rowCount, 0)
	if err != nil {
		t.Fatal(err)
	}
	if n := again.Total(Retracted); n != 4 {
		t.Errorf("%d rows are retracted", n)
	}
	next := newAudience(2, nil)
	deliverFan(t, next, tp, again, &fanned{rows{ledger: again, size: 7}, each}, &fanned{rows{ledger: again, size: 7}, each})
	want := []string{"removed 4/0 5/0", "changed 0/0 1/0", "changed 2/0 3/0", "changed 4/0 5/0"}
	if !slices.Equal(next.batches, want) {
		t.Errorf("the batches are %q, want %q", next.batches, want)
	}
}

// A row with very many records does not make its batch hold more than the limit at a time.
func TestRecordsAreReadInParts(t *testing.T) {
	t.Parallel()
	most := 0
	s := newAudience(5, func(b *connector.Batch) (connector.Result, error) {
		most = max(most, len(b.Rows))
		return connector.Result{}, nil
	})
	sizes := make([]int, 40)
	for i := range sizes {
		sizes[i] = 1 + i%13
	}
	if l := fan(t, s, &tape{}, sizes...); l.Total(Accepted) != 40 || most != 5 {
		t.Errorf("%d accepted, at most %d records in a batch", l.Total(Accepted), most)
	}
}

// Whatever a destination does and wherever the journal is cut: a row is accepted when all of its records were taken,
// refused or not sent when none was, and in between otherwise; and no record is taken twice.
//
// Req: FLD-03, SY-92
func TestRecordsAndTheirRows(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		count := rapid.Int64Range(1, 40).Draw(t, "rows")
		removed, changed := count/4, count/4
		sizes := rapid.SliceOfN(rapid.IntRange(1, 7), int(count), int(count)).Draw(t, "records")
		lost := rapid.SliceOfN(rapid.IntRange(0, 3), int(count), int(count)).Draw(t, "lost")
		behaviour := rapid.SliceOfN(rapid.IntRange(0, 6), 1, 40).Draw(t, "behaviour")
		stop := rapid.IntRange(0, 60).Draw(t, "stop")
		s := &audience{target: &target{limits: connector.Limits{
			Rows: rapid.IntRange(1, 9).Draw(t, "batch"), Concurrency: rapid.IntRange(1, 3).Draw(t, "lanes"),
			Split: rapid.Bool().Draw(t, "split"), Retry: quick,
		}}}
		drain, end := context.WithCancel(context.Background())
		defer end()
		random := &randomAudience{audience: s, behaviour: behaviour, stop: stop, end: end, kept: removed}
		tp, l := &tape{}, NewLedger(removed, changed, count-removed-changed)
		j := NewJournal(context.Background(), tp, l)
		d := &Delivery{
			PlanID: "r1", Session: random, Journal: j, Ledger: l, Clock: clock.System{},
			Chunks: &fanned{rows{ledger: l, size: 7}, func(n int64) int { return sizes[n] }},
		}
		if rapid.Bool().Draw(t, "retract") {
			d.Retract = &fanned{rows{ledger: l, size: 7}, func(n int64) int { return lost[n] }}
		}
		_ = d.Run(context.Background(), drain) //nolint:errcheck // failed or not, the states must agree
		j.Close()
		judge(t, random, l, sizes)
		for _, cut := range cuts(tp.frames) {
			part := NewLedger(removed, changed, count-removed-changed)
			if err := DecodeFrames(tp.frames[:cut], part.Apply); err != nil {
				t.Fatal(err)
			}
			for n := range count {
				if state, _ := part.State(n); state == Accepted && random.of(n) < sizes[n] {
					t.Fatalf("cut at %d, row %d is accepted, and %d of its %d records were taken", cut, n, random.of(n), sizes[n])
				}
			}
		}
		again, err := tp.replay(removed, changed, count-removed-changed)
		if err != nil {
			t.Fatal(err)
		}
		judge(t, random, again, sizes)
	})
}

// judge compares the ledger with what was taken.
func judge(t *rapid.T, s *randomAudience, l *Ledger, sizes []int) {
	for n := range l.Rows() {
		state, reason := l.State(n)
		taken, all := s.of(n), sizes[n]
		switch {
		case state == Accepted && taken < all:
			t.Fatalf("row %d is accepted, and %d of its %d records were taken", n, taken, all)
		case (state == Rejected || state == NotSent || state == Retracted) && taken > 0:
			t.Fatalf("row %d is %s (%s), and %d of its %d records were taken", n, state, reason, taken, all)
		case state == Partial && taken == all:
			t.Fatalf("row %d is %s, and all of its records were taken", n, state)
		}
	}
	for name, times := range s.records {
		if times > 1 {
			t.Fatalf("record %s was taken %d times", name, times)
		}
	}
}

// cuts lists the ends of frames.
func cuts(frames []byte) (ends []int) {
	for at := 0; at < len(frames); ends = append(ends, at) {
		at += 8 + int(binary.LittleEndian.Uint32(frames[at:]))
	}
	return ends
}

// randomAudience behaves as it is told, one way after another, and ends the run after some batches. What is retracted
// does not count as taken.
type randomAudience struct {
	*audience

	behaviour []int
	stop      int
	end       func()
	kept      int64 // ordinal of the first row that is not removed

	lock  sync.Mutex
	calls int
}

// of counts the records of a row that were taken.
func (s *randomAudience) of(ordinal int64) (taken int) {
	for name := range s.records {
		if strings.HasPrefix(name, fmt.Sprintf("%d/", ordinal)) {
			taken++
		}
	}
	return taken
}

func (s *randomAudience) Write(_ context.Context, b *connector.Batch) (connector.Result, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	do := s.behaviour[s.calls%len(s.behaviour)]
	if s.calls++; s.calls == s.stop {
		s.end()
	}
	if len(b.Rows) > s.limits.Rows {
		panic("a batch is larger than the limit")
	}
	var result connector.Result
	switch do {
	case 1:
		return result, fault.New(fault.CodeDestinationRejected, "no")
	case 2:
		return result, fault.New(fault.CodeDestinationUnreachable, "down")
	case 4:
		result.Rejected = []connector.Rejection{{Row: 0, Reason: "first", Retry: true}}
	case 5:
		result.Rejected = []connector.Rejection{{Row: len(b.Rows) - 1, Reason: "last"}}
	}
	for i, r := range b.Rows {
		retraction := b.Operation == connector.Removed && r.Ordinal >= s.kept
		if !retraction && !slices.ContainsFunc(result.Rejected, func(x connector.Rejection) bool { return x.Row == i }) {
			s.takeRecord(r)
		}
	}
	if do == 3 { // taken, but nobody heard
		return connector.Result{}, fault.New(fault.CodeDestinationTimeout, "?")
	}
	return result, nil
}
