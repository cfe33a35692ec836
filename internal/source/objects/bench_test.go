package objects_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/duckdb"
	"github.com/millrace/millrace/internal/source/objects"
)

// BenchmarkParquet compares reading a Parquet file of a million rows from a store, which fetches it once,
// with DuckDB's own reading of the same file.
func BenchmarkParquet(b *testing.B) {
	dir := b.TempDir()
	path := filepath.Join(dir, "large.parquet")
	own := duckdb.New(duckdb.Options{Dir: dir, Files: []string{path}})
	if _, err := own.Unload(b.Context(), connector.Query{SQL: "SELECT i AS id, 'row ' || i AS name, i * 0.5 AS amount, TIMESTAMP '2024-01-01' + to_seconds(i) AS at FROM range(1000000) r(i)"}, path); err != nil {
		b.Fatal(err)
	}
	out := filepath.Join(dir, "out.parquet")
	b.Run("DuckDB", func(b *testing.B) {
		for b.Loop() {
			if _, err := own.Unload(b.Context(), connector.Query{SQL: "SELECT * FROM read_parquet(" + query.DuckDB.Text(path) + ")"}, out); err != nil {
				b.Fatal(err)
			}
		}
	})
	content, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	s := newS3(b)
	s.putTB(b, "large.parquet", content)
	source, err := objects.S3().Open(connector.SourceOptions{Settings: s3Settings(s.url), Dir: filepath.Join(dir, "source")})
	if err != nil {
		b.Fatal(err)
	}
	defer source.Close() //nolint:errcheck // the benchmark is over
	q := connector.Query{SQL: source.Dialect().SelectTable(connector.RowsTable), File: &connector.File{Path: "large.parquet"}}
	b.Run("source", func(b *testing.B) {
		for b.Loop() {
			if _, err := source.(connector.Unloader).Unload(b.Context(), q, out); err != nil {
				b.Fatal(err)
			}
		}
	})
}
