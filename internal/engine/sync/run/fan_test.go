package run_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/fault"
	kindsync "github.com/millrace/millrace/internal/kind/sync"
)

// audience is a destination whose members are found by identifiers.
type audience struct {
	*world

	mu      sync.Mutex
	members map[string]bool
	batches []string
	refuse  map[string]bool // identifiers that cannot be added
	lose    map[string]bool // identifiers that are added, without an answer
}

// person is a row of an audience's model.
type person struct {
	id     string
	emails []string // nil is null
}

// newAudience makes the world's destination an audience of emails.
func newAudience(w *world) *audience {
	a := &audience{world: w, members: map[string]bool{}, refuse: map[string]bool{}, lose: map[string]bool{}}
	w.identifiers = connector.Identifiers{{"email"}}
	w.target.limits = connector.Limits{Rows: 3, Concurrency: 1, Idempotency: connector.Idempotent, NeedBefore: true, Retry: connector.RetryPolicy{Attempts: 1}}
	w.target.count = a.take
	w.bundle.SyncSpec.Mappings = []kindsync.Mapping{{To: "email", From: "emails"}}
	w.restart()
	return a
}

func (a *audience) take(b *connector.Batch) (result connector.Result) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var names []string
	for i, row := range b.Rows {
		email := row.Values[0].String()
		names = append(names, row.Key+":"+email)
		switch {
		case b.Operation == connector.Removed:
			delete(a.members, email)
		case a.refuse[email]:
			result.Rejected = append(result.Rejected, connector.Rejection{Row: i, Reason: "this is no address"})
		case email != "":
			a.members[email] = true
		}
	}
	a.batches = append(a.batches, string(b.Operation)+" "+strings.Join(names, " "))
	return result
}

// has lets the source yield people with a column of lists.
func (a *audience) has(people ...person) {
	a.query = func(context.Context) (array.RecordReader, error) {
		schema := arrow.NewSchema([]arrow.Field{
			{Name: "id", Type: arrow.BinaryTypes.String, Nullable: true}, {Name: "emails", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true},
		}, nil)
		b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
		lists := b.Field(1).(*array.ListBuilder)
		for _, p := range people {
			b.Field(0).(*array.StringBuilder).Append(p.id)
			lists.Append(p.emails != nil)
			for _, e := range p.emails {
				lists.ValueBuilder().(*array.StringBuilder).Append(e)
			}
		}
		return array.NewRecordReader(schema, []arrow.RecordBatch{b.NewRecordBatch()})
	}
}

// sync runs the sync and compares what was sent, batch by batch, and who is a member then.
func (a *audience) sync(members string, batches ...string) run.Run {
	a.t.Helper()
	a.batches = nil
	got := a.run(run.Options{})
	if got.State != run.Committed {
		a.t.Fatalf("%s: %+v", got.State, got.Failure)
	}
	if !slices.Equal(a.batches, batches) {
		a.t.Errorf("sent %q, want %q", a.batches, batches)
	}
	var names []string
	for name := range a.members {
		names = append(names, name)
	}
	slices.Sort(names)
	if strings.Join(names, " ") != members {
		a.t.Errorf("the members are %v, want %s", names, members)
	}
	return got
}

// Each identifier of an array is a member; one that leaves the array leaves the audience, before others come, and so do
// all of a row that leaves the model.
//
// Req: SY-92, SY-93
func TestAudience(t *testing.T) {
	each(t, func(_ *testing.T, w *world) {
		a := newAudience(w)
		a.has(person{"1", []string{"a", "b"}}, person{"2", []string{"c", "d", "e", "f"}}, person{"3", []string{}}, person{"4", nil})
		first := a.sync("a b c d e f", "added 1:a 1:b", "added 2:c 2:d 2:e", "added 2:f", "added 3:", "added 4:")
		if first.Counts.Succeeded.Added != 4 {
			a.t.Errorf("%+v", first.Counts)
		}
		a.sync("a b c d e f")
		a.has(person{"1", []string{"b", "g"}}, person{"3", []string{"a"}}, person{"4", nil})
		second := a.sync("a b g", "removed 2:c 2:d 2:e", "removed 2:f", "removed 1:a", "changed 1:b 1:g 3:a")
		if c := second.Counts; c.Succeeded != (run.OpCounts{Changed: 2, Removed: 1}) {
			a.t.Errorf("%+v", c)
		}
		a.has(person{"4", nil})
		a.sync("", "removed 1:b 1:g 3:a")
	})
}

