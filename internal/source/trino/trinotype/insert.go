package trinotype

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// The size of an insertion: whichever is reached first. A statement has at most a million characters
// (query.max-length, https://trino.io/docs/current/admin/properties-query-management.html), one of Amazon Athena 262,144
// bytes (https://docs.aws.amazon.com/athena/latest/ug/service-limits.html); many rows of constants make a plan that is slow.
const (
	insertRows  = 1000
	insertBytes = 200_000
)

// NewColumns are the columns of a table that holds an Arrow schema.
func NewColumns(s *arrow.Schema) ([]query.NewColumn, error) {
	schema, err := value.SchemaOf(s)
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeSourceType, "")
	}
	columns := make([]query.NewColumn, len(schema))
	for i, c := range schema {
		columns[i] = query.NewColumn{Name: c.Name, Type: heldAs(s.Field(i).Type, c.Type)}
	}
	return columns, nil
}

// heldAs is the type of a column that holds an Arrow column. A number that may have any digits is held as text.
func heldAs(t arrow.DataType, kind value.Type) query.Type {
	switch kind {
	case value.TypeBoolean:
		return query.TypeBoolean
	case value.TypeTimestamp:
		return query.TypeTimestamp
	case value.TypeDate:
		return query.TypeDate
	case value.TypeObject:
		return query.TypeJSON
	case value.TypeNumber:
		return numberHeldAs(t)
	}
	switch t.ID() {
	case arrow.BINARY, arrow.LARGE_BINARY, arrow.FIXED_SIZE_BINARY:
		return query.TypeBytes
	default:
		return query.TypeText
	}
}

func numberHeldAs(t arrow.DataType) query.Type {
	if d, ok := t.(arrow.DecimalType); ok && d.GetScale() >= 0 && d.GetPrecision() <= maxPrecision {
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

// Inserts calls run with commands that insert the rows of r into a table of the columns.
func Inserts(d query.Dialect, table query.TableRef, columns []query.NewColumn, r array.RecordReader, run func(command string) error) error {
	in := &inserter{d: d, table: table, columns: columns, run: run}
	for _, c := range columns {
		in.names = append(in.names, c.Name)
	}
	for r.Next() {
		if err := in.batch(r.RecordBatch()); err != nil {
			return err
		}
	}
	if err := r.Err(); err != nil {
		return err
	}
	return in.flush()
}

type inserter struct {
	d       query.Dialect
	table   query.TableRef
	columns []query.NewColumn
	names   []string
	rows    [][]query.Expr
	size    int
	run     func(command string) error
}

func (in *inserter) batch(b arrow.RecordBatch) error {
	read := make([]value.Reader, b.NumCols())
	for i, f := range b.Schema().Fields() {
		var err error
		if read[i], err = value.NewReader(f, b.Column(i)); err != nil {
			return err
		}
	}
	for n := range int(b.NumRows()) {
		row := make([]query.Expr, len(read))
		size := 0
		for i := range read {
			v := read[i](n).Clone()
			row[i] = in.constant(v, in.columns[i].Type)
			size += 2*len(v.String()) + constantWords
		}
		if len(in.rows) > 0 && in.size+size > insertBytes {
			if err := in.flush(); err != nil {
				return err
			}
		}
		in.rows, in.size = append(in.rows, row), in.size+size
		if len(in.rows) == insertRows {
			if err := in.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// constantWords is about what stands around a constant.
const constantWords = 40

// constant is a value as the column holds it; rows of constants must agree in their types, so that each is cast.
func (in *inserter) constant(v value.Value, t query.Type) query.Expr {
	switch {
	case v.IsNull():
		return query.Null(t)
	case t == query.TypeText:
		return query.Cast(query.Text(v.String()), t)
	case t == query.TypeJSON:
		return query.Value(value.OfJSON(string(v.AppendJSON(nil))))
	case t == query.TypeBytes || t == query.TypeTimestamp || t == query.TypeDate || t == query.TypeBoolean:
		return query.Value(v)
	case t == query.TypeFloat:
		return query.Value(value.OfFloat(v.Float()))
	default:
		return query.Cast(query.Text(v.String()), t)
	}
}

func (in *inserter) flush() error {
	if len(in.rows) == 0 {
		return nil
	}
	command := in.d.Command(query.Insert{Table: in.table, Columns: in.names, Rows: in.rows})
	in.rows, in.size = in.rows[:0], 0
	return in.run(command)
}
