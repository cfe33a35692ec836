package run_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/fault"
)

// vendor takes each row once for each key, which is made of the origin of its batch. It loses answers when it is told
// to.
type vendor struct {
	t     *testing.T
	fail  error             // nothing is taken
	lose  bool              // everything is taken, and nobody hears of it
	said  map[string]string // what the rows of a batch said, by its id
	known map[string]bool   // keys
	taken map[string]int    // by what a row says
	sent  []string          // ids, in the order of the requests since the last call of batches
}

func (w *world) vendor(t *testing.T) *vendor {
	t.Helper()
	v := &vendor{t: t, said: map[string]string{}, known: map[string]bool{}, taken: map[string]int{}}
	w.target.limits.Idempotency, w.target.limits.Concurrency, w.target.limits.Retry.Attempts = connector.Keyed, 1, 1
	w.target.before = func(*connector.Batch) error { return v.fail }
	w.target.count = v.take
	w.target.after = func(*connector.Batch) error {
		if v.lose {
			return fault.New(fault.CodeDestinationTimeout, "no answer")
		}
		return nil
	}
	return v
}

func (v *vendor) take(b *connector.Batch) connector.Result {
	var rows []string
	for _, row := range b.Rows {
		says := fmt.Sprintf("%s %s %s", b.Operation, row.Key, row.Values[1])
		rows = append(rows, says)
		if key := b.Origin + " " + row.Key; !v.known[key] {
			v.known[key] = true
			v.taken[says]++
		}
	}
	said := strings.Join(rows, ", ")
	if before, again := v.said[b.ID]; again && before != said {
		v.t.Errorf("the batch %s was %s, and is %s", b.ID, before, said)
	}
	v.said[b.ID] = said
	v.sent = append(v.sent, b.ID)
	return connector.Result{}
}

// batches returns the ids of what was sent since it was called last.
func (v *vendor) batches() []string {
	ids := slices.Sorted(slices.Values(v.sent))
	v.sent = nil
	return ids
}

func (v *vendor) check() {
	v.t.Helper()
	for says, n := range v.taken {
		if n > 1 {
			v.t.Errorf("%q was taken %d times", says, n)
		}
	}
}

// eachEngine runs a test on the Basic engine with either database, and on the Lightning engine.
func eachEngine(t *testing.T, f func(t *testing.T, w *world)) {
	each(t, f)
	t.Run("lightning", func(t *testing.T) { t.Parallel(); f(t, lightning(t)) })
}

