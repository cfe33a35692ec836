package query

import "testing"

// A model's query stands in others under one alias, whatever it ends with.
//
// Req: M-31
func TestWrappedQueries(t *testing.T) {
	t.Parallel()
	for sql, inner := range map[string]string{
		"SELECT 1":                              "SELECT 1",
		" \n SELECT 1 ; ;\n\t":                  " \n SELECT 1",
		"SELECT 1 -- the last line; no more":    "SELECT 1 -- the last line; no more",
		"WITH a AS (SELECT 1) SELECT * FROM a;": "WITH a AS (SELECT 1) SELECT * FROM a",
		"SELECT ';'":                            "SELECT ';'",
	} {
		if got, want := Postgres.Limit(sql, 5), "SELECT * FROM (\n"+inner+"\n) AS \"_millrace_model\" LIMIT 5"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if got, want := DuckDB.Count(sql), "SELECT count(*) AS \"rows\" FROM (\n"+inner+"\n) AS \"_millrace_model\""; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// A comment is enough to keep a statement of Redshift's from being counted.
//
// Req: S-63
func TestCounts(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]bool{"SELECT 1": true, "SELECT 1 order by 1": false, "SELECT 1 -- ORDER BY": false} {
		if got := Redshift.Counts(sql); got != want {
			t.Errorf("%s: %v, want %v", sql, got, want)
		}
		if !Postgres.Counts(sql) {
			t.Errorf("PostgreSQL does not count %s", sql)
		}
	}
}
