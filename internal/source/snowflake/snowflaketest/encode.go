package snowflaketest

import (
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// The types of instants on the wire.
var (
	plainInstant = arrow.StructOf(
		arrow.Field{Name: "epoch", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		arrow.Field{Name: "fraction", Type: arrow.PrimitiveTypes.Int32, Nullable: true},
	)
	zonedInstant = arrow.StructOf(append(plainInstant.Fields(), arrow.Field{Name: "timezone", Type: arrow.PrimitiveTypes.Int32, Nullable: true})...)
)

// noOffset is the offset 0 on the wire, in minutes.
const noOffset = 1440

// encode turns DuckDB's columns into those of the wire.
func encode(b arrow.RecordBatch, columns []Column) (arrow.RecordBatch, error) {
	fields, arrays := make([]arrow.Field, len(columns)), make([]arrow.Array, len(columns))
	for i, c := range columns {
		wire, err := encodeColumn(b.Column(i), c)
		if err != nil {
			return nil, err
		}
		defer wire.Release()
		fields[i], arrays[i] = arrow.Field{Name: c.Name, Type: wire.DataType(), Nullable: true}, wire
	}
	return array.NewRecordBatch(arrow.NewSchema(fields, nil), arrays, b.NumRows()), nil
}

func encodeColumn(in arrow.Array, c Column) (arrow.Array, error) {
	switch a := in.(type) {
	case *array.Int8, *array.Int16, *array.Int32, *array.Int64, *array.Decimal128:
		return encodeNumber(in, c)
	case *array.Float32:
		b := array.NewFloat64Builder(memory.DefaultAllocator)
		return each(b, in, func(row int) { b.Append(float64(a.Value(row))) }), nil
	case *array.Timestamp:
		return encodeInstant(a, c.Type == "timestamp_tz"), nil
	case *array.Time64:
		b := array.NewInt64Builder(memory.DefaultAllocator)
		return each(b, in, func(row int) { b.Append(int64(a.Value(row)) * 1000) }), nil
	case *array.Float64, *array.String, *array.Boolean, *array.Date32, *array.Binary:
		in.Retain()
		return in, nil
	default:
		return nil, fmt.Errorf("the stand-in has no form for %s", in.DataType())
	}
}

// each makes a column cell by cell.
func each(b array.Builder, in arrow.Array, put func(row int)) arrow.Array {
	defer b.Release()
	for row := range in.Len() {
		if in.IsNull(row) {
			b.AppendNull()
		} else {
			put(row)
		}
	}
	return b.NewArray()
}

// encodeNumber takes 64 bits where all numbers of the column could be in them: all parts of a result have one width here.
func encodeNumber(in arrow.Array, c Column) (arrow.Array, error) {
	var read func(row int) decimal128.Num
	switch a := in.(type) {
	case *array.Int8:
		read = func(row int) decimal128.Num { return decimal128.FromI64(int64(a.Value(row))) }
	case *array.Int16:
		read = func(row int) decimal128.Num { return decimal128.FromI64(int64(a.Value(row))) }
	case *array.Int32:
		read = func(row int) decimal128.Num { return decimal128.FromI64(int64(a.Value(row))) }
	case *array.Int64:
		read = func(row int) decimal128.Num { return decimal128.FromI64(a.Value(row)) }
	case *array.Decimal128:
		read = a.Value
	default:
		return nil, fmt.Errorf("no number: %s", in.DataType())
	}
	if _, wide := in.(*array.Decimal128); wide && c.Precision > 18 {
		b := array.NewDecimal128Builder(memory.DefaultAllocator, &arrow.Decimal128Type{Precision: 38, Scale: int32(c.Scale)})
		return each(b, in, func(row int) { b.Append(read(row)) }), nil
	}
	if _, small := in.(*array.Int32); small {
		b := array.NewInt32Builder(memory.DefaultAllocator)
		return each(b, in, func(row int) { b.Append(int32(read(row).LowBits())) }), nil
	}
	b := array.NewInt64Builder(memory.DefaultAllocator)
	return each(b, in, func(row int) { b.Append(int64(read(row).LowBits())) }), nil
}

func encodeInstant(a *array.Timestamp, zoned bool) arrow.Array {
	kind := plainInstant
	if zoned {
		kind = zonedInstant
	}
	b := array.NewStructBuilder(memory.DefaultAllocator, kind)
	return each(b, a, func(row int) {
		micros := int64(a.Value(row))
		seconds := int64(math.Floor(float64(micros) / 1e6))
		for seconds*1_000_000 > micros {
			seconds--
		}
		for (seconds+1)*1_000_000 <= micros {
			seconds++
		}
		b.Append(true)
		b.FieldBuilder(0).(*array.Int64Builder).Append(seconds)
		b.FieldBuilder(1).(*array.Int32Builder).Append(int32((micros - seconds*1_000_000) * 1000))
		if zoned {
			b.FieldBuilder(2).(*array.Int32Builder).Append(noOffset)
		}
	})
}
