package postgres

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
)

// Query streams the rows of one statement. Several statements in one text are refused by the server.
func (s *Source) Query(ctx context.Context, q connector.Query) (array.RecordReader, error) {
	x, err := s.connect(ctx, beginRead)
	if err != nil {
		return nil, err
	}
	st := statementOf(q)
	columns, err := x.describe(st)
	if err != nil {
		err = explain(x.ctx, err, st)
		x.close()
		return nil, err
	}
	return newReader(x, st, columns), nil
}

// statementOf puts the tag before the query, where the server's activity view shows it.
func statementOf(q connector.Query) statement {
	own := query.Clean(q.SQL)
	prefix, text := comment(q.Tag), own
	if q.Limit > 0 {
		text = query.Postgres.Limit(own, q.Limit)
	}
	before, _, _ := strings.Cut(text, own)
	return statement{text: prefix + text, own: own, shift: utf8.RuneCountInString(prefix + before)}
}

// comment returns a tag as a comment that the tag cannot end.
func comment(tag string) string {
	if tag == "" {
		return ""
	}
	tag = strings.NewReplacer("*", "", "\x00", "").Replace(tag)
	return "/* " + tag + " */ "
}

// describe prepares the statement, which is unnamed so that it leaves nothing behind, and plans its columns.
func (x *session) describe(st statement) ([]column, error) {
	d, err := x.conn.PgConn().Prepare(x.ctx, "", st.text, nil)
	if err != nil {
		return nil, err
	}
	if len(d.Fields) == 0 {
		return nil, fault.New(fault.CodeSourceQuery, "the statement returns no columns").WithSuggestion("Write the model as a SELECT.")
	}
	names := make([]string, len(d.Fields))
	for i, f := range d.Fields {
		names[i] = f.Name
	}
	if err := connector.DistinctColumns(names); err != nil {
		return nil, err
	}
	return x.plan(st, d.Fields)
}

// plan finds out how to read each column. Looking types up replaces the unnamed statement, which is
// therefore prepared again.
func (x *session) plan(st statement, fields []pgconn.FieldDescription) ([]column, error) {
	types, looked, err := x.typesOf(fields)
	if err != nil {
		return nil, err
	}
	if looked {
		if _, err := x.conn.PgConn().Prepare(x.ctx, "", st.text, nil); err != nil {
			return nil, err
		}
	}
	columns := make([]column, len(fields))
	for i, f := range fields {
		columns[i] = types.column(f.Name, f.DataTypeOID, f.TypeModifier)
	}
	return columns, nil
}

func schemaOf(columns []column) *arrow.Schema {
	fields := make([]arrow.Field, len(columns))
	for i, c := range columns {
		fields[i] = c.field
	}
	return arrow.NewSchema(fields, nil)
}
