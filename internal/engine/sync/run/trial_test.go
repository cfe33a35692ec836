package run_test

import (
	"context"
	"reflect"
	"slices"
	"strings"
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

// try sends one row as a test, which must be possible.
func (w *world) try(key string, op connector.Operation, edits ...run.Edit) run.Trial {
	w.t.Helper()
	got, err := w.engine.Try(w.t.Context(), run.TrialRequest{WorkspaceID: workspace, SyncID: syncID, Key: key, Operation: op, Edits: edits})
	if err != nil {
		w.t.Fatal(err)
	}
	return got
}

// refused is the error of a test that is not possible.
func (w *world) refused(key string, op connector.Operation, edits ...run.Edit) *fault.Error {
	w.t.Helper()
	got, err := w.engine.Try(w.t.Context(), run.TrialRequest{WorkspaceID: workspace, SyncID: syncID, Key: key, Operation: op, Edits: edits})
	if err == nil {
		w.t.Fatalf("the row was sent: %+v", got)
	}
	return fault.As(err)
}

// remembered is everything that runs leave behind.
func (w *world) remembered() map[string]any {
	w.t.Helper()
	all := map[string]any{}
	for _, table := range []string{"sync_state", "sync_runs", "run_journal", "run_segments", "usage_syncs", "usage_operations", "connector_state"} {
		var rows []map[string]any
		if err := w.db.NewSelect().Table(table).OrderExpr("1").Scan(w.t.Context(), &rows); err != nil {
			w.t.Fatal(err)
		}
		all[table] = rows
	}
	return all
}

// A row that is tried arrives, and what the sync remembers is as it was: the next run sends the row as if there had
// been no test.
//
// Req: SY-11
func TestATrialLeavesNoTrace(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.rows = []row{r("1", "Ann", 1), r("2", "Bob", 2)}
		w.run(run.Options{})
		w.rows = []row{r("1", "Anna", 1), r("2", "Bob", 2), r("3", "Cyd", 3)}
		before := w.remembered()
		for op, key := range map[connector.Operation]string{connector.Added: "3", connector.Changed: "1", connector.Removed: "2"} {
			got := w.try(key, op)
			if got.Outcome != run.TrialSucceeded || got.Key != key || got.Operation != op || got.Failure != nil || got.Reason != "" {
				t.Errorf("%s %s: %+v", op, key, got)
			}
			if len(got.Exchanges) != 1 || got.Exchanges[0].RequestBody != string(op) {
				t.Errorf("%s: the exchanges are %+v", op, got.Exchanges)
			}
		}
		w.checkTarget(map[string]string{"1": "Anna", "3": "Cyd"})
		if after := w.remembered(); !reflect.DeepEqual(before, after) {
			t.Errorf("a test left a trace:\nbefore %+v\nafter  %+v", before, after)
		}
		if c := w.run(run.Options{}).Counts; c.Succeeded != (run.OpCounts{Added: 1, Changed: 1}) || c.Unchanged != 1 {
			t.Errorf("the run after the tests: %+v", c)
		}
	})
}

// What a test sends for a row is what a run sends for it, whatever the types of its columns; only the batch has a
// name of its own, each time another one.
//
// Req: SY-11, SY-97
func TestATrialSendsWhatARunSends(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.query = func(context.Context) (array.RecordReader, error) { return everyType(t), nil }
		w.bundle.ModelSpec.PrimaryKey = "id"
		w.bundle.SyncSpec.Mappings = nil
		w.bundle.SyncSpec.AllColumns = true
		w.target.limits.NeedSource = true
		var batches []connector.Batch
		w.target.count = func(b *connector.Batch) connector.Result {
			copied := *b
			copied.Rows = slices.Clone(b.Rows)
			for i := range copied.Rows {
				copied.Rows[i] = cloned(b.Rows[i])
			}
			batches = append(batches, copied)
			return connector.Result{}
		}
		w.target.limits.Rows, w.target.limits.Concurrency = 1, 1
		w.run(run.Options{})
		job := w.target.job
		n := len(batches)
		for _, b := range batches[:n] {
			w.try(b.Rows[0].Key, connector.Added)
		}
		w.try(batches[0].Rows[0].Key, connector.Added)
		if len(batches) != 2*n+1 {
			t.Fatalf("%d batches of a run, and %d in all", n, len(batches))
		}
		seen := map[string]bool{}
		for i, b := range batches {
			if seen[b.ID] {
				t.Errorf("the batch id %s came twice", b.ID)
			}
			seen[b.ID] = true
			want := batches[i%n].Rows[0]
			want.Ordinal = b.Rows[0].Ordinal
			if got := b.Rows[0]; !reflect.DeepEqual(got, want) {
				t.Errorf("row %s: a test sends\n%+v, a run\n%+v", want.Key, got, want)
			}
		}
		tried := w.target.job
		if job.Pace == nil || tried.Pace == nil {
			t.Error("what is asked outside of batches is not paced")
		}
		job.RunID, job.Rows, job.FirstRun, job.StartedAt, job.Pace = tried.RunID, tried.Rows, tried.FirstRun, tried.StartedAt, tried.Pace
		if !reflect.DeepEqual(tried, job) {
			t.Errorf("the job of a test is\n%+v, of a run\n%+v", tried, job)
		}
	})
}

