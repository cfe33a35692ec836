package run_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/state"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/quota"
	"github.com/millrace/millrace/internal/secret"
)

// limit gives the world's destination a limit that all its runs share, and lets runs pause for it.
func (w *world) limit(r connector.Rate) {
	w.t.Helper()
	key, err := secret.NewKey([]byte(strings.Repeat("k", 32)))
	if err != nil {
		w.t.Fatal(err)
	}
	w.quotas, w.state, w.wait = quota.NewStore(w.db, key, w.clock), state.NewStore(w.db, key, w.clock), 30*time.Second
	w.target.limits.Concurrency = 1
	if r.Requests > 0 {
		w.target.limits.Rates = []connector.Rate{r}
	}
	w.restart()
}

// fill makes a model of so many rows.
func (w *world) fill(rows int) {
	w.rows = nil
	for i := range rows {
		w.rows = append(w.rows, r(fmt.Sprintf("%02d", i), fmt.Sprint("name ", i), 1))
	}
}

// wake lets a worker do what waits, as the process's loop does.
func (w *world) wake() {
	w.t.Helper()
	w.queue.ids = nil
	if _, err := w.engine.Reap(w.t.Context(), false); err != nil {
		w.t.Fatal(err)
	}
	for len(w.queue.ids) > 0 {
		id := w.queue.ids[0]
		w.queue.ids = w.queue.ids[1:]
		w.execute(id)
	}
}

// paused triggers a run that is to pause.
func (w *world) paused(taken int64) run.Run {
	w.t.Helper()
	got := w.execute(w.trigger())
	if got.State != run.Delivering || got.ResumeAt.IsZero() || got.Counts.Succeeded.Total() != taken {
		w.t.Fatalf("the run is %s until %s: %+v %+v", got.State, got.ResumeAt, got.Counts, got.Failure)
	}
	return got
}

func (w *world) sentOnce() {
	w.t.Helper()
	for key, n := range w.target.sends {
		if n != 1 {
			w.t.Errorf("row %s was taken %d times", key, n)
		}
	}
}

// A run that its destination's limits keep waiting for long holds no worker: it pauses, also over the end of the
// process, and goes on with the rows that are left. Its rows, its requests and its numbers are those of one run.
//
// Req: FLD-09, FLD-10, FLD-02
func TestARunPausesForALimit(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.limit(connector.Rate{Requests: 4, Window: time.Hour, Class: "all"})
		w.fill(17)
		id := w.paused(8).ID
		w.wake()
		if w.target.writes != 4 {
			t.Fatalf("%d requests: the limit was not held", w.target.writes)
		}
		w.restart() // the process ends meanwhile
		if n, err := w.engine.Reap(t.Context(), true); err != nil || n != 0 {
			t.Fatalf("%d runs recovered, %v: a run that pauses is not abandoned", n, err)
		}
		w.clock.Advance(62 * time.Minute)
		w.wake()
		if got := w.get(id); got.State != run.Delivering || got.Counts.Succeeded.Added != 16 {
			t.Fatalf("%s %+v", got.State, got.Counts)
		}
		w.clock.Advance(62 * time.Minute)
		w.wake()
		got := w.get(id)
		if got.State != run.Committed || got.Counts.Succeeded.Added != 17 || got.Words().REST != "success" || w.target.finishes != 1 {
			t.Fatalf("%s %+v %+v, finished %d times", got.State, got.Counts, got.Failure, w.target.finishes)
		}
		w.sentOnce()
		w.checkTarget(w.model())
		rows, _, err := w.engine.Rows(t.Context(), workspace, id, run.RowQuery{Statuses: []run.RowStatus{run.RowSucceeded}, Limit: 100})
		if err != nil || len(rows) != 17 {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		for _, row := range rows {
			if x, err := w.engine.Exchanges(t.Context(), workspace, id, row.Ordinal); err != nil || len(x) != 1 {
				t.Errorf("row %d has %d exchanges: %v", row.Ordinal, len(x), err)
			}
		}
		if next := w.run(run.Options{}); next.Counts.Planned.Total() != 0 || next.Counts.Unchanged != 17 {
			t.Errorf("%+v", next.Counts)
		}
	})
}

