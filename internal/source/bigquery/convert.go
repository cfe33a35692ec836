package bigquery

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
	rest "google.golang.org/api/bigquery/v2"
)

// convert makes a batch of ours of one of the Storage Read API's. Columns whose Arrow type is ours are passed on.
// https://cloud.google.com/bigquery/docs/reference/storage#arrow_schema_details
func convert(in arrow.RecordBatch, fields []*rest.TableFieldSchema, schema *arrow.Schema) (arrow.RecordBatch, error) {
	if int(in.NumCols()) != len(fields) {
		return nil, fault.Wrap(errCell, fault.CodeSourceType, "the rows have %d columns instead of %d", in.NumCols(), len(fields))
	}
	columns := make([]arrow.Array, 0, len(fields))
	defer func() {
		for _, c := range columns {
			c.Release()
		}
	}()
	for i, f := range fields {
		column, err := convertColumn(in.Column(i), f, schema.Field(i))
		if err != nil {
			return nil, unread(err, f)
		}
		columns = append(columns, column)
	}
	return array.NewRecordBatch(schema, columns, in.NumRows()), nil
}

func convertColumn(in arrow.Array, f *rest.TableFieldSchema, to arrow.Field) (arrow.Array, error) {
	if !nested(f) && arrow.TypeEqual(in.DataType(), to.Type) {
		in.Retain()
		return in, nil
	}
	read, err := arrowReader(f, in)
	if err != nil {
		return nil, err
	}
	b := array.NewBuilder(memory.DefaultAllocator, to.Type)
	defer b.Release()
	b.Reserve(in.Len())
	write := writer(f, b)
	for row := range in.Len() {
		v, err := read(row)
		if err != nil {
			return nil, err
		}
		write(v)
	}
	return b.NewArray(), nil
}

// at reads the value at a row.
type at func(row int) (value.Value, error)

// arrowReader reads what a page of JSON would say (cellValue) from Arrow.
func arrowReader(f *rest.TableFieldSchema, in arrow.Array) (at, error) {
	read, err := arrowRaw(f, in)
	if err != nil {
		return nil, err
	}
	return func(row int) (value.Value, error) {
		if in.IsNull(row) {
			return value.Value{}, nil
		}
		return read(row)
	}, nil
}

func arrowRaw(f *rest.TableFieldSchema, in arrow.Array) (at, error) {
	if f.Mode == modeRepeated {
		return arrowList(f, in)
	}
	switch baseOf(f) {
	case typeStruct:
		return arrowStruct(f, in)
	case typeRange:
		return arrowRange(f, in)
	default:
		return arrowScalar(f, in)
	}
}

func arrowList(f *rest.TableFieldSchema, in arrow.Array) (at, error) {
	lists, ok := in.(array.ListLike)
	if !ok {
		return nil, unexpected(in)
	}
	read, err := arrowReader(item(f), lists.ListValues())
	if err != nil {
		return nil, err
	}
	return func(row int) (value.Value, error) {
		start, end := lists.ValueOffsets(row)
		list := make([]value.Value, 0, end-start)
		for i := start; i < end; i++ {
			v, err := read(int(i))
			if err != nil {
				return value.Value{}, err
			}
			list = append(list, v)
		}
		return value.OfList(list), nil
	}, nil
}

func arrowStruct(f *rest.TableFieldSchema, in arrow.Array) (at, error) {
	members, ok := in.(*array.Struct)
	if !ok || members.NumField() != len(f.Fields) {
		return nil, unexpected(in)
	}
	reads := make([]at, len(f.Fields))
	for i, inner := range f.Fields {
		read, err := arrowReader(inner, members.Field(i))
		if err != nil {
			return nil, err
		}
		reads[i] = read
	}
	return func(row int) (value.Value, error) {
		fields := make([]value.Field, len(reads))
		for i, read := range reads {
			v, err := read(row)
			if err != nil {
				return value.Value{}, err
			}
			fields[i] = value.Field{Name: f.Fields[i].Name, Value: v}
		}
		return value.OfMap(fields), nil
	}, nil
}

// arrowRange reads a range, which is a struct of its start and its end.
func arrowRange(f *rest.TableFieldSchema, in arrow.Array) (at, error) {
	members, ok := in.(*array.Struct)
	if !ok || members.NumField() != 2 {
		return nil, unexpected(in)
	}
	element := &rest.TableFieldSchema{Name: f.Name, Type: rangeElement(f)}
	start, err := arrowReader(element, members.Field(0))
	if err != nil {
		return nil, err
	}
	end, err := arrowReader(element, members.Field(1))
	if err != nil {
		return nil, err
	}
	return func(row int) (value.Value, error) {
		from, err := start(row)
		if err != nil {
			return value.Value{}, err
		}
		to, err := end(row)
		return rangeOf(from, to), err
	}, nil
}

func arrowScalar(f *rest.TableFieldSchema, in arrow.Array) (at, error) {
	base := baseOf(f)
	switch a := in.(type) {
	case *array.MonthDayNanoInterval:
		return func(row int) (value.Value, error) { return intervalValue(a.Value(row)), nil }, nil
	case *array.Time64:
		return func(row int) (value.Value, error) { return clockValue(int64(a.Value(row))), nil }, nil
	case *array.String:
		return func(row int) (value.Value, error) { return textValue(base, "", a.Value(row)) }, nil
	}
	read, err := value.NewReader(arrow.Field{Name: f.Name, Type: in.DataType()}, in)
	if err != nil {
		return nil, unexpected(in)
	}
	if base == typeNumeric || base == typeBigNumeric {
		return func(row int) (value.Value, error) { return value.OfNumber(shortest(read(row).String())), nil }, nil
	}
	if form, ok := forms[base]; !ok || form.arrow.ID() != in.DataType().ID() {
		return nil, unexpected(in)
	}
	return func(row int) (value.Value, error) { return read(row), nil }, nil
}

func unexpected(in arrow.Array) error {
	return fmt.Errorf("%w: %s", errCell, in.DataType())
}