// everyType is rows of all kinds of columns.
func everyType(t *testing.T) array.RecordReader {
	t.Helper()
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int32}, {Name: "yes", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
		{Name: "small", Type: arrow.PrimitiveTypes.Int8, Nullable: true}, {Name: "big", Type: arrow.PrimitiveTypes.Uint64, Nullable: true},
		{Name: "half", Type: arrow.PrimitiveTypes.Float32, Nullable: true}, {Name: "double", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
		{Name: "money", Type: &arrow.Decimal128Type{Precision: 20, Scale: 4}, Nullable: true},
		{Name: "at", Type: &arrow.TimestampType{Unit: arrow.Nanosecond, TimeZone: "Europe/Berlin"}, Nullable: true},
		{Name: "day", Type: arrow.FixedWidthTypes.Date32, Nullable: true}, {Name: "clock", Type: arrow.FixedWidthTypes.Time64us, Nullable: true},
		{Name: "bytes", Type: arrow.BinaryTypes.Binary, Nullable: true}, {Name: "list", Type: arrow.ListOf(arrow.PrimitiveTypes.Int64), Nullable: true},
		{Name: "object", Type: arrow.StructOf(arrow.Field{Name: "z", Type: arrow.BinaryTypes.String}, arrow.Field{Name: "a", Type: arrow.PrimitiveTypes.Float64}), Nullable: true},
		{Name: "json", Type: arrow.BinaryTypes.String, Nullable: true, Metadata: arrow.NewMetadata([]string{value.MetaType}, []string{string(value.TypeObject)})},
	}, nil)
	batch, _, err := array.RecordFromJSON(memory.DefaultAllocator, schema, strings.NewReader(`[
		{"id": 1, "yes": true, "small": -7, "big": 18446744073709551615, "half": 0.1, "double": -0.0, "money": "123.4500", "at": "2026-03-29T00:59:59.123456789Z",
		 "day": "2026-02-28", "clock": "12:30:00.5", "bytes": "AAEC", "list": [3, 1, 2], "object": {"z": "Zoë", "a": 1.5}, "json": "{\"b\": [1, {\"c\": null}], \"a\": 1.0}"},
		{"id": 2}
	]`))
	if err != nil {
		t.Fatal(err)
	}
	r, err := array.NewRecordReader(schema, []arrow.RecordBatch{batch})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// cloned is a row with values of its own.
func cloned(row connector.Row) connector.Row {
	own := func(values []value.Value) []value.Value {
		out := make([]value.Value, len(values))
		for i, v := range values {
			out[i] = v.Clone()
		}
		return out
	}
	row.Key = strings.Clone(row.Key)
	row.Values, row.Match, row.Source, row.Before = own(row.Values), own(row.Match), own(row.Source), own(row.Before)
	return row
}