// A run that ends with rows in doubt is followed by one that sends them as they were sent, under the same id, so that a
// destination which remembers ids takes them once. Whatever else is asked for has an id of its own.
//
// Req: FLD-03, SY-12, SY-77
func TestRowsInDoubtKeepTheirBatch(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		tests := []struct {
			name    string
			between func(v *vendor)
			options run.Options
			kept    int // batches whose ids are the same
			twice   bool
		}{
			{"nothing changed", func(*vendor) {}, run.Options{}, 3, false},
			{"a row changed", func(*vendor) { w.rows[0].name += " Smith" }, run.Options{}, 2, false},
			{"a row left", func(*vendor) { w.rows = w.rows[1:] }, run.Options{}, 2, false},
			{"a full resync", func(*vendor) {}, run.Options{FullResync: true}, 0, true},
			{"other settings", func(*vendor) { w.bundle.SyncSpec.Settings = map[string]any{"body": w.rows[0].name} }, run.Options{}, 0, true},
			{"a run that could not send", func(v *vendor) {
				v.fail = fault.New(fault.CodeDestinationAuth, "401")
				w.run(run.Options{})
				v.fail = nil
			}, run.Options{}, 3, false},
			{"a run whose requests were not carried out", func(v *vendor) {
				v.fail = fault.New(fault.CodeDestinationUnreachable, "connection refused")
				w.run(run.Options{})
				v.fail = nil
			}, run.Options{}, 3, false},
			{"a run whose answers were lost as well", func(*vendor) { w.run(run.Options{}) }, run.Options{}, 3, false},
			{"a run in which a row said something else and was not sent", func(v *vendor) {
				was := w.rows[0].name
				w.rows[0].name = "nobody"
				v.fail = fault.New(fault.CodeDestinationAuth, "401")
				w.run(run.Options{})
				w.rows[0].name, v.fail = was, nil
			}, run.Options{}, 3, false},
			{"a refusal", func(v *vendor) {
				v.fail = fault.New(fault.CodeDestinationRejected, "422")
				w.run(run.Options{})
				v.fail = nil
			}, run.Options{}, 0, true}, // it says that nothing was taken
		}
		for n, tt := range tests {
			w.rows = nil
			for i := range 5 {
				w.rows = append(w.rows, r(fmt.Sprint(n, "-", i), fmt.Sprint("name ", i, " of ", n), 1))
			}
			v := w.vendor(t)
			w.target.limits.Operations = []connector.Operation{connector.Changed, connector.Added} // what earlier cases left
			v.lose = true
			if c := w.run(run.Options{}).Counts; c.InDoubt != 5 {
				t.Fatalf("%s: %+v", tt.name, c)
			}
			before := v.batches()
			tt.between(v)
			v.batches()
			v.lose = false
			if c := w.run(tt.options).Counts; c.Failed.Total() != 0 || c.Succeeded.Total() == 0 {
				t.Errorf("%s: %+v", tt.name, c)
			}
			kept := 0
			for _, id := range v.batches() {
				if slices.Contains(before, id) {
					kept++
				}
			}
			if kept != tt.kept {
				t.Errorf("%s: %d of the batches %v came with the same id, want %d", tt.name, kept, before, tt.kept)
			}
			if !tt.twice {
				v.check()
			}
			if c := w.run(run.Options{}).Counts; c.Planned.Total() != 0 || len(v.batches()) != 0 {
				t.Errorf("%s: the rows have their answers, and are planned again: %+v", tt.name, c)
			}
		}
	})
}

// Wherever the run after one with rows in doubt dies, they are taken once.
//
// Req: FLD-03
func TestRowsInDoubtOutliveACrash(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		for n, point := range []string{"planning", "kept", "delivering", "settling", "settled", "committed", ""} {
			w.rows = nil
			for i := range 5 {
				w.rows = append(w.rows, r(fmt.Sprint(n, "-", i), fmt.Sprint("name ", i, " of ", n), 1))
			}
			v := w.vendor(t)
			w.target.limits.Operations = []connector.Operation{connector.Changed, connector.Added}
			v.lose = true
			w.run(run.Options{})
			w.rows[1].name += " the younger"
			if !w.crash(w.trigger(), point, 2, true) {
				t.Fatalf("no crash at %q", point)
			}
			w.vendorAgain(v)
			v.lose = false
			w.recover()
			w.run(run.Options{})
			v.check()
			if len(v.taken) != 6 {
				t.Errorf("a crash at %q: %v was taken", point, v.taken)
			}
		}
	})
}

// vendorAgain puts back what a crash took away.
func (w *world) vendorAgain(v *vendor) {
	next := w.vendor(v.t)
	next.said, next.known, next.taken = v.said, v.known, v.taken
	w.target.count, w.target.after = v.take, nil
}

// Where nothing is in doubt, and where it does not matter under which id a row is sent, nothing is kept.
func TestNoIDsAreKeptInVain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, kind := range []connector.Idempotency{connector.Keyed, connector.Idempotent, connector.NotIdempotent} {
			v := w.vendor(t)
			w.target.limits.Idempotency = kind
			w.rows = []row{r("1", "Ann", 1), r(string(kind), "Bob", 2)}
			v.lose = kind != connector.Keyed
			w.run(run.Options{})
			var baseline string
			if err := w.db.NewSelect().Table("sync_state").Column("baseline").Where("sync_id = ?", syncID).Scan(t.Context(), &baseline); err != nil {
				t.Fatal(err)
			}
			if baseline == "" || strings.Contains(baseline, "doubts") {
				t.Errorf("%s: %s", kind, baseline)
			}
		}
	})
}
