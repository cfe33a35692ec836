package postgres

import (
	"strconv"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/source/stream"
)

// result is the rows of a running statement, and the session that ends with them.
type result struct {
	session *session
	st      statement
	columns []column
	rows    *pgconn.ResultReader
	ended   bool
	puts    []put // one for each column, once there are builders
}

var _ stream.Rows = (*result)(nil)

func newReader(x *session, st statement, columns []column) *stream.Reader {
	formats := make([]int16, len(columns))
	for i, c := range columns {
		formats[i] = c.format
	}
	rows := x.conn.PgConn().ExecPrepared(x.ctx, "", nil, nil, formats)
	return stream.NewReader(schemaOf(columns), &result{session: x, st: st, columns: columns, rows: rows})
}

// Append adds the next row.
func (r *result) Append(builders []array.Builder) (size int, err error) {
	if !r.rows.NextRow() {
		return 0, r.end()
	}
	r.bind(builders)
	for i, value := range r.rows.Values() {
		if err := r.puts[i](value); err != nil {
			return 0, fault.Wrap(err, fault.CodeSourceType, "reading the column %s", strconv.Quote(r.columns[i].field.Name))
		}
		size += len(value)
	}
	return size, nil
}

// bind makes what adds a column's values to its builder: the builders stay the same.
func (r *result) bind(builders []array.Builder) {
	if r.puts != nil {
		return
	}
	for i, c := range r.columns {
		r.puts = append(r.puts, c.into(builders[i]))
	}
}

// end says how the rows ended, and ends their transaction.
func (r *result) end() error {
	r.ended = true
	if _, err := r.rows.Close(); err != nil {
		return explain(r.session.ctx, err, r.st)
	}
	if r.session.owner.variant.transactions {
		if _, err := r.session.conn.PgConn().Exec(r.session.ctx, "COMMIT").ReadAll(); err != nil {
			return explain(r.session.ctx, err, statement{})
		}
	}
	return stream.ErrEnd
}

// Close ends the statement, where it still runs, and its connection.
func (r *result) Close(error) {
	if !r.ended {
		r.session.cancel(errReleased)
		r.rows.Close() //nolint:errcheck // nobody wants the rows any more
	}
	r.session.close()
}
