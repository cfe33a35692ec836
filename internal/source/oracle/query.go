package oracle

import (
	"context"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
)

// statement is a query as it is sent, and what the user wrote.
type statement struct {
	text string
	own  string
}

// modelAlias is the name of a person's statement inside one of ours.
const modelAlias = "_millrace_model"

// Query streams the rows of one statement. In parentheses it can be nothing but a query, and the server takes one
// statement at a time. An order inside of them is kept, as far as the server keeps it.
func (s *Source) Query(ctx context.Context, q connector.Query) (array.RecordReader, error) {
	st := statementOf(q)
	x, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	r, err := x.query(st.text)
	if err != nil {
		defer x.close()
		return nil, x.explain(err, st)
	}
	columns, err := columnsOf(r)
	if err != nil {
		x.close()
		return nil, err
	}
	x.streaming()
	return newReader(x, st, columns, r), nil
}

// statementOf puts the tag before the query, where V$SQL shows it.
func statementOf(q connector.Query) statement {
	own := query.Clean(q.SQL)
	text := query.Oracle.SQL(query.From(query.Statement(own).As(modelAlias)))
	if q.Limit > 0 {
		text = query.Oracle.Limit(own, q.Limit)
	}
	return statement{query.Comment(q.Tag) + text, own}
}

func columnsOf(r rows) ([]column, error) {
	names := r.Columns()
	if len(names) == 0 {
		return nil, fault.New(fault.CodeSourceQuery, "the statement returns no columns").WithSuggestion("Write the model as a SELECT.")
	}
	if err := connector.DistinctColumns(names); err != nil {
		return nil, err
	}
	columns := make([]column, len(names))
	for i, name := range names {
		columns[i] = columnOf(kindOf(r, i))
		columns[i].field.Name = name
		if err := columns[i].err; err != nil {
			return nil, fault.Wrap(err, err.Code, "reading the column %s", strconv.Quote(name)).WithSuggestion("%s", err.Suggestion)
		}
	}
	return columns, nil
}

// noScale is the driver's sign for a number of any scale; it keeps the scale in an unsigned byte.
const noScale = 255

func kindOf(r rows, i int) kind {
	name := r.ColumnTypeDatabaseTypeName(i)
	k := kind{name: name}
	if known := driverNames[name]; known != "" {
		k.name = known
	}
	if precision, scale, ok := r.ColumnTypePrecisionScale(i); ok && k.name == "NUMBER" && precision > 0 && scale != noScale {
		k.precision, k.scale, k.sized = precision, int64(int8(scale)), true
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
