package plantest

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"pgregory.net/rapid"

	"github.com/millrace/millrace/internal/value"
)

// testHistories runs random syncs and compares every plan and every settled state with the naive
// planner's.
//
// Req: SY-39, SY-12, SY-14, SY-36, SY-40, SY-45, SY-79, M-04, M-05, FLD-01, FLD-02, FLD-31
func testHistories(t *testing.T, open func(testing.TB) Planner) {
	limitHistories()
	rapid.Check(t, func(r *rapid.T) { history(r, open(t)) })
}

// HistoriesEnv names the environment variable that says how many histories are played, where the flag
// -rapid.checks does not.
const HistoriesEnv = "PLANTEST_HISTORIES"

// everydayHistories are enough for every day: each has several runs on a real planner.
const everydayHistories = "12"

// limitHistories sets rapid's number of checks, which it takes from its flag alone.
var limitHistories = sync.OnceFunc(func() {
	const name = "rapid.checks"
	asked := false
	flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == name })
	if asked {
		return
	}
	if err := flag.Set(name, cmp.Or(os.Getenv(HistoriesEnv), everydayHistories)); err != nil {
		panic(err)
	}
})

func history(t *rapid.T, p Planner) {
	n := newNaive()
	schema := []string{"id", "a", "b"}
	for run := range rapid.IntRange(1, 6).Draw(t, "runs") {
		schema = drawSchema(t, schema)
		s := drawSettings(t, schema)
		rows := drawRows(t, schema)
		checkRun(t, p, n, fmt.Sprintf("run %d", run), schema, rows, s)
	}
}

func checkRun(t *rapid.T, p Planner, n *naive, name string, schema []string, rows []map[string]value.Value, s Settings) {
	want := n.plan(rows, s)
	got, err := p.Plan(t.Context(), batchOf(schema, nil, rows), s)
	if err != nil {
		t.Fatalf("%s: planning: %v", name, err)
	}
	if got.String() != want.String() {
		t.Fatalf("%s: the plan is\n%s\nit should be\n%s\nsettings %+v", name, got, want, s)
	}
	if !got.Counts.adds() {
		t.Fatalf("%s: the counts do not add up: %+v", name, got.Counts)
	}
	outcome := drawOutcomes(t, want)
	if err := p.Settle(t.Context(), outcome); err != nil {
		t.Fatalf("%s: settling: %v", name, err)
	}
	n.settle(outcome)
	held, err := p.Settled(t.Context())
	if err != nil {
		t.Fatalf("%s: reading what was settled: %v", name, err)
	}
	if got, want := showSettled(held), showSettled(n.settled()); got != want {
		t.Fatalf("%s: settled is\n%s\nit should be\n%s\nsettings %+v", name, got, want, s)
	}
}

// drawSchema now and then adds, drops or reorders a column.
func drawSchema(t *rapid.T, schema []string) []string {
	schema = slices.Clone(schema)
	switch rapid.IntRange(0, 9).Draw(t, "drift") {
	case 0:
		if !slices.Contains(schema, "c") {
			return append(schema, "c")
		}
	case 1:
		return slices.DeleteFunc(schema, func(c string) bool { return c == "b" })
	case 2:
		slices.Reverse(schema)
	}
	return schema
}

func drawSettings(t *rapid.T, schema []string) Settings {
	rare := rapid.IntRange(0, 7)
	s := Settings{
		Key: "id", Columns: schema, Before: []string{schema[len(schema)-1]},
		Added: rare.Draw(t, "no added") > 0, Changed: rare.Draw(t, "no changed") > 1, Removed: rare.Draw(t, "no removed") > 1,
		EveryRow: rare.Draw(t, "every") == 0, FullResync: rare.Draw(t, "full") == 0,
		ResetCDC: rare.Draw(t, "reset") == 0, MappingChanged: rare.Draw(t, "mapping") == 0,
	}
	if rare.Draw(t, "identified") > 4 {
		s.Identify = schema[:1]
	}
	s.Compare = slices.DeleteFunc(slices.Clone(schema), func(c string) bool { return c == "c" && rapid.Bool().Draw(t, "uncompared") })
	return s
}

func drawRows(t *rapid.T, schema []string) []map[string]value.Value {
	n := rapid.IntRange(0, 12).Draw(t, "rows")
	rows := make([]map[string]value.Value, n)
	for i := range rows {
		row := map[string]value.Value{}
		for _, c := range schema {
			row[c] = drawValue(t, c)
		}
		rows[i] = row
	}
	return rows
}

// drawValue has few keys and fewer values, so that rows meet again.
func drawValue(t *rapid.T, column string) value.Value {
	if column == "id" {
		if k := rapid.IntRange(0, 14).Draw(t, "key"); k > 0 {
			return value.OfText(strconv.Itoa(k))
		}
		return value.Value{}
	}
	return rapid.SampledFrom([]value.Value{{}, value.OfText(""), value.OfText("x"), value.OfText("y'\"")}).Draw(t, column)
}

func drawOutcomes(t *rapid.T, r Result) func(Row) string {
	states := rapid.SampledFrom([]string{Accepted, Accepted, Rejected, Aborted, Dirty})
	all := map[string]string{}
	for _, row := range r.Rows {
		if !row.Duplicate {
			all[row.Key] = states.Draw(t, "outcome of "+row.Key)
		}
	}
	return func(row Row) string { return all[row.Key] }
}

// batchOf makes a record of text columns, and of integer columns where integers says so.
func batchOf(schema []string, integers map[string]bool, rows []map[string]value.Value) arrow.RecordBatch {
	fields := make([]arrow.Field, len(schema))
	for i, name := range schema {
		fields[i] = arrow.Field{Name: name, Type: arrow.BinaryTypes.String, Nullable: true}
		if integers[name] {
			fields[i].Type = arrow.PrimitiveTypes.Int64
		}
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))
	defer b.Release()
	for _, row := range rows {
		for i, name := range schema {
			appendTo(b.Field(i), row[name])
		}
	}
	return b.NewRecordBatch()
}

func appendTo(b array.Builder, v value.Value) {
	switch b := b.(type) {
	case *array.Int64Builder:
		if !v.IsNull() {
			b.Append(v.Int())
			return
		}
	case *array.StringBuilder:
		if !v.IsNull() {
			b.Append(v.String())
			return
		}
	}
	b.AppendNull()
}
