package teradata

import (
	"context"
	"errors"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/stream"
	"github.com/millrace/millrace/internal/source/teradata/odbc"
)

// Query streams the rows of one statement. A request locks what it reads until its rows are there, so that they are of
// one state.
func (s *Source) Query(ctx context.Context, q connector.Query) (array.RecordReader, error) {
	t, err := textOf(q)
	if err != nil {
		return nil, err
	}
	x, err := s.begin(ctx, q)
	if err != nil {
		return nil, err
	}
	rows, err := x.conn.Query(x.st.Context(), t.Sent)
	if err != nil {
		defer x.close()
		return nil, x.explain(err, t)
	}
	columns, err := columnsOf(rows.Columns())
	if err != nil {
		_ = rows.Close() //nolint:errcheck // the error is another one
		x.close()
		return nil, err
	}
	return stream.NewReader(schemaOf(columns), &result{session: x, text: t, columns: columns, rows: rows}), nil
}

// textOf is the statement as it is sent: as its author wrote it, since an order of rows counts in a whole query alone, or
// inside of one that limits it.
func textOf(q connector.Query) (stream.Text, error) {
	own := query.Clean(q.SQL)
	if err := reads(own); err != nil {
		return stream.Text{}, err
	}
	if q.Limit > 0 {
		return stream.Text{Sent: query.Teradata.Limit(own, q.Limit), Own: own}, nil
	}
	return stream.Text{Sent: own, Own: own}, nil
}

// reads refuses what is no single query. A request may have several statements, and SELECT AND CONSUME takes the row
// that it reads out of its table; behind WITH stands a query alone.
func reads(sql string) error {
	switch stream.FirstWord(sql) {
	case "SELECT", "SEL":
		if stream.SecondWord(sql) == "AND" {
			return notQuery("SELECT AND CONSUME takes rows out of their table")
		}
	case "WITH", "(":
	case "LOCKING", "LOCK":
		return fault.New(fault.CodeSourceQuery, "the model begins with a locking modifier, which does not stand in other queries").
			WithSuggestion("Put it into a view (REPLACE VIEW … AS LOCKING ROW FOR ACCESS SELECT …) and read the view.")
	default:
		return notQuery("it does not begin with SELECT or WITH")
	}
	return stream.CheckSingle(sql, false)
}

func notQuery(why string) error {
	return fault.New(fault.CodeSourceQuery, "the model is no query: %s", why).WithSuggestion("Write the model as one SELECT.")
}

func columnsOf(found []odbc.Column) ([]column, error) {
	names := make([]string, len(found))
	columns := make([]column, len(found))
	for i, c := range found {
		names[i] = c.Name
		columns[i] = columnOf(kindOf(c))
		columns[i].field.Name = c.Name
	}
	if len(names) == 0 {
		return nil, notQuery("it returns no columns")
	}
	return columns, connector.DistinctColumns(names)
}

func schemaOf(columns []column) *arrow.Schema {
	fields := make([]arrow.Field, len(columns))
	for i, c := range columns {
		fields[i] = c.field
	}
	return arrow.NewSchema(fields, nil)
}

// result is the rows of a running statement, and the session that ends with them.
type result struct {
	session *session
	text    stream.Text
	columns []column
	rows    odbc.Rows
	puts    []put // one for each column, once there are builders
}

var _ stream.Rows = (*result)(nil)

// Append adds the next row.
func (r *result) Append(builders []array.Builder) (size int, err error) {
	switch err := r.rows.Next(); {
	case errors.Is(err, io.EOF):
		return 0, stream.ErrEnd
	case err != nil:
		return 0, r.session.explain(err, r.text)
	}
	if r.puts == nil {
		for i, c := range r.columns {
			r.puts = append(r.puts, c.into(builders[i]))
		}
	}
	for i, put := range r.puts {
		n, err := put(r.rows, i)
		if err != nil {
			return 0, r.unreadable(i, err)
		}
		size += n
	}
	return size, nil
}

// unreadable is a value that cannot be read, or a connection that broke under it.
func (r *result) unreadable(i int, err error) error {
	if _, said := errors.AsType[*odbc.Error](err); said || r.session.st.Context().Err() != nil {
		return r.session.explain(err, r.text)
	}
	f := fault.Wrap(err, fault.CodeSourceType, "reading the column %q", r.columns[i].field.Name)
	if known, ok := errors.AsType[*fault.Error](err); ok {
		f = f.WithSuggestion("%s", known.Suggestion)
	}
	return f
}

// Close ends the statement with its session.
func (r *result) Close(error) {
	_ = r.rows.Close() //nolint:errcheck // the session ends with it
	r.session.close()
}
