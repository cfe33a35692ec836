package sqlserver

import (
	"context"
	"database/sql/driver"
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	mssql "github.com/microsoft/go-mssqldb"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// Load creates or replaces a table.
func (w *Warehouse) Load(ctx context.Context, table query.TableRef, r array.RecordReader) error {
	d := w.Dialect()
	columns, err := newColumns(r.Schema())
	if err != nil {
		return err
	}
	define := []string{d.Command(query.DropTable{Table: table}), d.Command(query.CreateTable{Table: table, Columns: columns})}
	if table.Schema != "" {
		define = append([]string{d.Command(query.CreateSchema{Name: table.Schema})}, define...)
	}
	return w.write(ctx, table, columns, r, define)
}

// Append adds rows in one transaction.
func (w *Warehouse) Append(ctx context.Context, table query.TableRef, r array.RecordReader) error {
	columns, err := newColumns(r.Schema())
	if err != nil {
		return err
	}
	return w.write(ctx, table, columns, r, nil)
}

// write adds rows in one transaction, to a table that define makes: in the transaction too where the product allows it.
func (w *Warehouse) write(ctx context.Context, table query.TableRef, columns []query.NewColumn, r array.RecordReader, define []string) error {
	x, err := w.connect(ctx, "")
	if err != nil {
		return err
	}
	defer x.close()
	steps := slices.Concat(define, []string{beginWrite})
	if w.edition.wholeDDL {
		steps = slices.Concat([]string{beginWrite}, define)
	}
	for _, sql := range steps {
		if _, err := x.exec(sql); err != nil {
			return x.explain(err, statement{})
		}
	}
	add := x.insert
	if w.edition.bulk {
		add = x.bulk
	}
	if err := add(table, columns, r); err != nil {
		return x.explain(err, statement{})
	}
	_, err = x.exec(endWrite)
	return x.explain(err, statement{})
}

// newColumns are the columns of a table that holds the rows.
func newColumns(schema *arrow.Schema) ([]query.NewColumn, error) {
	columns := make([]query.NewColumn, schema.NumFields())
	for i, f := range schema.Fields() {
		t, err := typeOf(f)
		if err != nil {
			return nil, err
		}
		columns[i] = query.NewColumn{Name: f.Name, Type: t}
	}
	return columns, nil
}

// typeOf returns the type of a column that holds an Arrow column.
func typeOf(f arrow.Field) (query.Type, error) {
	schema, err := value.SchemaOf(arrow.NewSchema([]arrow.Field{f}, nil))
	if err != nil {
		return query.Type{}, fault.Wrap(err, fault.CodeSourceType, "")
	}
	switch schema[0].Type {
	case value.TypeBoolean:
		return query.TypeBoolean, nil
	case value.TypeNumber:
		return numberType(f.Type), nil
	case value.TypeTimestamp:
		return query.TypeTimestamp, nil
	case value.TypeDate:
		return query.TypeDate, nil
	case value.TypeObject:
		return query.TypeJSON, nil
	default:
		switch f.Type.ID() {
		case arrow.BINARY, arrow.LARGE_BINARY, arrow.FIXED_SIZE_BINARY:
			return query.TypeBytes, nil
		default:
			return query.TypeText, nil
		}
	}
}

// numberType keeps numbers of any number of digits, which the server does not have, as text.
func numberType(t arrow.DataType) query.Type {
	if d, ok := t.(arrow.DecimalType); ok && d.GetScale() >= 0 && d.GetPrecision() <= 38 {
		return query.TypeDecimal(int(d.GetPrecision()), int(d.GetScale()))
	}
	switch t.ID() {
	case arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64, arrow.UINT8, arrow.UINT16, arrow.UINT32:
		return query.TypeInteger
	case arrow.UINT64:
		return query.TypeDecimal(20, 0)
	case arrow.FLOAT16, arrow.FLOAT32, arrow.FLOAT64:
		return query.TypeFloat
	default:
		return query.TypeText
	}
}

// checkYear refuses dates that the server does not have; the driver would write the first or last that it has.
func checkYear(v value.Value, name string) error {
	if v.Kind() != value.Time && v.Kind() != value.Day {
		return nil
	}
	if year := v.Time().Year(); year < 1 || year > 9999 {
		return fault.New(fault.CodeSourceType, "writing the column %q: the warehouse has no date in the year %d", name, year)
	}
	return nil
}

// eachRow hands out the rows of a reader.
func eachRow(r array.RecordReader, row func([]value.Value) error) error {
	for r.Next() {
		b := r.RecordBatch()
		reads := make([]value.Reader, b.NumCols())
		for i, f := range b.Schema().Fields() {
			var err error
			if reads[i], err = value.NewReader(f, b.Column(i)); err != nil {
				return err
			}
		}
		values := make([]value.Value, len(reads))
		for n := range int(b.NumRows()) {
			for i, read := range reads {
				values[i] = read(n)
				if err := checkYear(values[i], b.ColumnName(i)); err != nil {
					return err
				}
			}
			if err := row(values); err != nil {
				return err
			}
		}
	}
	return r.Err()
}

// bulk writes rows with the protocol's bulk load. The driver holds one row at a time.
func (x *session) bulk(table query.TableRef, columns []query.NewColumn, r array.RecordReader) error {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	stmt, err := x.prepare(mssql.CopyIn(x.owner.edition.dialect.Table(table), mssql.BulkOptions{KeepNulls: true}, names...))
	if err != nil {
		return err
	}
	args := make([]driver.Value, len(columns))
	written := false
	err = eachRow(r, func(row []value.Value) error {
		if err := x.ctx.Err(); err != nil {
			return err
		}
		for i, v := range row {
			args[i] = bulkValue(v, columns[i].Type)
		}
		written = true
		_, err := stmt.Exec(args) //nolint:staticcheck // the driver's bulk load has no other form
		return err
	})
	if err != nil || !written {
		return err
	}
	_, err = stmt.Exec(nil) //nolint:staticcheck // as above
	return err
}

// bulkValue returns what the driver writes into a column of the type.
func bulkValue(v value.Value, t query.Type) driver.Value {
	switch v.Kind() {
	case value.Null:
		return nil
	case value.Bool:
		return v.Bool()
	case value.Float:
		return v.Float()
	case value.Bytes:
		return []byte(v.Raw())
	case value.Time, value.Day:
		return v.Time()
	case value.Int:
		if t == query.TypeInteger {
			return v.Int()
		}
		return v.String()
	case value.List, value.Map:
		return string(v.AppendJSON(nil))
	default:
		return v.String()
	}
}

// The size of an INSERT, whichever is reached first. Statements of hundreds of thousands of bytes compile slowly.
const (
	insertRows  = 100
	insertBytes = 256 << 10
)

// insert writes rows as constants of statements.
func (x *session) insert(table query.TableRef, columns []query.NewColumn, r array.RecordReader) error {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	var rows [][]query.Expr
	size := 0
	flush := func() error {
		if len(rows) == 0 {
			return nil
		}
		_, err := x.exec(x.owner.edition.dialect.Command(query.Insert{Table: table, Columns: names, Rows: rows}))
		rows, size = nil, 0
		return err
	}
	err := eachRow(r, func(row []value.Value) error {
		exprs := make([]query.Expr, len(row))
		for i, v := range row {
			e, n, err := constant(v, columns[i].Type)
			if err != nil {
				return fault.Wrap(err, fault.CodeSourceType, "writing the column %q", columns[i].Name)
			}
			exprs[i], size = e, size+n
		}
		if rows = append(rows, exprs); len(rows) < insertRows && size < insertBytes {
			return nil
		}
		return flush()
	})
	if err != nil {
		return err
	}
	return flush()
}

// constant is a value as an expression of the column's type, and about how long it is.
func constant(v value.Value, t query.Type) (query.Expr, int, error) {
	const small = 32
	switch v.Kind() {
	case value.Null:
		return query.Null(t), small, nil
	case value.List, value.Map:
		text := string(v.AppendJSON(nil))
		return query.Text(text), len(text), nil
	case value.Text, value.JSON:
		return query.Text(v.Raw()), len(v.Raw()), nil
	case value.Bytes:
		return query.Value(v), 2 * len(v.Raw()), nil
	case value.Int, value.Decimal:
		if t == query.TypeText {
			return query.Text(v.String()), small, nil
		}
		return query.Cast(query.Text(v.String()), t), small, nil
	case value.Float, value.Bool, value.Time, value.Day:
		return query.Value(v), small, nil
	default:
		return query.Expr{}, 0, fmt.Errorf("a value of the kind %s cannot be written", v.Kind())
	}
}
