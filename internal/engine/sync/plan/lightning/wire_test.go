package lightning_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/engine/sync/plan"
	"github.com/millrace/millrace/internal/engine/sync/plan/lightning"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// counting counts the rows that leave a warehouse.
type counting struct {
	connector.Warehouse

	rows atomic.Int64
}

func (c *counting) Query(ctx context.Context, q connector.Query) (array.RecordReader, error) {
	r, err := c.Warehouse.Query(ctx, q)
	if err != nil {
		return nil, err
	}
	return &countedRows{RecordReader: r, rows: &c.rows}, nil
}

type countedRows struct {
	array.RecordReader

	rows *atomic.Int64
}

func (c *countedRows) Next() bool {
	next := c.RecordReader.Next()
	if next {
		c.rows.Add(c.RecordBatch().NumRows())
	}
	return next
}

// cycle plans a run of a sync whose model is a statement, and settles it as the test says.
func cycle(t *testing.T, w connector.Warehouse, id int64, old *plan.Baseline, model string, outcomes plan.Outcomes) (plan.Plan, plan.Baseline) {
	t.Helper()
	p := lightning.New(w, lightning.Run{Instance: "wire", Workspace: 1, Sync: 1, ID: id, Epoch: 1}, "wire")
	schema, err := lightning.Describe(t.Context(), w, connector.Query{SQL: model})
	if err != nil {
		t.Fatal(err)
	}
	staged, err := p.Stage(t.Context(), model, plan.StageInput{Schema: schema, PrimaryKey: "id", Compare: schema.Names()})
	if err != nil {
		t.Fatal(err)
	}
	made, err := p.Diff(t.Context(), plan.DiffInput{
		Staged: staged, Baseline: old, Dir: t.TempDir(), Before: schema.Names(),
		Rules: plan.ModeRules{AddedActs: true, ChangedActs: true, RemovedActs: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	b, err := p.Settle(t.Context(), plan.SettleInput{Staged: staged, Plan: &made, Old: old, Outcomes: outcomes, Default: plan.Accepted})
	if err != nil {
		t.Fatal(err)
	}
	return made, b
}

// Only the difference leaves the warehouse: of 100,000 rows with 50 changes, the changed ones.
//
// Req: SY-46, WH-01, X-04
func TestOnlyTheDifferenceLeaves(t *testing.T) {
	t.Parallel()
	w := &counting{Warehouse: openPostgres(t)}
	model := func(changed string) string {
		return "SELECT g AS id, repeat('x', 40) || CASE WHEN " + changed + " THEN 'y' ELSE '' END AS name FROM generate_series(1, 100000) g"
	}
	_, first := cycle(t, w, 1, nil, model("false"), nil)
	w.rows.Store(0)
	made, _ := cycle(t, w, 2, &first, model("g % 2000 = 0"), nil)
	if made.Counts.Found != (plan.Tally{Changed: 50}) || made.Counts.Unchanged != 99_950 {
		t.Errorf("%+v", made.Counts)
	}
	if n := w.rows.Load(); n > 60 {
		t.Errorf("%d rows left the warehouse, of which 50 differ", n)
	}
}

// typed has a value of each kind, as PostgreSQL writes them; digit changes them all.
func typed(digit string) string {
	return strings.ReplaceAll(`SELECT 'k' AS id, 12345678901234567890.#::numeric AS free, 0.1#::numeric(12,3) AS fixed, 9223372036854775807 - # AS big, #.1::float8 AS f,
		(# = 1) AS yes, '2024-02-2#'::date AS day, '2024-02-29 12:34:56.78901#+02'::timestamptz AS at, '2024-02-29 12:34:5#'::timestamp AS wall,
		'{"b":[#,null],"a":1.10}'::jsonb AS doc, '{"b" : # , "a":"\u00fc"}'::json AS text_doc, ARRAY['a#', NULL, 'b"c']::text[] AS tags,
		'\x00ff0#'::bytea AS raw, repeat('é#', 500000) AS long, 'O''Brien \ "#" 😀' AS name, NULL::text AS nothing`, "#", digit)
}

// Values keep their types and digits on their way out, out of what was settled, and out of what was sent in doubt.
//
// Req: SY-97, M-12, FLD-31, FLD-32
func TestValuesKeepTheirTypes(t *testing.T) {
	t.Parallel()
	w := openPostgres(t)
	none := typed("1") + " WHERE false"
	added, first := cycle(t, w, 1, nil, typed("1"), nil)
	check(t, w, &added, connector.Added, typed("1"), "")
	same, again := cycle(t, w, 2, &first, typed("1"), nil)
	if same.Counts.Unchanged != 1 {
		t.Errorf("nothing changed: %+v", same.Counts)
	}
	changed, doubtful := cycle(t, w, 3, &again, typed("2"), plan.Sorted([]plan.Range{{From: 0, To: 1, State: plan.Dirty}}))
	check(t, w, &changed, connector.Changed, typed("2"), typed("1"))
	removed, _ := cycle(t, w, 4, &doubtful, none, nil)
	check(t, w, &removed, connector.Removed, typed("1"), "")
	attempted(t, w, &removed, typed("2"))
}

// check compares the plan's one row with what a statement yields.
func check(t *testing.T, w connector.Warehouse, p *plan.Plan, op connector.Operation, now, before string) {
	t.Helper()
	rows, err := p.Open(op)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close() //nolint:errcheck // a test's reader
	if !rows.Next() {
		t.Fatalf("no row was %s: %v", op, rows.Err())
	}
	compareRow(t, string(op), rows.Batch().Values, w, now)
	if before != "" {
		compareRow(t, "before", rows.Batch().Before, w, before)
	}
}

func compareRow(t *testing.T, what string, got arrow.RecordBatch, w connector.Warehouse, sql string) {
	t.Helper()
	want := valuesOf(t, w, sql)
	if int(got.NumCols()) != len(want) {
		t.Fatalf("%s: %d columns, want %d", what, got.NumCols(), len(want))
	}
	for i, f := range got.Schema().Fields() {
		read, err := value.NewReader(f, got.Column(i))
		if err != nil {
			t.Fatal(err)
		}
		sameValue(t, what+" "+f.Name, read(0), want[i])
	}
}

func sameValue(t *testing.T, what string, got, want value.Value) {
	t.Helper()
	if got.Kind().String() != want.Kind().String() || got.String() != want.String() {
		t.Errorf("%s: %s %.60q, want %s %.60q", what, got.Kind(), got.String(), want.Kind(), want.String())
	}
}

// valuesOf reads the one row of a statement as the Basic engine would.
func valuesOf(t *testing.T, w connector.Warehouse, sql string) []value.Value {
	t.Helper()
	r, err := w.Query(t.Context(), connector.Query{SQL: sql})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	flat, err := value.Flatten(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer flat.Release()
	if !flat.Next() {
		t.Fatal("no row")
	}
	var values []value.Value
	for i, f := range flat.Schema().Fields() {
		read, err := value.NewReader(f, flat.RecordBatch().Column(i))
		if err != nil {
			t.Fatal(err)
		}
		v := read(0)
		if v.Kind() == value.Text || v.Kind() == value.JSON || v.Kind() == value.Decimal {
			raw := strings.Clone(v.Raw())
			v = map[value.Kind]value.Value{value.Text: value.OfText(raw), value.JSON: value.OfJSON(raw), value.Decimal: value.OfDecimal(raw)}[v.Kind()]
		}
		values = append(values, v)
	}
	return values
}

func attempted(t *testing.T, w connector.Warehouse, p *plan.Plan, sql string) {
	t.Helper()
	rows, err := p.Open(connector.Removed)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close() //nolint:errcheck // a test's reader
	if !rows.Next() {
		t.Fatal("no row")
	}
	attempts, err := p.AttemptReader(rows.Batch())
	if err != nil || attempts == nil || len(attempts(0)) != 1 {
		t.Fatalf("what was sent in doubt is gone: %v", err)
	}
	for i, want := range valuesOf(t, w, sql) {
		sameValue(t, "attempt "+p.Schema[i].Name, attempts(0)[0][i], want)
	}
}

// Nothing of a sync is left in the planner schema but its tables, and nothing of another one is touched.
//
// Req: SY-49, X-04
func TestForgetLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	w := openDuckDB(t)
	var baselines []plan.Baseline
	for id := int64(1); id <= 3; id++ {
		var old *plan.Baseline
		if id > 1 {
			old = &baselines[id-2]
		}
		_, b := cycle(t, w, id, old, "SELECT 1 AS id", nil)
		baselines = append(baselines, b)
	}
	others := []string{"mr_wire_1_2_1_1_plan", "mr_wire_11_1_1_1_plan", "mr_other_1_1_1_1_plan", "mine"}
	for _, name := range append(others, "mr_wire_1_1_9_1_plan") { // the last is a later run's
		c := w.Dialect().Command(query.CreateTableAs{Table: query.TableRef{Schema: "millrace_planner", Name: name}, Query: query.Values(query.Int(1).As("a"))})
		if _, err := w.Execute(t.Context(), connector.Query{SQL: c}); err != nil {
			t.Fatal(err)
		}
	}
	p := lightning.New(w, lightning.Run{Instance: "wire", Workspace: 1, Sync: 1, ID: 3, Epoch: 2}, "wire")
	if err := p.Forget(t.Context(), baselines[2].Tables, baselines[1].Tables); err != nil {
		t.Fatal(err)
	}
	left, err := w.OwnTables(t.Context(), "millrace_planner", "")
	if err != nil || len(left) != 4+len(others)+1 {
		t.Errorf("left are %v, %v", left, err)
	}
}