// What a vendor asks one run to wait, the runs of other workers wait too, and being asked to wait for an hour costs no
// row: it is sent when the hour is over.
//
// Req: FLD-09, FLD-10
func TestARunPausesWhenItIsAskedTo(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.limit(connector.Rate{})
		w.fill(9)
		w.target.before = func(*connector.Batch) error {
			if w.target.writes == 2 {
				return fault.RetryAfter(fault.New(fault.CodeDestinationThrottled, "429"), time.Hour)
			}
			return nil
		}
		first := w.paused(4)
		w.target.before = nil
		if want := w.clock.Now().Add(time.Hour); !first.ResumeAt.Equal(want) {
			t.Errorf("it goes on at %s, want %s", first.ResumeAt, want)
		}
		w.clock.Advance(30 * time.Minute)
		w.wake()
		if w.target.writes != 2 {
			t.Errorf("%d requests within the hour", w.target.writes)
		}
		w.clock.Advance(30 * time.Minute)
		w.wake()
		if got := w.get(first.ID); got.State != run.Committed || got.Counts.Succeeded.Added != 9 {
			t.Errorf("%s %+v", got.State, got.Counts)
		}
		w.sentOnce()
	})
}

// A run that pauses can be cancelled at any time: it is settled, and what it did not send is left to the next run.
//
// Req: FLD-10, SY-69
func TestAPausedRunCanBeCancelled(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.limit(connector.Rate{Requests: 2, Window: time.Hour, Class: "all"})
		w.fill(7)
		id := w.paused(4).ID
		if _, err := w.store.Cancel(t.Context(), workspace, id); err != nil {
			t.Fatal(err)
		}
		w.wake()
		if got := w.get(id); got.State != run.Cancelled || got.Counts.Succeeded.Added != 4 || got.Counts.Aborted.Added != 3 || w.target.writes != 2 {
			t.Fatalf("%s %+v after %d requests", got.State, got.Counts, w.target.writes)
		}
		w.clock.Advance(62 * time.Minute)
		if got := w.run(run.Options{}); got.State != run.Committed || got.Counts.Succeeded.Added != 3 {
			t.Errorf("%s %+v", got.State, got.Counts)
		}
		w.sentOnce()
		w.checkTarget(w.model())
	})
}

// What was changed while a run paused takes effect: its plan is not continued, what it sent is settled, and a run of
// today's documents follows. Invariants R4 and R7.
//
// Req: FLD-10
func TestAPausedRunIsNotContinuedAfterAChange(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.limit(connector.Rate{Requests: 2, Window: time.Hour, Class: "all"})
		w.fill(6)
		id := w.paused(4).ID
		w.rows[0].name = "somebody else"
		w.bundle.Model.Revision++
		w.clock.Advance(62 * time.Minute)
		w.wake()
		if got := w.get(id); got.State != run.Interrupted || got.Counts.Succeeded.Added != 4 {
			t.Fatalf("%s %+v", got.State, got.Counts)
		}
		if last := w.list()[0]; last.State != run.Committed || last.Trigger != run.TriggerRecovery || last.Counts.Succeeded != (run.OpCounts{Added: 2, Changed: 1}) {
			t.Errorf("%s by %s, %+v", last.State, last.Trigger, last.Counts)
		}
		w.checkTarget(w.model())
	})
}

// A worker that dies in a run that it had taken up again leaves it as any other: it is settled, and no row that was
// acknowledged, before or after the pause, is sent again. Invariants R2 and R4.
//
// Req: FLD-03, FLD-10
func TestAResumedRunDies(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.limit(connector.Rate{Requests: 3, Window: time.Hour, Class: "all"})
		w.fill(20)
		id := w.paused(6).ID
		w.clock.Advance(62 * time.Minute)
		if !w.crash(id, "", 2, false) {
			t.Fatal("no crash")
		}
		w.recover()
		if got := w.get(id); got.State != run.Interrupted || got.Counts.Succeeded.Added != 8 || got.Counts.InDoubt != 2 {
			t.Fatalf("%s %+v", got.State, got.Counts)
		}
		for range 6 {
			w.clock.Advance(62 * time.Minute)
			w.wake()
		}
		w.sentOnce()
		w.checkTarget(w.model())
	})
}

