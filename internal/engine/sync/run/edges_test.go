package run_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/fault"
	kindsync "github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/value"
)

// A reset that is noted between the death of a run and its recovery is for the next run: the one that died
// did not carry it out.
//
// Req: M-07, M-08
func TestAResetNotedAfterACrashIsNotLost(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.rows = []row{r("1", "Ann", 1), r("2", "Bob", 2)}
		w.run(run.Options{})
		w.rows = append(w.rows, r("3", "Cyd", 3))
		if !w.crash(w.trigger(), "delivering", 0, false) {
			t.Fatal("no crash")
		}
		if err := w.store.Reset(t.Context(), workspace, syncID, true); err != nil {
			t.Fatal(err)
		}
		w.recover()
		runs := w.list()
		if c := runs[0].Counts; c.Planned != (run.OpCounts{Added: 3}) {
			t.Errorf("the run after the recovery planned %+v, want a full resync of 3 rows", c.Planned)
		}
		if c := w.run(run.Options{}).Counts; c.Planned.Total() != 0 {
			t.Errorf("the reset is carried out once: %+v", c.Planned)
		}
	})
}

// A person cancels a run whose worker is dead: it is settled as cancelled, and nothing continues it.
//
// Req: SY-69
func TestAnAbandonedRunCanBeCancelled(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.rows = []row{r("1", "Ann", 1), r("2", "Bob", 2), r("3", "Cyd", 3)}
		id := w.trigger()
		if !w.crash(id, "", 1, true) {
			t.Fatal("no crash")
		}
		if _, err := w.store.Cancel(t.Context(), workspace, id); err != nil {
			t.Fatal(err)
		}
		w.recover()
		if runs := w.list(); len(runs) != 1 || runs[0].State != run.Cancelled {
			t.Errorf("%d runs, the newest is %s; want the cancelled one alone", len(runs), runs[0].State)
		}
		w.run(run.Options{})
		w.checkTarget(w.model())
	})
}

// A worker takes a run and dies before its first step, and then a person cancels the run: the sync is not held for
// ever. Invariant R1.
//
// Req: SY-69
func TestARunThatNeverBeganCanBeCancelled(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.rows = []row{r("1", "Ann", 1)}
		id := w.trigger()
		w.reading = func() { panic(errCrash) }
		if !w.crash(id, "", 0, false) {
			t.Fatal("no crash")
		}
		w.reading = nil
		if _, err := w.store.Cancel(t.Context(), workspace, id); err != nil {
			t.Fatal(err)
		}
		w.recover()
		if got := w.get(id); got.State != run.Cancelled {
			t.Errorf("the run is %s", got.State)
		}
		if got := w.run(run.Options{}); got.State != run.Committed {
			t.Errorf("the next run is %s", got.State)
		}
		w.checkTarget(w.model())
	})
}

// A cancel ends a run wherever it is, whatever its source or its destination make of the end.
//
// Req: SY-69, FLD-02
func TestCancelAnywhere(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.store.LeaseTime = 2 * time.Second // heartbeats notice the wish
		w.rows = []row{r("1", "Ann", 1), r("2", "Bob", 2), r("3", "Cyd", 3)}
		var id int64
		cancel := func() {
			if _, err := w.store.Cancel(context.Background(), workspace, id); err != nil {
				t.Error(err)
			}
		}
		tests := map[string]func(){
			"while the source works": func() {
				w.query = func(ctx context.Context) (array.RecordReader, error) {
					cancel()
					<-ctx.Done()
					return nil, fault.New(fault.CodeSourceQuery, "canceling statement due to user request")
				}
			},
			"while a refused batch waits": func() {
				w.target.limits.Retry = connector.RetryPolicy{Attempts: 2, Base: time.Hour, Max: time.Hour}
				w.target.before = func(*connector.Batch) error {
					cancel()
					return fault.New(fault.CodeDestinationUnreachable, "connection refused")
				}
			},
			"while a file is written": func() {
				w.target.limits.Retry = connector.RetryPolicy{Attempts: 2, Base: time.Hour, Max: time.Hour}
				w.target.limits.Deferred = true
				w.target.before = func(*connector.Batch) error {
					cancel()
					return fault.New(fault.CodeDestinationUnreachable, "connection refused")
				}
			},
			"while the pace holds batches back": func() {
				w.target.limits.Concurrency = 1
				w.target.limits.Retry.Attempts = 1
				w.target.limits.Rates = []connector.Rate{{Requests: 1, Window: time.Hour}}
				w.target.before = func(*connector.Batch) error { cancel(); return nil }
			},
		}
		limits := w.target.limits
		for name, arrange := range tests {
			arrange()
			id = w.trigger()
			got := w.execute(id)
			if got.State != run.Cancelled || got.Failure != nil || got.Counts.Failed.Total() != 0 || got.Counts.InDoubt != 0 {
				t.Errorf("cancelled %s: %s, %+v, %+v", name, got.State, got.Failure, got.Counts)
			}
			w.query, w.target.before, w.target.limits = nil, nil, limits
		}
		w.run(run.Options{})
		w.checkTarget(w.model())
	})
}

