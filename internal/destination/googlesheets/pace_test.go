package googlesheets_test

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// ledger lets requests through, and notes which limits they count in.
type ledger struct {
	asked map[string]int
	held  []time.Duration
	left  int // how many requests are let through; 0: all
}

var _ connector.Pace = (*ledger)(nil)

func newLedger() *ledger { return &ledger{asked: map[string]int{}} }

func (l *ledger) Next(_ context.Context, rates []connector.Rate, t connector.Turn) error {
	if l.left == 1 {
		return fault.RetryAfter(fault.New(fault.CodeDestinationThrottled, "the limit is used up"), time.Hour)
	}
	l.left = max(0, l.left-1)
	counted := map[string]bool{}
	for _, r := range rates {
		counted[r.Class] = t.Counts(r.Class)
	}
	for class, counts := range counted {
		if counts {
			l.asked[class]++
		}
	}
	return nil
}

func (l *ledger) Hold(_ context.Context, _ []connector.Rate, after time.Duration) {
	l.held = append(l.held, after)
}

// batch is one whose requests the ledger lets through.
func (l *ledger) batch(id string, rates []connector.Rate, rows ...string) *connector.Batch {
	b := &connector.Batch{
		ID: id, Operation: connector.Added,
		Next: func(ctx context.Context, t connector.Turn) error { return l.Next(ctx, rates, t) },
		Hold: func(ctx context.Context, after time.Duration) { l.Hold(ctx, rates, after) },
	}
	for _, r := range rows {
		b.Rows = append(b.Rows, connector.Row{Values: texts(r)})
	}
	return b
}

// came are the requests that Google counts, by what it counts them in.
func (g *google) came() map[string]int {
	counted := map[string]int{}
	for class, kinds := range map[string][]string{"readings": {"read", "row"}, "writings": {"change", "write", "append"}} {
		for _, kind := range kinds {
			counted[class] += g.count(kind)
		}
	}
	return counted
}

// Every request to Sheets counts in the limit that Google counts it in, with whatever it belongs to: the beginning of a
// run, a batch, or its end.
//
// Req: FLD-09
func TestEveryRequestCounts(t *testing.T) {
	t.Parallel()
	for _, mode := range []connector.Mode{connector.ModeAll, connector.ModeSnapshot, connector.ModeInsert} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			g, besides, batches := newGoogle(t, newBook("b", "Book", "Data")), newLedger(), newLedger()
			g.page("b", "Data").rows, g.page("b", "Data").columns = 4, 1
			job := jobOf("b", mode, columnsOf("id"), "valueInput", "USER_ENTERED", "overflow", true)
			job.Pace = besides
			s := begin(t, small(t, g, 40), job)
			for _, id := range []string{"1", "2"} {
				if _, err := s.Write(t.Context(), batches.batch(id, s.Limits().Rates, slices.Repeat([]string{"a"}, 15)...)); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Finish(t.Context()); err != nil {
				t.Fatal(err)
			}
			if len(batches.asked) == 0 || len(besides.asked) == 0 {
				t.Errorf("batches: %v, besides: %v", batches.asked, besides.asked)
			}
			for class, n := range batches.asked {
				besides.asked[class] += n
			}
			if !maps.Equal(besides.asked, g.came()) {
				t.Errorf("%v counted, and %v came", besides.asked, g.came())
			}
		})
	}
}

// Where Google asks to wait outside a batch, all who use the account wait.
//
// Req: FLD-10
func TestWaitOutsideABatch(t *testing.T) {
	t.Parallel()
	g, besides := newGoogle(t, newBook("b", "Book", "Data")), newLedger()
	asked := 0
	g.intrude = func(w http.ResponseWriter, _ seen) bool {
		if asked++; asked > 1 {
			return false
		}
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusTooManyRequests, "Quota exceeded for quota metric")
		return true
	}
	job := jobOf("b", connector.ModeAll, columnsOf("id"))
	job.Pace = besides
	begin(t, open(t, g.settings()), job)
	if !slices.Equal(besides.held, []time.Duration{time.Second}) || g.count("read") != 2 {
		t.Errorf("held for %v, read %d times", besides.held, g.count("read"))
	}
}

// A request that the limits do not allow is not made, nor waited for by the session: the run is put aside instead.
//
// Req: FLD-09
func TestNoTurn(t *testing.T) {
	t.Parallel()
	g := newGoogle(t, newBook("b", "Book", "Data"))
	job := jobOf("b", connector.ModeInsert, columnsOf("id"))
	none := newLedger()
	none.left = 1
	job.Pace = none
	d := open(t, g.settings())
	if _, err := d.Begin(t.Context(), job); fault.ClassOf(err) != fault.Throttled || fault.As(err).After != time.Hour || len(g.seen) != 0 {
		t.Errorf("%v after %d requests", err, len(g.seen))
	}
	job.Pace = nil
	s := begin(t, d, job)
	before := len(g.seen)
	for _, c := range []struct{ left, adding int }{{0, 0}, {2, 1}} { // not the header; the header, which is looked for first, but not the rows
		one := newLedger()
		one.left = c.left + 1
		if _, err := s.Write(t.Context(), one.batch("1", s.Limits().Rates, "a")); fault.ClassOf(err) != fault.Throttled {
			t.Errorf("%v", err)
		}
		if got := g.count("append"); got != c.adding || len(g.seen) != before+c.left {
			t.Errorf("%d requests to add rows, want %d", got, c.adding)
		}
	}
	if _, err := s.Write(t.Context(), newLedger().batch("1", s.Limits().Rates, "a")); err != nil {
		t.Fatal(err)
	}
	same(t, "rows", g.page("b", "Data").lines(), []string{"id", "a"})
}
