// Package warehousetest is the inside of stand-in warehouses: vendors' SQL, executed on DuckDB.
//
// A warehouse that speaks HTTP is tested against a server of ours that puts the vendor's wire protocol on an Engine:
// sign-in, statements, pages of results, errors, cancelling. What the vendor's dialect says differently is rewritten
// before DuckDB sees it, or defined as a macro. A stand-in refuses what it does not know: it never answers at random.
package warehousetest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/duckdb/duckdb-go/v2"
)

// Options adapt an Engine to a vendor.
type Options struct {
	// Setup are DuckDB's statements that run first: schemas, tables and macros.
	Setup []string
	// Rewrite turns a statement of the vendor's dialect into DuckDB's. Nil leaves it as it is.
	Rewrite func(sql string) (string, error)
}

// Engine executes statements on a database of its own, in memory. It is safe for concurrent use.
type Engine struct {
	db      *sql.DB
	rewrite func(string) (string, error)

	mu  sync.Mutex
	log []string
}

// New returns an engine that ends with the test.
func New(t *testing.T, o Options) *Engine {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() }) //nolint:errcheck // in memory
	for _, statement := range append([]string{"SET TimeZone = 'UTC'"}, o.Setup...) {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("setting up %q: %v", statement, err)
		}
	}
	return &Engine{db: db, rewrite: o.Rewrite}
}

// Statements returns what the vendor was asked to run, in its own dialect, the oldest first.
func (e *Engine) Statements() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]string(nil), e.log...)
}

func (e *Engine) prepare(statement string) (string, error) {
	e.mu.Lock()
	e.log = append(e.log, statement)
	e.mu.Unlock()
	if e.rewrite == nil {
		return statement, nil
	}
	return e.rewrite(statement)
}

// Execute runs a statement and returns how many rows it wrote.
func (e *Engine) Execute(ctx context.Context, statement string) (int64, error) {
	text, err := e.prepare(statement)
	if err != nil {
		return 0, err
	}
	r, err := e.db.ExecContext(ctx, text)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// Transaction runs statements in their order, all of them or none, and returns how many rows the last one wrote.
func (e *Engine) Transaction(ctx context.Context, statements ...string) (written int64, err error) {
	tx, err := e.db.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback() //nolint:errcheck // nothing, once it is committed
	for _, statement := range statements {
		text, err := e.prepare(statement)
		if err != nil {
			return 0, err
		}
		r, err := tx.ExecContext(ctx, text)
		if err != nil {
			return 0, err
		}
		if written, err = r.RowsAffected(); err != nil {
			return 0, err
		}
	}
	return written, tx.Commit()
}

// Query runs a statement that yields rows. Their types are those that DuckDB gives its columns. The statement ends
// with the context; the caller releases the reader.
func (e *Engine) Query(ctx context.Context, statement string) (array.RecordReader, error) {
	text, err := e.prepare(statement)
	if err != nil {
		return nil, err
	}
	conn, err := e.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	var r array.RecordReader
	err = conn.Raw(func(c any) error {
		a, err := duckdb.NewArrowFromConn(c.(driver.Conn))
		if err != nil {
			return err
		}
		r, err = a.QueryContext(ctx, text)
		return err
	})
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	x := &result{RecordReader: r, conn: conn}
	x.refs.Store(1)
	return x, nil
}

// result gives its connection back with its rows, and no sooner: DuckDB does not survive rows without one.
type result struct {
	array.RecordReader

	conn *sql.Conn
	refs atomic.Int64
}

// Retain counts one more user.
func (r *result) Retain() { r.refs.Add(1) }

// Release counts one user less.
func (r *result) Release() {
	if r.refs.Add(-1) == 0 {
		r.RecordReader.Release()
		r.conn.Close() //nolint:errcheck // in memory
	}
}

// Columns returns the columns that a statement would yield, with DuckDB's own names of their types.
func (e *Engine) Columns(ctx context.Context, statement string) (names, types []string, err error) {
	text, err := e.prepare(statement)
	if err != nil {
		return nil, nil, err
	}
	rows, err := e.db.QueryContext(ctx, "SELECT column_name, column_type FROM (DESCRIBE ("+text+"))")
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close() //nolint:errcheck // read to its end
	for rows.Next() {
		var name, kind string
		if err := rows.Scan(&name, &kind); err != nil {
			return nil, nil, err
		}
		names, types = append(names, name), append(types, kind)
	}
	return names, types, rows.Err()
}

// views counts the names of views.
var views atomic.Int64

// Append writes the rows of r into a table that exists, as vendors' bulk loads do.
func (e *Engine) Append(ctx context.Context, table string, r array.RecordReader) error {
	conn, err := e.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // in memory
	return conn.Raw(func(c any) error {
		a, err := duckdb.NewArrowFromConn(c.(driver.Conn))
		if err != nil {
			return err
		}
		view := fmt.Sprint("incoming_", views.Add(1)) // everybody sees it, and nobody survives reading it once r is gone
		release, err := a.RegisterView(r, view)
		if err != nil {
			return err
		}
		defer release()
		err = execRows(ctx, a, "INSERT INTO "+table+" BY NAME SELECT * FROM "+view)
		return errors.Join(err, execRows(context.WithoutCancel(ctx), a, "DROP VIEW "+view))
	})
}

func execRows(ctx context.Context, a *duckdb.Arrow, statement string) error {
	r, err := a.QueryContext(ctx, statement)
	if err != nil {
		return err
	}
	defer r.Release()
	for r.Next() {
		_ = r.RecordBatch()
	}
	return r.Err()
}

// Rows reads a result whole.
func Rows(r array.RecordReader) ([]arrow.RecordBatch, error) {
	var all []arrow.RecordBatch
	for r.Next() {
		b := r.RecordBatch()
		b.Retain()
		all = append(all, b)
	}
	return all, r.Err()
}
