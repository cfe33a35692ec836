package mysql

import (
	"database/sql/driver"
	"errors"
	"io"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/source/stream"
)

// result is the rows of a running statement, and the session that ends with them.
type result struct {
	session *session
	st      statement
	columns []column
	rows    driver.Rows
	row     []driver.Value
	puts    []put // one for each column, once there are builders
}

var _ stream.Rows = (*result)(nil)

func newReader(x *session, st statement, rows driver.Rows, columns []column) *stream.Reader {
	r := &result{session: x, st: st, columns: columns, rows: rows, row: make([]driver.Value, len(columns))}
	return stream.NewReader(schemaOf(columns), r)
}

// Append adds the next row. Once the server has said how the rows ended, there is nothing left to stop.
func (r *result) Append(builders []array.Builder) (size int, err error) {
	switch err := r.rows.Next(r.row); {
	case errors.Is(err, io.EOF):
		r.session.running.Store(false)
		return 0, stream.ErrEnd
	case err != nil:
		if fromServer(err) {
			r.session.running.Store(false)
		}
		return 0, r.session.owner.explain(r.session.ctx, err, r.st)
	}
	r.bind(builders)
	for i, v := range r.row {
		if err := r.puts[i](v); err != nil {
			return 0, fault.Wrap(err, fault.CodeSourceType, "reading the column %s", strconv.Quote(r.columns[i].field.Name))
		}
		size += sizeOf(v)
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

// sizeOf returns the bytes of a text, and about those of the rest.
func sizeOf(v driver.Value) int {
	if text, ok := v.([]byte); ok {
		return len(text)
	}
	return 8
}

// Close ends the statement with its connection.
func (r *result) Close(error) { r.session.close() }
