package query_test

import (
	"context"
	"database/sql"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sourcetest"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/query/dialecttest"
	"github.com/millrace/millrace/internal/source/duckdb"
	"github.com/millrace/millrace/internal/value"
)

// database is a warehouse as the suite wants it, in a schema of its own.
func database(t *testing.T, w connector.Warehouse, d query.Dialect) dialecttest.Database {
	t.Helper()
	run := func(ctx context.Context, sql string) error {
		_, err := w.Execute(ctx, connector.Query{SQL: sql})
		return err
	}
	if err := run(t.Context(), d.Command(query.CreateSchema{Name: "suite"})); err != nil {
		t.Fatal(err)
	}
	return dialecttest.Database{
		Dialect: d, Schema: "suite", Execute: run,
		Query: func(ctx context.Context, sql string) ([][]string, error) {
			r, err := w.Query(ctx, connector.Query{SQL: sql})
			if err != nil {
				return nil, err
			}
			defer r.Release()
			var rows [][]string
			for _, row := range sourcetest.Read(t, r).Rows {
				cells := make([]string, len(row))
				for i, v := range row {
					if cells[i] = v.String(); v.IsNull() {
						cells[i] = dialecttest.Null
					} else if strings.HasPrefix(cells[i], "[") { // JSON as a text, with spaces as the database likes
						if cells[i], err = value.CanonicalJSON(cells[i]); err != nil {
							return nil, err
						}
					}
				}
				rows = append(rows, cells)
			}
			return rows, nil
		},
	}
}

func openDuckDB(t *testing.T) connector.Warehouse {
	t.Helper()
	dir := t.TempDir()
	db, err := sql.Open("duckdb", dir+"/suite.duckdb") // the source opens files that are there
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), "CREATE SCHEMA suite"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := duckdb.Info(duckdb.Reach{}).Open(connector.SourceOptions{Settings: connector.Settings{"path": dir + "/suite.duckdb"}, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) //nolint:errcheck // the test is over
	return s.(connector.Warehouse)
}

// What audiences, traits and metrics are made of yields the same rows in DuckDB, PostgreSQL and MariaDB, and where
// PostgreSQL writes it as databases do that do not run here.
//
// Req: SY-48
func TestAnalysis(t *testing.T) {
	t.Parallel()
	t.Run("DuckDB", func(t *testing.T) {
		t.Parallel()
		dialecttest.RunAnalysis(t, database(t, openDuckDB(t), query.DuckDB))
	})
	t.Run("MariaDB", func(t *testing.T) {
		t.Parallel()
		dialecttest.RunAnalysis(t, openMariaDB(t))
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		dialecttest.RunAnalysis(t, database(t, openPostgres(t), query.Postgres))
	})
	for name, d := range query.Variants(query.Postgres) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dialecttest.RunAnalysis(t, database(t, openPostgres(t), d))
		})
	}
}