// Rows in doubt are sent again where their own operation allows it, whatever the others are.
//
// Req: FLD-03, SY-77
func TestDoubtIsJudgedByOperation(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.rows = []row{r("1", "Ann", 1), r("2", "Bob", 2)}
		w.run(run.Options{})
		w.target.limits.Idempotency = connector.NotIdempotent // the weakest of all
		once, again := w.target.limits, w.target.limits
		again.Idempotency = connector.Idempotent
		once.Retry.Attempts, again.Retry.Attempts = 1, 1
		w.target.each = map[connector.Operation]connector.Limits{connector.Added: once, connector.Changed: again, connector.Removed: again}
		w.rows = []row{r("1", "Anna", 1), r("3", "Cyd", 3)}
		w.target.before = func(*connector.Batch) error { return fault.New(fault.CodeDestinationTimeout, "no answer") }
		if c := w.run(run.Options{}).Counts; c.InDoubt != 3 {
			t.Fatalf("%+v", c)
		}
		w.target.before = nil
		if c := w.run(run.Options{}).Counts; c.Succeeded != (run.OpCounts{Changed: 1, Removed: 1}) || c.Unchanged != 1 {
			t.Errorf("%+v; want the change and the removal again, and the addition reported only", c)
		}
	})
}

// What is still to be settled keeps its plan, however old it is. Invariant R4.
//
// Req: FLD-03
func TestAnUnsettledRunDoesNotExpire(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.rows = []row{r("1", "Ann", 1), r("2", "Bob", 2), r("3", "Cyd", 3)}
		w.run(run.Options{})
		w.rows = []row{r("1", "Ann", 1)}
		id := w.trigger()
		if !w.crash(id, "settled", 0, false) {
			t.Fatal("no crash")
		}
		w.clock.Advance(30 * 24 * time.Hour)
		if _, err := w.engine.Expire(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.recover()
		if got := w.get(id); got.State != run.Interrupted {
			t.Errorf("%s, %+v", got.State, got.Failure)
		}
		w.checkTarget(w.model())
		if n, err := w.engine.Expire(t.Context()); err != nil || n == 0 {
			t.Errorf("%d expired: %v", n, err)
		}
	})
}

// A source that breaks in the middle of its rows fails the run: what it gave before is not taken for the
// whole, and nothing is removed.
//
// Req: FLD-34, M-30, SY-45
func TestASourceThatBreaksInTheMiddle(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.rows = []row{r("1", "Ann", 1), r("2", "Bob", 2), r("3", "Cyd", 3)}
		w.run(run.Options{})
		w.query = func(context.Context) (array.RecordReader, error) {
			one := table("id,name,score", "1,Ann,1")
			return &broken{RecordReader: one, err: fault.New(fault.CodeSourceQuery, "ERROR: server closed the connection")}, nil
		}
		got := w.run(run.Options{})
		if got.State != run.Failed || got.Failure.Code != fault.CodeSourceQuery || !strings.Contains(got.Failure.Message, "server closed the connection") {
			t.Errorf("%s, %+v", got.State, got.Failure)
		}
		w.checkTarget(w.model())
		w.query = nil
		if c := w.run(run.Options{}).Counts; c.Unchanged != 3 {
			t.Errorf("the baseline suffered: %+v", c)
		}
	})
}

// broken yields what it wraps and then fails.
type broken struct {
	array.RecordReader
	err  error
	over bool
}

func (b *broken) Next() bool {
	b.over = !b.RecordReader.Next()
	return !b.over
}

func (b *broken) Err() error {
	if b.over {
		return b.err
	}
	return nil
}

