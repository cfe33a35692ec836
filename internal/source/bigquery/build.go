package bigquery

import (
	"fmt"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/millrace/millrace/internal/value"
	rest "google.golang.org/api/bigquery/v2"
)

// put appends a cell of a page to a builder.
type put func(cell any) (size int, err error)

// putter appends the cells of a column.
func putter(f *rest.TableFieldSchema, b array.Builder) put {
	if !nested(f) {
		if quick := quickPut(f, b); quick != nil {
			return quick
		}
	}
	write := writer(f, b)
	return func(cell any) (int, error) {
		v, err := cellValue(f, cell)
		if err != nil {
			return 0, err
		}
		return write(v), nil
	}
}

// quickPut is for what needs no value in between: texts, and floats, whose NaN and infinities a value does not keep.
func quickPut(f *rest.TableFieldSchema, b array.Builder) put {
	switch base := baseOf(f); base {
	case typeString, typeGeography, typeJSON:
		texts := b.(*array.StringBuilder) //nolint:forcetypeassert // made from the column's form
		return textPut(b, func(text string) error { texts.Append(text); return nil })
	case typeFloat64:
		floats := b.(*array.Float64Builder) //nolint:forcetypeassert // made from the column's form
		return textPut(b, func(text string) error {
			n, err := strconv.ParseFloat(text, 64)
			floats.Append(n)
			return err
		})
	case typeTime:
		times := b.(*array.Time64Builder) //nolint:forcetypeassert // made from the column's form
		return textPut(b, func(text string) error {
			n, err := clock(text)
			times.Append(arrow.Time64(n))
			return err
		})
	default:
		return nil
	}
}

func textPut(b array.Builder, add func(text string) error) put {
	return func(cell any) (int, error) {
		switch text := cell.(type) {
		case nil:
			b.AppendNull()
			return 0, nil
		case string:
			return len(text), add(text)
		default:
			return 0, errCell
		}
	}
}

// writer appends values of a column and returns how many bytes each took, roughly.
func writer(f *rest.TableFieldSchema, b array.Builder) func(value.Value) int {
	add := adder(nested(f), b)
	return func(v value.Value) int {
		if v.IsNull() {
			b.AppendNull()
			return 1
		}
		return add(v)
	}
}

const wordSize = 8

func adder(isNested bool, b array.Builder) func(value.Value) int {
	switch b := b.(type) {
	case *array.Int64Builder:
		return func(v value.Value) int { b.Append(v.Int()); return wordSize }
	case *array.Float64Builder:
		return func(v value.Value) int { b.Append(v.Float()); return wordSize }
	case *array.BooleanBuilder:
		return func(v value.Value) int { b.Append(v.Bool()); return 1 }
	case *array.Date32Builder:
		return func(v value.Value) int { b.Append(arrow.Date32(v.Days())); return wordSize }
	case *array.TimestampBuilder:
		return func(v value.Value) int { b.Append(arrow.Timestamp(v.Micros())); return wordSize }
	case *array.BinaryBuilder:
		return func(v value.Value) int { b.Append([]byte(v.Raw())); return len(v.Raw()) }
	case *array.StringBuilder:
		return textAdder(isNested, b)
	default:
		panic(fmt.Sprintf("bigquery: no column is built by %T", b))
	}
}

// textAdder writes objects and lists as JSON, and what else is text as it is.
func textAdder(isNested bool, b *array.StringBuilder) func(value.Value) int {
	var scratch []byte
	return func(v value.Value) int {
		if isNested {
			scratch = v.AppendJSON(scratch[:0])
		} else {
			scratch = v.AppendText(scratch[:0])
		}
		b.BinaryBuilder.Append(scratch)
		return len(scratch)
	}
}
