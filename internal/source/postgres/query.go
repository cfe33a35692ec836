package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// Query streams the rows of one statement. Several statements in one text are refused by the server.
func (s *Source) Query(ctx context.Context, q connector.Query) (array.RecordReader, error) {
	x, err := s.read(ctx, q.Class)
	if err != nil {
		return nil, err
	}
	st := s.statementOf(q)
	columns, err := x.describe(st, q.Class == connector.WorkloadInteractive)
	if err != nil {
		err = explain(x.ctx, err, st)
		x.close()
		return nil, err
	}
	if q.Results != nil && s.variant.unload != nil {
		return s.fromBucket(ctx, x, st, columns, q)
	}
	return newReader(x, st, columns), nil
}

// statementOf puts the tag before the query, where the server's activity view shows it.
func (s *Source) statementOf(q connector.Query) statement {
	own := query.Clean(q.SQL)
	prefix, text := query.Comment(q.Tag), own
	if q.Limit > 0 {
		text = s.Dialect().Limit(own, q.Limit)
	}
	before, _, _ := strings.Cut(text, own)
	return statement{text: prefix + text, own: own, shift: utf8.RuneCountInString(prefix + before)}
}

// describe prepares the statement, which is unnamed so that it leaves nothing behind, and plans its columns. People
// see their comments, for which the server is asked once more; runs have no use for them.
func (x *session) describe(st statement, comments bool) ([]column, error) {
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
	return x.plan(st, d.Fields, comments)
}

// plan finds out how to read each column. Looking something up replaces the unnamed statement, which is
// therefore prepared again.
func (x *session) plan(st statement, fields []pgconn.FieldDescription, comments bool) ([]column, error) {
	types, looked, err := x.typesOf(fields)
	if err != nil {
		return nil, err
	}
	said := map[origin]string{}
	comments = comments && x.owner.variant.comments
	if comments {
		if said, err = x.comments(fields); err != nil {
			return nil, err
		}
	}
	if looked || comments {
		if _, err := x.conn.PgConn().Prepare(x.ctx, "", st.text, nil); err != nil {
			return nil, err
		}
	}
	columns := make([]column, len(fields))
	for i, f := range fields {
		columns[i] = types.column(f.Name, f.DataTypeOID, f.TypeModifier)
		if text := said[originOf(f)]; text != "" {
			columns[i].field.Metadata = described(columns[i].field.Metadata, text)
		}
	}
	return columns, nil
}

// origin is the column of a table or view that a result's column is. The server says so of columns that a query takes
// as they are, through subqueries too: https://www.postgresql.org/docs/current/protocol-message-formats.html
type origin struct {
	table  uint32
	number uint16
}

func originOf(f pgconn.FieldDescription) origin { return origin{f.TableOID, f.TableAttributeNumber} }

// commentsSQL asks for the comments of columns; 1259 is the table of tables itself, pg_class.
const commentsSQL = "SELECT objoid, objsubid, description FROM pg_description WHERE classoid = 1259 AND (objoid, objsubid) IN (%s)"

// comments reads what the source says of the columns that are taken from tables and views as they are.
func (x *session) comments(fields []pgconn.FieldDescription) (map[origin]string, error) {
	var wanted []string
	for _, f := range fields {
		if f.TableOID != 0 {
			wanted = append(wanted, fmt.Sprintf("(%d, %d)", f.TableOID, f.TableAttributeNumber))
		}
	}
	said := map[origin]string{}
	if len(wanted) == 0 {
		return said, nil
	}
	rows, err := x.ask(fmt.Sprintf(commentsSQL, strings.Join(wanted, ", ")))
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		table, err := strconv.ParseUint(string(row[0]), 10, 32)
		number, err2 := strconv.ParseUint(string(row[1]), 10, 16)
		if err := errors.Join(err, err2); err != nil {
			return nil, err
		}
		said[origin{uint32(table), uint16(number)}] = string(row[2])
	}
	return said, nil
}

// described returns a column's metadata with the source's comment.
func described(m arrow.Metadata, text string) arrow.Metadata {
	return arrow.NewMetadata(append(slices.Clone(m.Keys()), value.MetaDescription), append(slices.Clone(m.Values()), text))
}

func schemaOf(columns []column) *arrow.Schema {
	fields := make([]arrow.Field, len(columns))
	for i, c := range columns {
		fields[i] = c.field
	}
	return arrow.NewSchema(fields, nil)
}
