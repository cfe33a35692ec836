package audiencesize

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// arrowTypes are the types of an attempt's table. Objects are JSON as text there.
var arrowTypes = map[query.Type]arrow.DataType{
	query.TypeText: arrow.BinaryTypes.String, query.TypeJSON: arrow.BinaryTypes.String, query.TypeInteger: arrow.PrimitiveTypes.Int64,
	query.TypeFloat: arrow.PrimitiveTypes.Float64, query.TypeBoolean: arrow.FixedWidthTypes.Boolean,
	query.TypeTimestamp: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"},
}

// rows are the audiences as the attempt's table has them. The caller releases them.
func (x *writing) rows(columns []connector.OwnColumn, f *found) (array.RecordReader, error) {
	fields := make([]arrow.Field, len(columns))
	for i, c := range columns {
		fields[i] = arrow.Field{Name: c.Name, Type: arrowTypes[c.Kind], Nullable: true}
	}
	schema := arrow.NewSchema(fields, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	longest := x.warehouse.Dialect().Longest()
	for _, a := range f.audiences {
		for i, v := range x.values(a, f) {
			if err := put(b.Field(i), v, longest); err != nil {
				return nil, fmt.Errorf("the column %s of the audience %s: %w", columns[i].Name, a.ID, err)
			}
		}
	}
	batch := b.NewRecordBatch()
	defer batch.Release()
	return array.NewRecordReader(schema, []arrow.RecordBatch{batch})
}

// values are an audience in the order of the columns.
func (x *writing) values(a connector.Audience, f *found) []value.Value {
	var size, syncID value.Value
	if a.Size != nil {
		size = value.OfInt(*a.Size)
	}
	if id, owned := f.owners[a.AudienceRef]; owned {
		syncID = value.OfInt(id)
	}
	return append([]value.Value{
		value.OfText(a.Account), value.OfText(a.ID), value.OfText(a.Name), size, value.OfTime(f.at.Truncate(time.Millisecond)),
		value.OfText(x.info.Slug), value.OfInt(x.dest.ID), syncID, value.OfText(x.row.Snapshot),
	}, a.Values...)
}

// put appends a value to a column.
func put(b array.Builder, v value.Value, longest int) error {
	if v.IsNull() {
		b.AppendNull()
		return nil
	}
	switch b := b.(type) {
	case *array.StringBuilder:
		b.Append(fitting(v, longest))
	case *array.Int64Builder:
		b.Append(v.Int())
	case *array.BooleanBuilder:
		b.Append(v.Bool())
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(v.Micros()))
	case *array.Float64Builder:
		return b.AppendValueFromString(v.String()) //nolint:wrapcheck // it says what it could not read
	default:
		return fmt.Errorf("a column of type %s cannot be written", b.Type())
	}
	return nil
}

// fitting is a text as a warehouse can hold it: valid UTF-8 without NUL characters, and not longer than longest bytes (0:
// of any length). Of an object that is too long nothing is left but that there was one: a part of it is no JSON.
func fitting(v value.Value, longest int) string {
	text := v.String()
	if v.Kind() == value.JSON {
		if longest > 0 && len(text) > longest {
			return `{"_millrace_truncated":true}`
		}
		return strings.ReplaceAll(text, `\u0000`, `\ufffd`)
	}
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "\ufffd"), "\x00", "\ufffd")
	if longest == 0 || len(text) <= longest {
		return text
	}
	for longest > 0 && !utf8.RuneStart(text[longest]) {
		longest--
	}
	return text[:longest]
}
