package sourcetest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/query/dialecttest"
	"github.com/millrace/millrace/internal/value"
)

// Dialect runs the suite of dialects in a schema of a warehouse.
func Dialect(t *testing.T, w connector.Warehouse, schema string) {
	t.Helper()
	dialect(t, w, schema, false)
}

// DialectNoZeros is Dialect for a warehouse whose decimals have no zeros at their end.
func DialectNoZeros(t *testing.T, w connector.Warehouse, schema string) {
	t.Helper()
	dialect(t, w, schema, true)
}

func dialect(t *testing.T, w connector.Warehouse, schema string, noZeros bool) {
	t.Helper()
	dialecttest.Run(t, dialecttest.Database{
		Dialect: w.Dialect(), Schema: schema, NoZeros: noZeros,
		Execute: func(ctx context.Context, sql string) error {
			_, err := w.Execute(ctx, connector.Query{SQL: sql})
			return err
		},
		Query: func(ctx context.Context, sql string) ([][]string, error) {
			r, err := w.Query(ctx, connector.Query{SQL: sql})
			if err != nil {
				return nil, err
			}
			defer r.Release()
			var rows [][]string
			for _, row := range Read(t, r).Rows {
				cells := make([]string, len(row))
				for i, v := range row {
					cells[i] = v.String()
					if v.IsNull() {
						cells[i] = dialecttest.Null
					}
				}
				rows = append(rows, cells)
			}
			return rows, nil
		},
	})
}

// testWarehouse is what the Lightning engine asks of a source.
func testWarehouse(t *testing.T, w world) {
	s, ok := w.open(t, w.Settings).(connector.Warehouse)
	if offers := slices.Contains(w.Info.Engines, connector.EngineLightning); offers != ok {
		t.Fatalf("the source offers the Lightning engine: %v; it can plan: %v", offers, ok)
	}
	if !ok {
		t.Skip("the source is no Warehouse")
	}
	if w.Info.Grants == "" {
		t.Error("it does not say what an administrator must grant")
	}
	if err := connector.TestWarehouse(t.Context(), s, w.Info, w.Settings); err != nil {
		t.Errorf("TestWarehouse: %v", err)
	}
	w.testExecute(t, s)
	w.testDescribe(t, s)
}

func (w world) testExecute(t *testing.T, s connector.Warehouse) {
	t.Helper()
	d, schema := s.Dialect(), s.Schemas().Planner
	table := query.TableRef{Schema: schema, Name: "mr_Conformance_1"}
	run := func(c query.Command) error {
		_, err := s.Execute(t.Context(), connector.Query{SQL: d.Command(c), Tag: "conformance */ 1"})
		return err
	}
	create := query.CreateTableAs{Table: table, Query: query.From(query.Statement(w.Rows(5)).As("r"))}
	if err := errors.Join(run(query.DropTable{Table: table}), run(create)); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Execute(t.Context(), connector.Query{SQL: d.Command(query.InsertQuery{Table: table, Columns: []string{"id", "name"}, Query: query.From(query.Statement(w.Rows(7)).As("r"))})}); err != nil || n != 7 {
		t.Errorf("inserting 7 rows: %d, %v", n, err)
	}
	if n, err := consume(t.Context(), s, connector.Query{SQL: d.SelectTable(table)}); err != nil || n != 12 {
		t.Errorf("%d rows, %v", n, err)
	}
	columns, err := s.Columns(t.Context(), table)
	if err != nil || !slices.Equal(columns.Names(), []string{"id", "name"}) || columns[0].Type != value.TypeNumber || columns[1].Type != value.TypeString || columns[0].Native == "" {
		t.Errorf("the columns are %+v, %v", columns, err)
	}
	folded := 0
	if w.FoldsNames {
		folded = 1
	}
	for prefix, want := range map[string]int{"mr_Conformance_": 1, "mr_conformance_": folded, "mr%": 0, "mr_Conformance_1x": 0} {
		if names, err := s.OwnTables(t.Context(), schema, prefix); err != nil || len(names) != want {
			t.Errorf("tables that begin with %q: %v, %v", prefix, names, err)
		}
	}
	if found, err := s.Introspect(t.Context()); err != nil || slices.ContainsFunc(found, func(f connector.Table) bool { return f.Ref == table }) {
		t.Errorf("discovery lists %s: %v", table, err)
	}
	if err := run(create); err == nil {
		t.Error("a table was made twice")
	} else {
		w.checkError(t, w.Settings, err)
	}
	if err := run(query.DropTable{Table: table}); err != nil {
		t.Error(err)
	}
	if columns, err := s.Columns(t.Context(), table); err != nil || len(columns) > 0 {
		t.Errorf("a table that is gone has the columns %v, %v", columns, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Execute(ctx, connector.Query{SQL: d.Command(create)}); err == nil {
		t.Error("a command ran with a cancelled context")
	}
}

// testDescribe proves that a description is what a query yields, and costs no run of it.
func (w world) testDescribe(t *testing.T, s connector.Warehouse) {
	t.Helper()
	described, err := s.Describe(t.Context(), connector.Query{SQL: w.everything()})
	if err != nil {
		t.Fatal(err)
	}
	r := w.query(t, s, connector.Query{SQL: w.everything()})
	if got, want := schemaOf(t, described), schemaOf(t, r.Schema()); !slices.Equal(got, want) {
		t.Errorf("described are %+v, the query has %+v", got, want)
	}
	if _, err := s.Describe(t.Context(), connector.Query{SQL: w.Endless}); err != nil {
		t.Errorf("describing what would run for hours: %v", err)
	}
	for _, sql := range []string{"SELECT * FROM no_such_table", w.Rows(1) + "; " + w.Rows(2)} {
		_, err := s.Describe(t.Context(), connector.Query{SQL: sql})
		if !fault.Is(err, fault.CodeSourceQuery) {
			t.Errorf("%q: %v", sql, err)
		} else if strings.Contains(sql, "no_such") && !strings.Contains(err.Error(), w.Says.Table) {
			t.Errorf("the error does not say %q: %v", w.Says.Table, err)
		}
	}
}
