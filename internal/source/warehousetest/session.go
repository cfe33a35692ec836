package warehousetest

import (
	"context"
	"database/sql"
	"database/sql/driver"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/duckdb/duckdb-go/v2"
)

// Session is a connection of its own: what a transaction changes in it, others see when it commits. Its statements are
// logged with the Engine's. It runs one statement at a time.
type Session struct {
	engine *Engine
	conn   *sql.Conn
}

// Session opens a session, which the caller closes.
func (e *Engine) Session(ctx context.Context) (*Session, error) {
	conn, err := e.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &Session{e, conn}, nil
}

// Close ends the session. What its transaction changed is undone.
func (s *Session) Close() error {
	_, _ = s.conn.ExecContext(context.Background(), "ROLLBACK") //nolint:errcheck // there may be no transaction
	return s.conn.Close()
}

// Execute runs a statement and returns how many rows it wrote.
func (s *Session) Execute(ctx context.Context, statement string) (int64, error) {
	text, err := s.engine.prepare(statement)
	if err != nil {
		return 0, err
	}
	r, err := s.conn.ExecContext(ctx, text)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// Query runs a statement that yields rows. The caller releases the reader before the session's next statement.
func (s *Session) Query(ctx context.Context, statement string) (r array.RecordReader, err error) {
	text, err := s.engine.prepare(statement)
	if err != nil {
		return nil, err
	}
	err = s.conn.Raw(func(c any) error {
		a, err := duckdb.NewArrowFromConn(c.(driver.Conn))
		if err != nil {
			return err
		}
		r, err = a.QueryContext(ctx, text)
		return err
	})
	return r, err
}

// Columns returns the columns that a statement would yield, with DuckDB's own names of their types.
func (s *Session) Columns(ctx context.Context, statement string) (names, types []string, err error) {
	text, err := s.engine.prepare(statement)
	if err != nil {
		return nil, nil, err
	}
	rows, err := s.conn.QueryContext(ctx, "DESCRIBE "+text)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close() //nolint:errcheck // read to its end
	for rows.Next() {
		var name, kind string
		var null, key, standard, extra any
		if err := rows.Scan(&name, &kind, &null, &key, &standard, &extra); err != nil {
			return nil, nil, err
		}
		names, types = append(names, name), append(types, kind)
	}
	return names, types, rows.Err()
}
