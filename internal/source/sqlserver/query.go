package sqlserver

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"regexp"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	mssql "github.com/microsoft/go-mssqldb"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/stream"
	"github.com/millrace/millrace/internal/value"
)

// statement is a query as it is sent, and what the user wrote.
type statement struct {
	text string
	own  string
}

// modelAlias is the name of a person's statement inside one of ours.
const modelAlias = "_millrace_model"

// Query streams the rows of one statement.
func (s *Source) Query(ctx context.Context, q connector.Query) (array.RecordReader, error) {
	own, err := ownOf(q)
	if err != nil {
		return nil, err
	}
	x, err := s.connect(ctx, s.edition.begin)
	if err != nil {
		return nil, err
	}
	columns, err := x.describe(q, own)
	if err != nil {
		x.close()
		return nil, err
	}
	st := statement{query.Comment(q.Tag) + s.edition.text(own, q.Limit), own}
	rows, err := x.query(st.text)
	if err != nil {
		defer x.close()
		return nil, x.explain(err, st)
	}
	return newReader(x, st, columns, rows), nil
}

// ownOf returns what the user wrote, which is one query, if the server takes it for one inside of parentheses.
func ownOf(q connector.Query) (string, error) {
	own := query.Clean(q.SQL)
	trimmed := strings.TrimLeft(own, "; \t\r\n") // people begin WITH with a semicolon
	own = strings.ReplaceAll(own[:len(own)-len(trimmed)], ";", " ") + trimmed
	return own, stream.CheckSingle(own, true)
}

// plainOrder is an order at the end of a query that names columns alone. Nothing can be hidden in it, so that it need
// not be compiled in parentheses.
var plainOrder = regexp.MustCompile(`(?is)\bORDER\s+BY\s+` + orderItem + `(?:\s*,\s*` + orderItem + `)*\s*$`)

const (
	orderName = `(?:\w+|\[[^\]]*\]|"[^"]*")`
	orderItem = `(?:` + orderName + `(?:\s*\.\s*` + orderName + `)*)(?:\s+(?:ASC|DESC))?`
)

// text is what runs. A query as a whole keeps its order where the server can be asked whether it is one, or where it is
// plain.
func (e edition) text(own string, limit int64) string {
	switch {
	case limit > 0:
		return e.dialect.Limit(own, limit)
	case e.ordered || plainOrder.MatchString(own):
		return own
	default:
		return e.dialect.SQL(query.From(query.Statement(own).As(modelAlias)))
	}
}

// probe compiles the query in parentheses, where neither a second statement nor a change can stand, and yields its
// columns and no row. An order, which the dialect takes away, is compiled with it.
func (e edition) probe(own string) string {
	const offset = "\nOFFSET 0 ROWS"
	plain := e.dialect.Limit(own, 0)
	if ordered := e.dialect.Limit(own+offset, 0); e.ordered && strings.Replace(ordered, offset, "", 1) != plain {
		return ordered
	}
	return plain
}

// describe plans the columns. People see their comments, for which the server is asked once more.
func (x *session) describe(q connector.Query, own string) ([]column, error) {
	st := statement{query.Comment(q.Tag) + x.owner.edition.probe(own), own}
	columns, err := x.probe(st)
	if err != nil {
		return nil, x.explain(err, st)
	}
	if q.Class == connector.WorkloadInteractive && x.owner.edition.commented {
		x.addComments(own, columns)
	}
	return columns, nil
}

func (x *session) probe(st statement) ([]column, error) {
	rows, err := x.query(st.text)
	if err != nil {
		return nil, err
	}
	defer finish(rows, x.dialer)
	columns, err := columnsOf(rows)
	if err != nil {
		return nil, err
	}
	if err := rows.Next(make([]driver.Value, len(columns))); !errors.Is(err, io.EOF) {
		return nil, err
	}
	return columns, nil
}

func columnsOf(rows *mssql.Rows) ([]column, error) {
	names := rows.Columns()
	if len(names) == 0 {
		return nil, fault.New(fault.CodeSourceQuery, "the statement returns no columns").WithSuggestion("Write the model as a SELECT.")
	}
	if err := connector.DistinctColumns(names); err != nil {
		return nil, err
	}
	columns := make([]column, len(names))
	for i, name := range names {
		columns[i] = columnOf(kindOf(rows, i))
		columns[i].field.Name = name
	}
	return columns, nil
}

// kindOf is the type of a result's column. The driver does not know the lengths of every type, and panics where not.
func kindOf(rows *mssql.Rows, i int) kind {
	k := kind{name: strings.ToLower(rows.ColumnTypeDatabaseTypeName(i))}
	switch k.name {
	case "char", "varchar", "nchar", "nvarchar", "binary", "varbinary":
		k.length, _ = rows.ColumnTypeLength(i)
	case "decimal", "numeric", "time", "datetime2", "datetimeoffset":
		k.precision, k.scale, _ = rows.ColumnTypePrecisionScale(i)
	}
	return k
}

func schemaOf(columns []column) *arrow.Schema {
	fields := make([]arrow.Field, len(columns))
	for i, c := range columns {
		fields[i] = c.field
	}
	return arrow.NewSchema(fields, nil)
}

// commentsSQL asks for the comments of the columns that a query takes from tables as they are.
// https://learn.microsoft.com/en-us/sql/relational-databases/system-dynamic-management-views/sys-dm-exec-describe-first-result-set-transact-sql
const commentsSQL = `SELECT c.column_ordinal, CAST(p.value AS NVARCHAR(4000))
FROM sys.dm_exec_describe_first_result_set(%s, NULL, 1) AS c
JOIN sys.columns AS k ON k.object_id = OBJECT_ID(QUOTENAME(c.source_schema) + N'.' + QUOTENAME(c.source_table)) AND k.name = c.source_column
JOIN sys.extended_properties AS p ON p.class = 1 AND p.name = N'MS_Description' AND p.major_id = k.object_id AND p.minor_id = k.column_id
WHERE c.is_hidden = 0 AND c.source_database = DB_NAME()`

// addComments adds what the source says of columns, if it says anything: a comment is never worth an error.
func (x *session) addComments(own string, columns []column) {
	sql := strings.Replace(commentsSQL, "%s", x.owner.edition.dialect.Text(own), 1)
	_ = x.all(sql, func(row []driver.Value) error { //nolint:errcheck // see above
		ordinal, _ := row[0].(int64)
		comment, _ := row[1].(string)
		if ordinal < 1 || int(ordinal) > len(columns) || comment == "" {
			return nil
		}
		m := columns[ordinal-1].field.Metadata
		columns[ordinal-1].field.Metadata = arrow.NewMetadata(append(m.Keys(), value.MetaDescription), append(m.Values(), comment))
		return nil
	})
}
