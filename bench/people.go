package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/duckdb/duckdb-go/v2"

	"github.com/millrace/millrace/internal/engine/sync/plan"
	"github.com/millrace/millrace/internal/query"
)

// peopleColumns are the columns of the model.
var peopleColumns = []string{"id", "email", "first_name", "last_name", "score", "plan", "ltv", "updated_at"}

// people is the SQL of rows of 8 columns, about 90 bytes as CSV; score is null in every seventh row.
func people(from, to int64, score string) string {
	return fmt.Sprintf(`SELECT 'u' || lpad(i::VARCHAR, 9, '0') AS id, 'person' || i || '@example.com' AS email,
		'First' || (i %% 1000) AS first_name, 'Last' || (i %% 5003) AS last_name,
		%s AS score, ['free', 'basic', 'pro', 'team'][1 + i %% 4] AS plan, ((i %% 100000) / 100)::DECIMAL(12, 2) AS ltv,
		TIMESTAMP '2026-01-01' + INTERVAL (i %% 31536000) SECOND AS updated_at FROM range(%d, %d) AS t(i)`, score, from, to)
}

const settledScore = "CASE WHEN i % 7 <> 0 THEN (i % 500)::INTEGER END"

// difference is how many rows of n are removed, changed and added.
type difference struct{ removed, changed, added int64 }

func differenceOf(n int64) difference {
	moved := n / 200
	return difference{moved, (n+99)/100 - (moved+99)/100, moved}
}

// duck is a DuckDB with the memory and the threads that the planner has by default.
type duck struct {
	pool *sql.DB
	conn *sql.Conn
}

func openDuck(ctx context.Context, spill string) (*duck, error) {
	c, err := duckdb.NewConnector("", func(x driver.ExecerContext) error {
		for _, setting := range []string{
			fmt.Sprintf("memory_limit='%dB'", plan.DefaultMemoryLimit), "preserve_insertion_order=false", "TimeZone='UTC'",
			"temp_directory=" + query.DuckDB.Text(spill),
		} {
			if _, err := x.ExecContext(ctx, "SET "+setting, nil); err != nil {
				return err //nolint:wrapcheck // wrapped below
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("starting DuckDB: %w", err)
	}
	d := &duck{pool: sql.OpenDB(c)}
	d.pool.SetMaxOpenConns(1)
	if d.conn, err = d.pool.Conn(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("starting DuckDB: %w", err), d.pool.Close())
	}
	return d, nil
}

func (d *duck) close() error { return errors.Join(d.conn.Close(), d.pool.Close()) }

func (d *duck) exec(ctx context.Context, statements ...string) error {
	for _, s := range statements {
		if _, err := d.conn.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%.60s…: %w", s, err)
		}
	}
	return nil
}

// copyTo writes a query's rows to a Parquet file that is on disk afterwards, as a snapshot must be.
func (d *duck) copyTo(ctx context.Context, rows, path string) error {
	if err := d.exec(ctx, "COPY ("+rows+") TO "+query.DuckDB.Text(path)+" (FORMAT parquet, COMPRESSION zstd)"); err != nil {
		return err
	}
	f, err := os.Open(path) //nolint:gosec // a file of our own
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return errors.Join(f.Sync(), f.Close())
}

// dataset is a model before and after a change, as Parquet files.
type dataset struct {
	rows          int64 // of before, and of after as well
	before, after string
}

// makeModel writes both states into a folder.
func makeModel(ctx context.Context, dir string, rows int64) (m dataset, err error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return m, fmt.Errorf("making a folder: %w", err)
	}
	d, err := openDuck(ctx, filepath.Join(dir, "spill"))
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	m = dataset{rows: rows, before: filepath.Join(dir, "before.parquet"), after: filepath.Join(dir, "people.parquet")}
	shift := differenceOf(rows).removed
	return m, errors.Join(
		d.copyTo(ctx, people(0, rows, settledScore), m.before),
		d.copyTo(ctx, people(shift, rows+shift, "CASE WHEN i % 100 = 0 THEN 1000 WHEN i % 7 <> 0 THEN (i % 500)::INTEGER END"), m.after),
	)
}

// openRows streams a Parquet file through Arrow.
func openRows(ctx context.Context, path string) (_ array.RecordReader, done func() error, err error) {
	f, err := file.OpenParquetFile(path, false)
	if err != nil {
		return nil, nil, fmt.Errorf("opening the rows: %w", err)
	}
	r, err := pqarrow.NewFileReader(f, pqarrow.ArrowReadProperties{BatchSize: streamRows}, memory.DefaultAllocator)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("opening the rows: %w", err), f.Close())
	}
	rows, err := r.GetRecordReader(ctx, nil, nil)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("opening the rows: %w", err), f.Close())
	}
	return rows, func() error {
		rows.Release()
		return f.Close()
	}, nil
}

// streamRows is how many rows a batch of a stream has.
const streamRows = 8192