// A row of which a part was refused is refused, by name of the record; what was taken of it is not forgotten.
//
// Req: SY-92, FLD-03
func TestPartOfARowIsRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := newAudience(w)
		a.refuse["bad"] = true
		a.has(person{"1", []string{"a", "bad", "b"}}, person{"2", []string{"c"}}, person{"3", []string{"bad"}}, person{"4", []string{"x", "bad"}})
		got := a.sync("a b c x", "added 1:a 1:bad 1:b", "added 2:c 3:bad", "added 4:x 4:bad")
		if c := got.Counts; c.Succeeded.Added != 1 || c.Failed.Added != 3 || !c.Trouble() {
			t.Errorf("%+v", c)
		}
		page, _, err := w.engine.Rows(t.Context(), workspace, got.ID, run.RowQuery{Statuses: []run.RowStatus{run.RowFailed}})
		if err != nil {
			t.Fatal(err)
		}
		var reasons []string
		for _, row := range page {
			reasons = append(reasons, row.Key+": "+row.Reason)
		}
		if want := []string{"1: record 2 of 3: this is no address (2 of 3 were taken)", "3: this is no address", "4: record 2 of 2: this is no address (1 of 2 were taken)"}; !slices.Equal(reasons, want) {
			t.Errorf("%q, want %q", reasons, want)
		}
		a.has(person{"1", []string{"b", "d"}}, person{"2", []string{"c"}})
		a.sync("b c d", "removed 4:x 4:bad", "removed 1:a 1:bad", "added 1:b 1:d")
	})
}

// A session that could not say what became of a part of a row, or what a row lost, is refused before anything is sent.
//
// Req: SY-92
func TestAudienceSessions(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := newAudience(w)
		a.has(person{"1", []string{"a"}})
		limits := w.target.limits
		for _, change := range []func(l *connector.Limits){
			func(l *connector.Limits) { l.NeedBefore = false }, func(l *connector.Limits) { l.Deferred = true },
			func(l *connector.Limits) { l.Idempotency = connector.Transactional },
		} {
			w.target.limits = limits
			change(&w.target.limits)
			if got := w.run(run.Options{}); got.State != run.Failed || got.Failure.Code != fault.CodeInternal || len(a.batches) > 0 {
				t.Errorf("%s %+v, sent %v", got.State, got.Failure, a.batches)
			}
		}
	})
}

// Arrays of the warehouse and of jsonb are arrays, text that looks like one is not.
//
// Req: SY-92
func TestTrueArrays(t *testing.T) {
	t.Parallel()
	for native, want := range map[string]string{"text[]": "a b", "jsonb": "a b", "json": "a b", "text": `["a", "b"]`} {
		t.Run(native, func(t *testing.T) {
			t.Parallel()
			w := lightning(t)
			a := newAudience(w)
			literal := `'["a", "b"]'`
			if native == "text[]" {
				literal = "'{a, b}'"
			}
			w.bundle.ModelSpec.SQL = fmt.Sprintf("SELECT '1' AS id, CAST(%s AS %s) AS emails", literal, native)
			a.run(run.Options{})
			var names []string
			for name := range a.members {
				names = append(names, name)
			}
			slices.Sort(names)
			if got := strings.Join(names, " "); got != want {
				t.Errorf("the members are %s, want %s", got, want)
			}
		})
	}
}

// A row that is tried is all of its records.
//
// Req: SY-92, SY-11
func TestAnAudienceIsTried(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := newAudience(w)
		a.has(person{"1", []string{"a", "b"}})
		if got := w.try("1", connector.Added); got.Outcome != run.TrialSucceeded || !a.members["a"] || !a.members["b"] {
			t.Errorf("%+v, members %v", got, a.members)
		}
		a.refuse["b"] = true
		if got := w.try("1", connector.Added); got.Outcome != run.TrialRejected || !strings.HasPrefix(got.Reason, "record 2 of 2") {
			t.Errorf("%+v", got)
		}
	})
}

// Wherever a run dies, no member is left who is not in the model, and none is missing.
//
// Req: SY-92, FLD-03
func TestAudienceCrashes(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := newAudience(w)
		first := []person{{"1", []string{"a", "b"}}, {"2", []string{"c", "d", "e", "f"}}, {"3", []string{"g"}}}
		second := []person{{"1", []string{"b", "h"}}, {"3", []string{"a", "g"}}, {"4", []string{"i", "j", "k", "l"}}}
		for step := 1; ; step++ {
			a.has(first...)
			w.run(run.Options{FullResync: true})
			a.members = map[string]bool{"a": true, "b": true, "c": true, "d": true, "e": true, "f": true, "g": true}
			a.has(second...)
			passed := !w.crash(w.trigger(), "", step, step%2 == 0)
			if !passed {
				w.recover()
				w.run(run.Options{})
			}
			a.sync("a b g h i j k l")
			if passed {
				if step < 3 {
					t.Fatalf("only %d writes", step)
				}
				return
			}
		}
	})
}

// What a row lost may be removed while the row itself is not sent, or refused. The row is planned again, even when the
// model has by then what was settled.
//
// Req: SY-92, FLD-03
func TestARowComesBackAfterItsRetraction(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := newAudience(w)
		a.has(person{"1", []string{"a", "b"}})
		a.sync("a b", "added 1:a 1:b")
		for _, refusal := range []fault.Code{fault.CodeDestinationAuth, fault.CodeDestinationRejected} {
			a.has(person{"1", []string{"b"}})
			w.target.before = func(b *connector.Batch) error {
				if b.Operation == connector.Changed {
					return fault.New(refusal, "no")
				}
				return nil
			}
			if c := w.run(run.Options{}).Counts; c.Aborted.Changed+c.Failed.Changed != 1 {
				t.Fatalf("%+v", c)
			}
			w.target.before = nil
			a.has(person{"1", []string{"a", "b"}})
			a.sync("a b", "changed 1:a 1:b")
		}
	})
}
