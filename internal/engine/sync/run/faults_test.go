package run_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/fault"
	"github.com/uptrace/bun"
)

// What the engine does about each class of error is one table (docs/guides/reliability.md has it for people): how often
// a batch is sent, what its rows are afterwards, how the run ends. Whatever it is, the rows are not lost: the next run
// sends those that it may send.
//
// Req: FLD-14, FLD-15, SY-76, SY-77
func TestWhatIsDoneAboutEachClassOfError(t *testing.T) {
	type want struct {
		sent    int // attempts of the batch
		state   run.State
		words   string
		failed  int64
		aborted int64
		doubt   int64
		next    int64 // rows that the next run sends
	}
	idempotent, once := connector.Idempotent, connector.NotIdempotent
	tests := map[string]struct {
		err  error
		kind connector.Idempotency
		want want
	}{
		"permanent: refused, and the same request would be refused again": {
			fault.New(fault.CodeDestinationRejected, "422"), idempotent, want{1, run.Committed, "warning", 2, 0, 0, 2},
		},
		"retryable: nothing was done": {
			fault.New(fault.CodeDestinationUnreachable, "connection refused"), idempotent, want{3, run.Committed, "warning", 2, 0, 0, 2},
		},
		"throttled: no attempt is used up": {
			fault.RetryAfter(fault.New(fault.CodeDestinationThrottled, "429"), time.Millisecond), idempotent, want{6, run.Committed, "success", 0, 0, 0, 0},
		},
		"unknown, and harmless to send again": {
			fault.New(fault.CodeDestinationTimeout, "no answer"), idempotent, want{3, run.Committed, "warning", 2, 0, 2, 2},
		},
		"unknown, and harmful to send again": {
			fault.New(fault.CodeDestinationTimeout, "no answer"), once, want{1, run.Committed, "warning", 2, 0, 2, 0},
		},
		"fatal: nothing else in the run can succeed": {
			fault.New(fault.CodeDestinationSchema, "there is no table contacts"), idempotent, want{1, run.Failed, "failed", 0, 2, 0, 2},
		},
	}
	each(t, func(t *testing.T, w *world) {
		w.target.limits.Concurrency, w.target.limits.Retry.Attempts = 1, 3
		for name, c := range tests {
			w.target.limits.Idempotency = c.kind
			w.fill(0)
			w.run(run.Options{})
			w.fill(2)
			sent := 0
			w.target.before = func(*connector.Batch) error {
				if sent++; sent > 5 {
					return nil
				}
				return c.err
			}
			got := w.run(run.Options{})
			w.target.before = nil
			n := got.Counts
			if sent != c.want.sent || got.State != c.want.state || got.Words().REST != c.want.words || n.Failed.Added != c.want.failed || n.Aborted.Added != c.want.aborted || n.InDoubt != c.want.doubt {
				t.Errorf("%s: sent %d times, %s %s, %+v; want %+v", name, sent, got.State, got.Words().REST, n, c.want)
			}
			if next := w.run(run.Options{}); next.Counts.Succeeded.Added != c.want.next || next.Counts.Planned.Added != c.want.next {
				t.Errorf("%s: the next run sends %+v, want %d", name, next.Counts, c.want.next)
			}
		}
	})
}

// A destination that is down for longer than anything is tried again loses nothing, however long it takes: each run
// gives up soon and says why, what it did not bring stays planned, and the first run after it is back brings today's
// rows. What expires meanwhile is the log, not the rows.
//
// Req: FLD-14, SY-77, SY-79
func TestADestinationThatIsDownForLong(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.fill(60)
		w.run(run.Options{})
		w.rows = append(w.rows[3:], r("new", "Nina", 1))
		w.rows[0].name = "changed"
		w.target.before = func(*connector.Batch) error { return fault.New(fault.CodeDestinationUnreachable, "connection refused") }
		for day := range 40 {
			w.clock.Advance(24 * time.Hour)
			w.rows[0].name += "."
			w.rows[10+day%40].name += "."
			got := w.run(run.Options{})
			if got.Counts.Succeeded.Total() != 0 || got.Words().REST == "success" {
				t.Fatalf("day %d: %s %+v", day, got.Words().REST, got.Counts)
			}
			if day > 20 && (got.State != run.Failed || got.Failure.Code != fault.CodeDestinationUnreachable || got.Failure.Suggestion == "") {
				t.Fatalf("day %d: a run that reached nothing says %s %+v", day, got.State, got.Failure)
			}
			if _, err := w.engine.Expire(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		w.target.before = nil
		got := w.run(run.Options{})
		if got.State != run.Committed || got.Words().REST != "success" || got.Counts.Succeeded.Removed != 3 || got.Counts.Succeeded.Added != 1 || got.Counts.Succeeded.Changed < 30 {
			t.Errorf("%s %+v %+v", got.State, got.Failure, got.Counts)
		}
		w.checkTarget(w.model())
	})
}

// A worker whose heartbeats do not reach the database sends nothing more once its lease may be another worker's: what it
// would send may be older than what that one sends. Invariant D7.
//
// Req: FLD-03
func TestNothingIsSentWithoutALease(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.store.LeaseTime = 200 * time.Millisecond
		w.fill(2)
		made, err := w.store.Trigger(t.Context(), run.Request{WorkspaceID: workspace, SyncID: syncID, SyncSlug: "people", Trigger: run.TriggerManual}, w.queue)
		if err != nil {
			t.Fatal(err)
		}
		var tx bun.Tx
		attempts := 0
		w.target.before = func(*connector.Batch) error {
			if attempts++; attempts > 1 {
				return nil
			}
			began := time.Now()
			if tx, err = w.db.BeginTx(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			if _, err := tx.NewUpdate().Table("sync_runs").Set("id = id").Where("id = ?", made.ID).Exec(t.Context()); err != nil {
				t.Fatal(err)
			}
			for time.Since(began) < w.store.LeaseTime { // heartbeats wait for the row meanwhile
				runtime.Gosched()
			}
			return fault.New(fault.CodeDestinationTimeout, "no answer")
		}
		if err := w.engine.Execute(t.Context(), made.ID); err != nil {
			t.Error(err)
		}
		if err := tx.Rollback(); err != nil {
			t.Error(err)
		}
		if attempts != 1 {
			t.Errorf("%d attempts, the lease allows one", attempts)
		}
		w.clock.Advance(time.Second)
		if n, err := w.engine.Reap(t.Context(), false); err != nil || n != 1 {
			t.Fatalf("%d runs were recovered, %v", n, err)
		}
		if got := w.get(made.ID); got.State != run.Interrupted || got.Counts.InDoubt != 2 {
			t.Errorf("the run is %s, %+v", got.State, got.Counts)
		}
		w.execute(w.queue.ids[len(w.queue.ids)-1])
		w.checkTarget(w.model())
	})
}