// Values and types are changed for a test; what identifies the row is not.
//
// Req: SY-11
func TestATrialWithOtherValues(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.rows = []row{r("1", "Ann", 1), r("2", "Bob", 2)}
		w.bundle.SyncSpec.Mappings = append(w.bundle.SyncSpec.Mappings, kindsync.Mapping{To: "score", From: "score"})
		text := func(column, v string) run.Edit {
			return run.Edit{Column: column, Type: value.TypeString, Value: value.OfText(v)}
		}
		var sent connector.Row
		w.target.refuse = func(row connector.Row) string {
			sent = cloned(row)
			return ""
		}
		got := w.try("1", connector.Added, text("name", "Anna"), run.Edit{Column: "score", Type: value.TypeBoolean, Value: value.OfText("true")})
		if want := []value.Value{value.OfText("1"), value.OfText("Anna"), value.OfBool(true)}; !slices.EqualFunc(sent.Values, want, value.Value.Equal) {
			t.Errorf("sent were %v, want %v", sent.Values, want)
		}
		if w.target.job.Columns[2].Type != value.TypeBoolean {
			t.Errorf("the destination takes the column for %+v", w.target.job.Columns[2])
		}
		if v := got.Values[1]; v.Name != "name" || v.Value.String() != "Anna" {
			t.Errorf("the test shows %+v", got.Values)
		}
		w.try("1", connector.Added, run.Edit{Column: "name", Type: value.TypeString})
		if !sent.Values[1].IsNull() {
			t.Errorf("a null was sent as %v", sent.Values[1])
		}

		w.bundle.SyncSpec.Match = []connector.MatchPair{{From: "name", To: "id"}}
		for path, edit := range map[string]run.Edit{
			"values.id": text("id", "9"), "values.name": text("name", "x"), "values.nothing": text("nothing", "x"),
			"values.score": {Column: "score", Type: value.TypeNumber, Value: value.OfText("many")},
		} {
			if err := w.refused("1", connector.Added, edit); err.Path != path {
				t.Errorf("%s: %v (%s)", path, err, err.Path)
			}
		}
	})
}

// A destination that asks for what was before gets the row as the model has it, and the other values as the change.
//
// Req: SY-11
func TestATrialOfAChangeTellsWhatWasBefore(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.rows = []row{r("1", "Ann", 1)}
		w.target.limits.NeedBefore = true
		var sent connector.Row
		w.target.refuse = func(row connector.Row) string {
			sent = cloned(row)
			return ""
		}
		w.try("1", connector.Changed, run.Edit{Column: "name", Type: value.TypeString, Value: value.OfText("Anna")})
		if sent.Values[1].String() != "Anna" || len(sent.Before) != 2 || sent.Before[1].String() != "Ann" {
			t.Errorf("%+v", sent)
		}
		w.try("1", connector.Added)
		if len(sent.Before) != 0 {
			t.Errorf("an added row has something before: %+v", sent.Before)
		}
	})
}

// What comes of the row is told, not thrown: a refusal by the destination or by the mapping, a lost answer, a
// destination that does not work.
//
// Req: SY-11, SY-72
func TestWhatBecomesOfATrial(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.rows = []row{r("1", "Ann", 1)}
		tests := map[string]struct {
			arrange func()
			outcome run.TrialOutcome
			reason  string
			code    fault.Code
			sent    int
		}{
			"refused": {
				func() { w.target.refuse = func(connector.Row) string { return "422: no such person (trace 77)" } },
				run.TrialRejected, "422: no such person (trace 77)", "", 1,
			},
			"refused by the mapping": {
				func() {
					w.bundle.SyncSpec.Mappings = []kindsync.Mapping{{To: "id", From: "id"}, {To: "name", Kind: kindsync.FromTemplate, Template: "{{ row.name | validate_email }}"}}
				}, run.TrialRejected, `field "name"`, "", 0,
			},
			"tried again": {
				func() {
					n := 0
					w.target.before = func(*connector.Batch) error {
						if n++; n == 1 {
							return fault.New(fault.CodeDestinationUnreachable, "connection refused")
						}
						return nil
					}
				}, run.TrialSucceeded, "", "", 2,
			},
			"a lost answer": {
				func() {
					w.target.limits.Idempotency = connector.NotIdempotent
					w.target.after = func(*connector.Batch) error { return fault.New(fault.CodeDestinationUnknown, "connection reset") }
				}, run.TrialInDoubt, "connection reset", "", 1,
			},
			"no access": {
				func() {
					w.target.before = func(*connector.Batch) error { return fault.New(fault.CodeDestinationAuth, "401 bad key") }
				},
				run.TrialNotSent, "", fault.CodeDestinationAuth, 1,
			},
		}
		saved, limits := w.bundle, w.target.limits
		for name, tt := range tests {
			tt.arrange()
			got := w.try("1", connector.Added)
			if got.Outcome != tt.outcome || !strings.Contains(got.Reason, tt.reason) || (tt.reason == "") != (got.Reason == "") || len(got.Exchanges) != tt.sent {
				t.Errorf("%s: %s %q after %d exchanges", name, got.Outcome, got.Reason, len(got.Exchanges))
			}
			if (got.Failure == nil) != (tt.code == "") || got.Failure != nil && (got.Failure.Code != tt.code || got.Failure.Suggestion == "") {
				t.Errorf("%s: the failure is %+v", name, got.Failure)
			}
			w.bundle, w.target.limits, w.target.refuse, w.target.before, w.target.after = saved, limits, nil, nil, nil
		}
	})
}