// A destination that only ever asks to wait does not keep a run for ever. Its rows stay planned.
//
// Req: FLD-09, FLD-14
func TestPausesInVainEnd(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.limit(connector.Rate{})
		w.fill(3)
		w.target.before = func(*connector.Batch) error {
			return fault.RetryAfter(fault.New(fault.CodeDestinationThrottled, "429 come back tomorrow"), time.Hour)
		}
		id := w.paused(0).ID
		pauses := 1
		for ; !w.get(id).State.Ended() && pauses < 100; pauses++ {
			w.clock.Advance(time.Hour)
			w.wake()
		}
		got := w.get(id)
		if got.State != run.Failed || got.Failure.Code != fault.CodeDestinationThrottled || !strings.Contains(got.Failure.Message, "come back tomorrow") || got.Counts.Aborted.Added != 3 || pauses < 20 {
			t.Fatalf("%s %+v %+v after %d pauses", got.State, got.Failure, got.Counts, pauses)
		}
		w.target.before = nil
		w.clock.Advance(time.Hour)
		if next := w.run(run.Options{}); next.Counts.Succeeded.Added != 3 {
			t.Errorf("%+v", next.Counts)
		}
	})
}

// The first run that finds the destination's permission gone suspends it: that is told once. Another revision of the
// destination, which allowing the access again makes, and a run that succeeds end it.
//
// Req: FLD-22
func TestALostPermissionSuspendsTheDestination(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.limit(connector.Rate{})
		w.fill(3)
		suspended := func(revision int64) *run.Suspension {
			t.Helper()
			s, err := run.Suspended(t.Context(), w.state, workspace, run.Meta{ID: w.bundle.Destination.ID, Revision: revision})
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		w.target.before = func(*connector.Batch) error { return fault.New(fault.CodeDestinationAuth, "401") }
		if w.run(run.Options{}); suspended(1) != nil {
			t.Error("credentials that were refused are no permission that is over")
		}
		w.target.before = func(*connector.Batch) error {
			return fault.New(fault.CodeDestinationGrant, "asking for an access token: 400 invalid_grant")
		}
		failed := w.run(run.Options{})
		if failed.State != run.Failed || failed.Failure.Code != fault.CodeDestinationGrant || !strings.Contains(failed.Failure.Suggestion, "allow the access again") {
			t.Errorf("%s %+v", failed.State, failed.Failure)
		}
		s := suspended(1)
		if s == nil || s.RunID != failed.ID || !strings.Contains(s.Reason, "invalid_grant") {
			t.Fatalf("%+v", s)
		}
		if suspended(2) != nil {
			t.Error("the destination was changed since")
		}
		w.target.before = nil
		if got := w.run(run.Options{}); got.State != run.Committed || suspended(1) != nil {
			t.Errorf("%s: a run that succeeds shows that the permission is good", got.State)
		}
		w.checkTarget(w.model())
	})
}

// What a session asks besides batches is within the limits of its credential: a run that has a plan pauses for it, and
// goes on where it was; one that has none fails, since nothing was sent.
//
// Req: FLD-09
func TestRequestsOutsideBatchesPauseARun(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		limit := connector.Rate{Requests: 100, Window: time.Hour, Class: "all"}
		w.limit(limit)
		w.target.limits.Rows = 10
		w.fill(3)
		ask := func(ctx context.Context) error {
			return w.target.job.Pace.Next(ctx, []connector.Rate{limit}, connector.Turn{})
		}
		w.target.finish = func(ctx context.Context) error {
			w.hold(limit.Class, time.Hour)
			return ask(ctx)
		}
		w.paused(3)
		w.target.finish = ask
		w.clock.Advance(2 * time.Hour)
		w.wake()
		if got := w.list()[0]; got.State != run.Committed || got.Counts.Succeeded.Added != 3 || w.target.finishes != 2 {
			t.Errorf("%s after %d ends: %+v %+v", got.State, w.target.finishes, got.Counts, got.Failure)
		}
		w.sentOnce()
		w.hold(limit.Class, time.Hour)
		w.target.begin = func(ctx context.Context, _ connector.SyncJob) error { return ask(ctx) }
		if got := w.run(run.Options{}); got.State != run.Failed || got.Failure.Code != fault.CodeDestinationThrottled || !got.ResumeAt.IsZero() {
			t.Errorf("a run that could not begin is %s: %+v", got.State, got.Failure)
		}
	})
}

// hold lets the vendor ask somebody else with the credential to wait.
func (w *world) hold(class string, d time.Duration) {
	w.t.Helper()
	info := connector.DestinationInfo{Slug: "test", Fields: []connector.Field{{Name: "place", Target: true}}}
	account, err := w.quotas.Of(workspace, info.Credential(connector.Settings(w.bundle.DestinationSpec.Configuration)))
	if err != nil {
		w.t.Fatal(err)
	}
	if err := account.Hold(w.t.Context(), class, w.clock.Now().Add(d)); err != nil {
		w.t.Fatal(err)
	}
}
