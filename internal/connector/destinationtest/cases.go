package destinationtest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// testTexts is FLD-32.
func testTexts(t *testing.T, f Fixture) {
	f.testValues(t, columnsWith(value.TypeString, false), textValues())
}

func testKinds(t *testing.T, f Fixture) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			f.testValues(t, columnsWith(k.typ, false), k.values)
		})
	}
}

func testNulls(t *testing.T, f Fixture) {
	values := []value.Value{{}, value.OfText("x")}
	t.Run("sent", func(t *testing.T) { f.testValues(t, columnsWith(value.TypeString, false), values) })
	t.Run("omitted", func(t *testing.T) { f.testValues(t, columnsWith(value.TypeString, true), values) })
}

// testValues sends each value in a row of its own and compares what arrived.
func (f Fixture) testValues(t *testing.T, columns []connector.TargetColumn, values []value.Value) {
	t.Helper()
	target := f.Target(t, columns)
	s := begin(t, f.open(t, target.Settings), target.Job)
	rows := rowsOf(target.Job, values)
	refused := f.writeEach(t, s, rows)
	finish(t, s)
	for i, row := range rows {
		if want := f.arrival(columns[1], values[i]); want.Refused && !refused[row.Key] {
			t.Errorf("row %s with %s was not refused", row.Key, show(values[i]))
		} else if !want.Refused && !want.Skip && refused[row.Key] {
			t.Errorf("row %s with %s was refused", row.Key, show(values[i]))
		}
	}
	f.checkArrived(t, target, rows)
}

// writeEach sends the rows as the engine would, and returns the keys of those that were refused.
func (f Fixture) writeEach(t *testing.T, s connector.Session, rows []connector.Row) map[string]bool {
	t.Helper()
	refused := map[string]bool{}
	limits := s.Limits()
	for len(rows) > 0 {
		n := batchSize(rows, limits)
		writeSplit(t, s, limits, rows[:n], refused)
		rows = rows[n:]
	}
	return refused
}

// writeSplit halves a refused batch until each row has its own answer, where the limits say so.
func writeSplit(t *testing.T, s connector.Session, limits connector.Limits, rows []connector.Row, refused map[string]bool) {
	t.Helper()
	b := newBatch(fmt.Sprintf("%s+%d", rows[0].Key, len(rows)), connector.Added, rows)
	result, err := s.Write(t.Context(), b)
	switch {
	case err == nil:
		for _, r := range result.Rejected {
			if r.Reason == "" {
				t.Errorf("row %s was refused without a reason", rows[r.Row].Key)
			}
			refused[rows[r.Row].Key] = true
		}
	case limits.Split && fault.ClassOf(err) == fault.Permanent && len(rows) > 1:
		half := len(rows) / 2
		writeSplit(t, s, limits, rows[:half], refused)
		writeSplit(t, s, limits, rows[half:], refused)
	case fault.ClassOf(err) == fault.Permanent && len(rows) == 1:
		refused[rows[0].Key] = true
	default:
		t.Fatalf("writing %d rows: %v", len(rows), err)
	}
}

func testRefused(t *testing.T, f Fixture) {
	for _, c := range f.Refused {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			target := f.Target(t, []connector.TargetColumn{idColumn, c.Column})
			s := begin(t, f.open(t, target.Settings), target.Job)
			rows := rowsOf(target.Job, []value.Value{{}, c.Value, {}})
			refused := f.writeEach(t, s, rows)
			finish(t, s)
			if len(refused) != 1 || !refused["row-1"] {
				t.Errorf("refused %v, want row-1 alone", refused)
			}
			f.checkArrived(t, target, []connector.Row{rows[0], rows[2]})
			f.checkReason(t, c)
		})
	}
}

// checkReason sends the row by itself and looks at the words of the refusal.
func (f Fixture) checkReason(t *testing.T, c Refused) {
	t.Helper()
	target := f.Target(t, []connector.TargetColumn{idColumn, c.Column})
	s := begin(t, f.open(t, target.Settings), target.Job)
	defer s.Close() //nolint:errcheck // the run is given up
	b := newBatch("alone", connector.Added, rowsOf(target.Job, []value.Value{c.Value}))
	result, err := s.Write(t.Context(), b)
	reason := ""
	switch {
	case err != nil:
		reason = err.Error()
	case len(result.Rejected) == 1:
		reason = result.Rejected[0].Reason
	}
	if reason == "" || !strings.Contains(reason, c.Says) {
		t.Errorf("the reason is %q and does not say %q", reason, c.Says)
	}
}