// Where one row cannot be sent by itself, or would do harm, a test is refused with the reason, and nothing is
// begun at the destination.
//
// Req: SY-11, SY-75
func TestTrialsThatAreRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.rows = []row{r("1", "Ann", 1), r("4", "Dan", 4), r("4", "Dan again", 4), {nil, "Nobody", 0}}
		tests := map[string]struct {
			arrange func()
			key     string
			op      connector.Operation
			code    fault.Code
			says    string
			begun   bool
		}{
			"a mirror":             {func() { w.bundle.SyncSpec.Mode = connector.ModeAll }, "1", connector.Added, fault.CodeRunUntestable, "replaces everything", false},
			"a snapshot":           {func() { w.bundle.SyncSpec.Mode = connector.ModeSnapshot }, "1", connector.Added, fault.CodeRunUntestable, "files", false},
			"files of differences": {func() { w.deferredType = true; w.restart() }, "1", connector.Added, fault.CodeRunUntestable, "files", false},
			"a deferred session":   {func() { w.target.limits.Deferred = true }, "1", connector.Added, fault.CodeRunUntestable, "once a run is over", true},
			"insert mode":          {func() { w.bundle.SyncSpec.Mode = connector.ModeInsert }, "1", connector.Changed, fault.CodeRunUntestable, "nothing for rows that were changed", false},
			"do nothing":           {func() { w.bundle.SyncSpec.Delete = connector.DeleteNothing }, "1", connector.Removed, fault.CodeRunUntestable, "nothing for rows that were removed", false},
			"a trigger that is off": {
				func() { w.target.limits.Operations = []connector.Operation{connector.Added} }, "1", connector.Changed, fault.CodeRunUntestable, "nothing for rows that were changed", true,
			},
			"an unknown operation": {func() {}, "1", "moved", fault.CodeInvalid, "moved", false},
			"an unknown key":       {func() {}, "9", connector.Added, fault.CodeNotFound, "no row", false},
			"no key":               {func() {}, "", connector.Added, fault.CodeNotFound, "no row", false},
			"a key that is shared": {func() {}, "4", connector.Added, fault.CodeModelDuplicate, "Several rows", false},
			"a mapping of nothing": {
				func() { w.bundle.SyncSpec.Mappings = []kindsync.Mapping{{To: "n", From: "nam"}} }, "1", connector.Added, fault.CodeMappingColumn, "Unknown field name", false,
			},
			"a source that fails": {func() { w.fail = fault.New(fault.CodeSourceQuery, `relation "x" does not exist`) }, "1", connector.Added, fault.CodeSourceQuery, `relation "x"`, false},
		}
		saved, limits := w.bundle, w.target.limits
		for name, tt := range tests {
			tt.arrange()
			w.target.job = connector.SyncJob{}
			err := w.refused(tt.key, tt.op)
			if err.Code != tt.code || !strings.Contains(err.Error(), tt.says) || err.Hint() == "" {
				t.Errorf("%s: %s %v, want %s", name, err.Code, err, tt.code)
			}
			if begun := w.target.job.SyncID != 0; begun != tt.begun || w.target.writes != 0 {
				t.Errorf("%s: begun is %t, want %t; %d writes", name, begun, tt.begun, w.target.writes)
			}
			w.bundle, w.target.limits, w.fail, w.deferredType = saved, limits, nil, false
			w.restart()
		}
	})
}