// table makes rows of text columns from lines.
func table(header string, lines ...string) array.RecordReader {
	var fields []arrow.Field
	for name := range strings.SplitSeq(header, ",") {
		fields = append(fields, arrow.Field{Name: name, Type: arrow.BinaryTypes.String, Nullable: true})
	}
	schema := arrow.NewSchema(fields, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	for _, line := range lines {
		for i, text := range strings.Split(line, ",") {
			b.Field(i).(*array.StringBuilder).Append(text)
		}
	}
	r, err := array.NewRecordReader(schema, []arrow.RecordBatch{b.NewRecordBatch()})
	if err != nil {
		panic(err)
	}
	return r
}

// A destination that is given whole rows finds each column at the place that the job's schema says, also for
// rows that left a model with other columns, and previous values under the mapping of today.
//
// Req: SY-37, SY-40, M-12
func TestWholeRowsFollowTheModelOfToday(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.target.limits.NeedSource, w.target.limits.NeedBefore = true, true
		w.bundle.SyncSpec.Mappings = []kindsync.Mapping{{To: "id", From: "id"}, {To: "name", From: "name"}, {To: "city", From: "city"}}
		source := func(header string, lines ...string) {
			w.query = func(context.Context) (array.RecordReader, error) { return table(header, lines...), nil }
		}
		source("id,name,city,age", "1,Ann,Rome,30", "2,Bob,Oslo,40", "3,Cyd,Bonn,50")
		w.run(run.Options{})
		w.bundle.SyncSpec.Mappings = []kindsync.Mapping{{To: "age", From: "age"}, {To: "name", From: "name"}, {To: "id", From: "id"}}
		source("age,extra,id,name", "31,x,1,Anna", "50,y,3,Cyd")
		var got []string
		w.target.before = func(b *connector.Batch) error {
			w.target.mu.Lock()
			defer w.target.mu.Unlock()
			for _, row := range b.Rows {
				if len(row.Source) != len(w.target.job.Model.Schema) {
					t.Errorf("%d values for the columns %v", len(row.Source), w.target.job.Model.Schema.Names())
				}
				got = append(got, fmt.Sprintf("%s %s %s before %s", b.Operation, named(w.target.job.Model.Schema, row.Source), texts(row.Values), texts(row.Before)))
			}
			return nil
		}
		if done := w.run(run.Options{}); done.State != run.Committed || done.Counts.Failed.Total() > 0 {
			t.Fatalf("%s %+v %+v", done.State, done.Failure, done.Counts)
		}
		slices.Sort(got)
		want := []string{
			`changed age=31 id=1 name=Anna ["31" "Anna" "1"] before [null "Ann" "1"]`,
			`changed age=50 id=3 name=Cyd ["50" "Cyd" "3"] before [null "Cyd" "3"]`,
			`removed age= id=2 name=Bob [null "Bob" "2"] before []`,
		}
		if !slices.Equal(got, want) {
			t.Errorf("the destination got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

// A changed row tells what it was matched by before, so that a destination sees that it is about another record now.
//
// Req: SY-21
func TestChangedRowsTellWhatMatchedThem(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.target.limits.NeedBefore = true
		w.bundle.SyncSpec.Match = []connector.MatchPair{{From: "mail", To: "id"}}
		w.bundle.SyncSpec.Mappings = []kindsync.Mapping{{To: "id", From: "mail"}, {To: "name", From: "name"}}
		source := func(lines ...string) {
			w.query = func(context.Context) (array.RecordReader, error) { return table("id,name,mail", lines...), nil }
		}
		source("1,Ann,ann@x", "2,Bob,bob@x", "3,Cyd,cyd@x")
		w.run(run.Options{})
		source("1,Ann,ann@y", "2,Bobby,bob@x", "3,Cyd,cyd@x", "4,Dan,dan@x")
		var got []string
		w.target.before = func(b *connector.Batch) error {
			w.target.mu.Lock()
			defer w.target.mu.Unlock()
			for _, row := range b.Rows {
				got = append(got, fmt.Sprintf("%s %s %s before %s", b.Operation, row.Key, texts(row.Match), texts(row.Matched)))
			}
			return nil
		}
		if done := w.run(run.Options{}); done.State != run.Committed || done.Counts.Failed.Total() > 0 {
			t.Fatalf("%s %+v %+v", done.State, done.Failure, done.Counts)
		}
		slices.Sort(got)
		want := []string{`added 4 ["dan@x"] before []`, `changed 1 ["ann@y"] before ["ann@x"]`, `changed 2 ["bob@x"] before ["bob@x"]`}
		if !slices.Equal(got, want) {
			t.Errorf("the destination got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

func named(schema value.Schema, values []value.Value) string {
	parts := make([]string, len(values))
	for i, v := range values {
		parts[i] = schema[i].Name + "=" + v.String()
	}
	return strings.Join(parts, " ")
}

func texts(values []value.Value) string {
	parts := make([]string, len(values))
	for i, v := range values {
		parts[i] = string(v.AppendJSON(nil))
	}
	return "[" + strings.Join(parts, " ") + "]"
}

// fullDisk is storage that refuses some uploads.
type fullDisk struct {
	run.Storage
	refuse func(key string) bool
}

func (s fullDisk) Upload(ctx context.Context, ws int64, key, local string) error {
	if s.refuse(key) {
		return fault.Disk(fmt.Errorf("write %s: %w", key, syscall.ENOSPC), "keeping %s", key)
	}
	return s.Storage.Upload(ctx, ws, key, local)
}

// A disk that is full before the first row leaves fails the run with its code; one that is full when the run
// is settled leaves it to be settled later. Either way nothing is half written, and nothing is lost.
//
// Req: SY-45, FLD-31
func TestAFullDisk(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.rows = []row{r("1", "Ann", 1), r("2", "Bob", 2)}
		w.run(run.Options{})
		for _, part := range []string{"changed.parquet", "added.parquet", "stage.parquet", "outcomes", "overlay.parquet"} {
			w.rows = append(w.rows, r(part, "new", 1))
			w.rows[0].name = "changed for " + part
			w.target.refuse = func(row connector.Row) string {
				if row.Key == "1" {
					return "not today"
				}
				return ""
			}
			var full atomic.Bool
			full.Store(true)
			storage := w.storage
			w.storage = fullDisk{storage, func(key string) bool { return full.Load() && strings.Contains(filepath.Base(key), part) }}
			w.restart()
			sent := w.target.writes
			got := w.execute(w.trigger())
			switch settled := part == "outcomes" || part == "overlay.parquet"; {
			case settled && got.State != run.Settling:
				t.Errorf("%s: the run is %s, and has to be settled", part, got.State)
			case !settled && (got.State != run.Failed || got.Failure.Code != fault.CodeDiskFull || w.target.writes != sent):
				t.Errorf("%s: %s, %+v after %d writes", part, got.State, got.Failure, w.target.writes-sent)
			}
			w.target.refuse = nil
			full.Store(false)
			w.storage = storage
			clear(w.target.sends)
			w.recover()
			w.run(run.Options{})
			w.checkTarget(w.model())
			if part == "outcomes" && w.target.sends[part] != 0 {
				t.Errorf("%s: a row whose answer was journaled was sent again", part)
			}
		}
	})
}

// A removal does not take the record that another row of the model has by now.
//
// Req: SY-15, SY-21
func TestARemovalSparesAClaimedRecord(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.bundle.SyncSpec.Match = []connector.MatchPair{{From: "name", To: "name"}}
		w.rows = []row{r("1", "Ann", 1), r("2", "Bob", 2)}
		w.run(run.Options{})
		w.rows = []row{r("3", "Ann", 3)}
		if c := w.run(run.Options{}).Counts; c.Succeeded != (run.OpCounts{Added: 1, Removed: 1}) || c.Ignored != (run.OpCounts{Removed: 1}) {
			t.Errorf("%+v", c)
		}
		w.checkTarget(map[string]string{"Ann": "Ann"})
	})
}

// Rows that a mapping refuses keep their place: once the mapping is mended, the next run sends them, as what they
// were. A destination never saw them, and the run said so.
//
// Req: FLD-01, FLD-08, FLD-31, SY-36, SY-77
func TestAMendedMappingReplaysWhatItRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.bundle.SyncSpec.Mappings[1] = kindsync.Mapping{To: "name", Kind: kindsync.FromTemplate, Template: "{{ name | validate_email }}"}
		w.rows = []row{r("1", "ann@example.com", 1), r("2", "Bob", 2), r("3", "Cyd", 3)}
		first := w.run(run.Options{})
		if first.Counts.Succeeded != (run.OpCounts{Added: 1}) || first.Counts.Failed != (run.OpCounts{Added: 2}) || first.Words().REST != "warning" {
			t.Fatalf("%s %+v", first.Words().REST, first.Counts)
		}
		rows, _, err := w.engine.Rows(t.Context(), workspace, first.ID, run.RowQuery{Statuses: []run.RowStatus{run.RowFailed}, Limit: 10})
		if err != nil || len(rows) != 2 || !strings.Contains(rows[0].Reason, `field "name"`) {
			t.Errorf("%+v, %v", rows, err)
		}
		if again := w.run(run.Options{}); again.Counts.Failed != (run.OpCounts{Added: 2}) || again.Counts.Unchanged != 1 {
			t.Errorf("they are tried in every run: %+v", again.Counts)
		}
		w.bundle.SyncSpec.Mappings[1].Template = "{{ name }}"
		if mended := w.run(run.Options{}); mended.Counts.Succeeded != (run.OpCounts{Added: 2, Changed: 1}) {
			t.Errorf("%+v", mended.Counts)
		}
		w.checkTarget(w.model())
	})
}

func (w *world) list() []run.Run {
	w.t.Helper()
	runs, err := w.store.List(w.t.Context(), workspace, run.Filter{SyncID: syncID, Limit: 100})
	if err != nil || len(runs) == 0 {
		w.t.Fatalf("%d runs: %v", len(runs), err)
	}
	return runs
}
