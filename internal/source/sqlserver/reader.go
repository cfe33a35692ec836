package sqlserver

import (
	"database/sql/driver"
	"errors"
	"io"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow/array"
	mssql "github.com/microsoft/go-mssqldb"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/source/stream"
)

// result is the rows of a running statement, and the session that ends with them.
type result struct {
	session *session
	st      statement
	columns []column
	rows    *mssql.Rows
	row     []driver.Value
	puts    []put // one for each column, once there are builders
}

var _ stream.Rows = (*result)(nil)

func newReader(x *session, st statement, columns []column, from *mssql.Rows) *stream.Reader {
	r := &result{session: x, st: st, columns: columns, rows: from, row: make([]driver.Value, len(columns))}
	return stream.NewReader(schemaOf(columns), r)
}

// Append adds the next row. An io.EOF of a connection that was cut is not the end of the rows.
func (r *result) Append(builders []array.Builder) (size int, err error) {
	switch err := r.rows.Next(r.row); {
	case errors.Is(err, io.EOF) && r.session.ctx.Err() == nil:
		return 0, stream.ErrEnd
	case err != nil:
		return 0, r.session.explain(err, r.st)
	}
	r.bind(builders)
	for i, v := range r.row {
		n, err := r.puts[i](v)
		if err != nil {
			return 0, fault.Wrap(err, fault.CodeSourceType, "reading the column %s", strconv.Quote(r.columns[i].field.Name))
		}
		size += n
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

// Close ends the statement with its connection.
func (r *result) Close(error) {
	finish(r.rows, r.session.dialer)
	r.session.close()
}