// During a run, a row is tried only where the destination takes batches side by side.
//
// Req: SY-11
func TestATrialDuringARun(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.rows = []row{r("1", "Ann", 1)}
		for concurrency, possible := range map[int]bool{1: false, 2: true} {
			w.target.limits.Concurrency = concurrency
			w.target.before = func(*connector.Batch) error {
				w.target.before = nil
				_, err := w.engine.Try(t.Context(), run.TrialRequest{WorkspaceID: workspace, SyncID: syncID, Key: "1", Operation: connector.Added})
				if possible != (err == nil) || err != nil && fault.As(err).Code != fault.CodeConflict {
					t.Errorf("%d batches at once: %v", concurrency, err)
				}
				return nil
			}
			if got := w.run(run.Options{FullResync: true}); got.State != run.Committed {
				t.Errorf("%s %+v", got.State, got.Failure)
			}
		}
	})
}

// A test takes its request from what the destination allows all runs together: it is refused where nothing is left,
// and a run waits for what a test took.
//
// Req: SY-11, FLD-10
func TestATrialKeepsToTheLimitsOfRuns(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.rows = []row{r("1", "Ann", 1)}
		w.limit(connector.Rate{Requests: 1, Window: time.Hour, Class: "api"})
		if got := w.try("1", connector.Added); got.Outcome != run.TrialSucceeded {
			t.Fatalf("%+v", got)
		}
		got := w.try("1", connector.Changed)
		if got.Outcome != run.TrialNotSent || got.Failure == nil || got.Failure.Code != fault.CodeRunUntestable || !strings.Contains(got.Failure.Message, "allow no request before") {
			t.Errorf("a second test in the hour: %+v %+v", got, got.Failure)
		}
		if w.target.writes != 1 {
			t.Errorf("%d requests were made in the hour", w.target.writes)
		}
		w.clock.Advance(2 * time.Hour)
		if got := w.try("1", connector.Changed); got.Outcome != run.TrialSucceeded {
			t.Errorf("after the hour: %+v %+v", got, got.Failure)
		}
	})
}

// What a person chooses from: the first rows with a key, or the row with one; what cannot be changed, and why; what
// the sync acts on.
//
// Req: SY-11
func TestSampleForATrial(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.rows = []row{{nil, "Nobody", 0}}
		for range 150 {
			w.rows = append(w.rows, r("k"+string(rune('0'+len(w.rows)%10))+strings.Repeat("x", len(w.rows)), "Ann", 1))
		}
		s, err := w.engine.Sample(t.Context(), workspace, syncID, "")
		if err != nil {
			t.Fatal(err)
		}
		if len(s.Rows) < 99 || len(s.Rows) > 100 || s.Rows[0].Key != *w.rows[1].id || s.Rows[0].Values[1].String() != "Ann" {
			t.Errorf("%d rows, the first is %+v", len(s.Rows), s.Rows[0])
		}
		if !slices.Equal(s.Operations, []connector.Operation{connector.Added, connector.Changed, connector.Removed}) {
			t.Errorf("the operations are %v", s.Operations)
		}
		for i, want := range []struct{ used, fixed bool }{{true, true}, {true, false}, {false, false}} {
			if c := s.Columns[i]; c.Used != want.used || (c.Fixed != "") != want.fixed {
				t.Errorf("%+v", c)
			}
		}
		w.bundle.SyncSpec.Mode, w.bundle.SyncSpec.Delete = connector.ModeInsert, connector.DeleteNothing
		if s, err = w.engine.Sample(t.Context(), workspace, syncID, *w.rows[149].id); err != nil || len(s.Rows) != 1 || len(s.Operations) != 1 {
			t.Errorf("%+v %v", s, err)
		}
		if _, err = w.engine.Sample(t.Context(), workspace, syncID, "nobody"); !fault.Is(err, fault.CodeNotFound) {
			t.Error(err)
		}
		w.bundle.SyncSpec.Mode = connector.ModeAll
		if _, err = w.engine.Sample(t.Context(), workspace, syncID, ""); !fault.Is(err, fault.CodeRunUntestable) {
			t.Error(err)
		}
	})
}