// testCancelled proves that a cancelled batch is not reported as taken.
func testCancelled(t *testing.T, f Fixture) {
	target := f.Target(t, columnsWith(value.TypeString, false))
	s := begin(t, f.open(t, target.Settings), target.Job)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Write(ctx, newBatch("cancelled", connector.Added, rowsOf(target.Job, numbered("x", 3))))
	if err == nil {
		t.Error("Write worked with a cancelled context")
	} else {
		f.checkError(t, target.Settings, err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("closing: %v", err)
	}
	if got := target.Read(t); len(got) != 0 && fault.ClassOf(err) != fault.Unknown {
		t.Errorf("%d rows arrived although the error says that none did: %v", len(got), err)
	}
}

// testUnfinished proves that a deferred run shows nothing before Finish, and leaves the previous
// state when it is closed or abandoned without one.
func testUnfinished(t *testing.T, f Fixture) {
	target := f.Target(t, columnsWith(value.TypeString, false))
	dir := t.TempDir()
	d := f.openIn(t, target.Settings, dir)
	before := rowsOf(target.Job, numbered("before", 3))
	s := begin(t, d, target.Job)
	if !s.Limits().Deferred {
		closeSession(t, s)
		t.Skip("not deferred: rows count as they are written")
	}
	f.write(t, target, s, "before", connector.Added, before)
	if got := target.Read(t); len(got) != 0 {
		t.Errorf("%d rows are visible before Finish", len(got))
	}
	finish(t, s)

	given := begin(t, d, target.Job)
	f.write(t, target, given, "given up", connector.Added, rowsOf(target.Job, numbered("given up", 5)))
	closeSession(t, given)
	f.checkArrived(t, target, before)

	abandoned := begin(t, f.openIn(t, target.Settings, dir), target.Job)
	f.write(t, target, abandoned, "abandoned", connector.Added, rowsOf(target.Job, numbered("abandoned", 5)))
	f.checkArrived(t, target, before)

	after := rowsOf(target.Job, numbered("after", 2))
	next := begin(t, d, target.Job)
	f.write(t, target, next, "after", connector.Added, after)
	finish(t, next)
	f.checkArrived(t, target, after)
	closeSession(t, abandoned)
	f.checkArrived(t, target, after)
}

func closeSession(t *testing.T, s connector.Session) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Errorf("closing the session: %v", err)
	}
}

// testSentAgain proves the idempotency that the limits declare.
func testSentAgain(t *testing.T, f Fixture) {
	target := f.Target(t, columnsWith(value.TypeString, false))
	s := begin(t, f.open(t, target.Settings), target.Job)
	if s.Limits().Idempotency == connector.NotIdempotent {
		closeSession(t, s)
		t.Skip("not idempotent: the engine does not send again by itself")
	}
	rows := rowsOf(target.Job, numbered("again", 4))
	f.write(t, target, s, "again", connector.Added, rows)
	f.write(t, target, s, "again", connector.Added, rows)
	finish(t, s)
	f.checkArrived(t, target, rows)
}

func testRemoved(t *testing.T, f Fixture) {
	if !f.Removes {
		t.Skip("the destination does not remove rows")
	}
	target := f.Target(t, columnsWith(value.TypeString, false))
	d := f.open(t, target.Settings)
	rows := rowsOf(target.Job, numbered("kept", 5))
	s := begin(t, d, target.Job)
	f.write(t, target, s, "add", connector.Added, rows)
	finish(t, s)
	s = begin(t, d, target.Job)
	f.write(t, target, s, "remove", connector.Removed, rows[:2])
	finish(t, s)
	f.checkArrived(t, target, rows[2:])
}

func testConcurrent(t *testing.T, f Fixture) {
	target := f.Target(t, columnsWith(value.TypeString, false))
	s := begin(t, f.open(t, target.Settings), target.Job)
	limits := s.Limits()
	rows := rowsOf(target.Job, numbered("parallel", 60))
	batches := make(chan *connector.Batch, len(rows))
	for start, size := 0, min(5, limits.Rows); start < len(rows); start += size {
		batches <- newBatch(rows[start].Key, connector.Added, rows[start:min(start+size, len(rows))])
	}
	close(batches)
	var wg sync.WaitGroup
	for range limits.Concurrency {
		wg.Go(func() {
			for b := range batches {
				if result, err := s.Write(t.Context(), b); err != nil || len(result.Rejected) > 0 {
					t.Errorf("writing batch %s: %v %v", b.ID, err, result.Rejected)
				}
			}
		})
	}
	wg.Wait()
	finish(t, s)
	f.checkArrived(t, target, rows)
}

// testExchanges proves that the request log has something to show, and no secret (SY-74).
func testExchanges(t *testing.T, f Fixture) {
	target := f.Target(t, columnsWith(value.TypeString, false))
	s := begin(t, f.open(t, target.Settings), target.Job)
	b := newBatch("logged", connector.Added, rowsOf(target.Job, numbered("logged", 2))[:min(2, s.Limits().Rows)])
	if _, err := s.Write(t.Context(), b); err != nil {
		t.Fatalf("writing: %v", err)
	}
	finish(t, s)
	if len(b.Exchanges) == 0 {
		t.Fatal("Write recorded no exchange")
	}
	for _, x := range b.Exchanges {
		if x.Method == "" || x.URL == "" || x.StartedAt.IsZero() {
			t.Errorf("method, address and time must be recorded: %+v", x)
		}
		f.checkSecrets(t, target.Settings, fmt.Sprintf("%+v", x))
	}
}
