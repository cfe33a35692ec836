package value

import (
	"fmt"
	"math/big"
	"strconv"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/extensions"
)

// Reader reads one column of an Arrow batch: the value at a row.
type Reader func(row int) Value

// NewReader returns a reader of the column. The field's metadata decides what a string column holds
// (MetaType). The reader's text values share the column's memory when it is a string column: they
// are valid as long as the batch is retained.
func NewReader(f arrow.Field, col arrow.Array) (Reader, error) {
	read, err := rawReader(f, col)
	if err != nil {
		return nil, err
	}
	if col.NullN() == 0 {
		return read, nil
	}
	return func(row int) Value {
		if col.IsNull(row) {
			return Value{}
		}
		return read(row)
	}, nil
}

func rawReader(f arrow.Field, col arrow.Array) (Reader, error) {
	switch a := col.(type) {
	case *array.Null:
		return func(int) Value { return Value{} }, nil
	case *array.Boolean:
		return func(r int) Value { return OfBool(a.Value(r)) }, nil
	case *array.String:
		return textReader(f, a.Value), nil
	case *array.LargeString:
		return textReader(f, a.Value), nil
	case *array.StringView:
		return textReader(f, a.Value), nil
	case *array.Binary:
		return func(r int) Value { return OfBytes(a.Value(r)) }, nil
	case *array.LargeBinary:
		return func(r int) Value { return OfBytes(a.Value(r)) }, nil
	case *array.FixedSizeBinary:
		return func(r int) Value { return OfBytes(a.Value(r)) }, nil
	case *extensions.UUIDArray:
		return func(r int) Value { return OfText(a.Value(r).String()) }, nil
	case array.ExtensionArray:
		return rawReader(f, a.Storage())
	case *array.Dictionary:
		values, err := rawReader(f, a.Dictionary())
		return func(r int) Value { return values(a.GetValueIndex(r)) }, err
	}
	if read := numberReader(col); read != nil {
		return read, nil
	}
	if read := timeReader(f, col); read != nil {
		return read, nil
	}
	return nestedReader(f, col)
}

func textReader(f arrow.Field, at func(int) string) Reader {
	switch t, _ := f.Metadata.GetValue(MetaType); Type(t) {
	case TypeObject:
		return func(r int) Value { return OfJSON(at(r)) }
	case TypeNumber:
		return func(r int) Value { return OfNumber(at(r)) }
	default:
		return func(r int) Value { return OfText(at(r)) }
	}
}

func numberReader(col arrow.Array) Reader {
	switch a := col.(type) {
	case *array.Int64:
		return func(r int) Value { return OfInt(a.Value(r)) }
	case *array.Int32:
		return func(r int) Value { return OfInt(int64(a.Value(r))) }
	case *array.Int16:
		return func(r int) Value { return OfInt(int64(a.Value(r))) }
	case *array.Int8:
		return func(r int) Value { return OfInt(int64(a.Value(r))) }
	case *array.Uint64:
		return func(r int) Value { return OfNumber(strconv.FormatUint(a.Value(r), 10)) }
	case *array.Uint32:
		return func(r int) Value { return OfInt(int64(a.Value(r))) }
	case *array.Uint16:
		return func(r int) Value { return OfInt(int64(a.Value(r))) }
	case *array.Uint8:
		return func(r int) Value { return OfInt(int64(a.Value(r))) }
	case *array.Float64:
		return func(r int) Value { return OfFloat(a.Value(r)) }
	case *array.Float32:
		return func(r int) Value { return ofFloat32(a.Value(r)) }
	case *array.Decimal128:
		scale := a.DataType().(*arrow.Decimal128Type).Scale //nolint:forcetypeassert // the array's own type
		return func(r int) Value { return ofDecimal128(a.Value(r), scale) }
	case *array.Decimal256:
		scale := a.DataType().(*arrow.Decimal256Type).Scale //nolint:forcetypeassert // the array's own type
		return func(r int) Value { return ofScaled(a.Value(r).BigInt(), scale) }
	default:
		return nil
	}
}

// ofFloat32 keeps the digits that a 32-bit float prints: 0.1, not 0.10000000149011612.
func ofFloat32(f float32) Value {
	g, err := strconv.ParseFloat(strconv.FormatFloat(float64(f), 'g', -1, 32), 64)
	if err != nil {
		return Value{}
	}
	return OfFloat(g)
}

// maxDigits is how many digits every number of 64 bits has at most.
const maxDigits = 20

// ofDecimal128 returns n × 10^-scale; numbers of 64 bits, which nearly all are, take a short way.
func ofDecimal128(n decimal128.Num, scale int32) Value {
	small := int64(n.LowBits()) // compared with the whole below
	if n.HighBits() != small>>63 || scale <= 0 || scale >= maxDigits {
		return ofScaled(n.BigInt(), scale)
	}
	magnitude := uint64(small) // two's complement
	if small < 0 {
		magnitude = -magnitude
	}
	var text [maxDigits + 2]byte
	at := len(text)
	for i := int32(0); magnitude > 0 || i <= scale; i++ {
		if i == scale {
			at--
			text[at] = '.'
		}
		at--
		text[at] = byte('0' + magnitude%10)
		magnitude /= 10
	}
	if small < 0 {
		at--
		text[at] = '-'
	}
	return OfDecimal(string(text[at:]))
}

// ofScaled returns unscaled × 10^-scale.
func ofScaled(unscaled *big.Int, scale int32) Value {
	if scale <= 0 {
		text := unscaled.String()
		for ; scale < 0 && text != "0"; scale++ {
			text += "0"
		}
		return OfNumber(text)
	}
	digits := new(big.Int).Abs(unscaled).String()
	for len(digits) <= int(scale) {
		digits = "0" + digits
	}
	text := digits[:len(digits)-int(scale)] + "." + digits[len(digits)-int(scale):]
	if unscaled.Sign() < 0 {
		text = "-" + text
	}
	return OfDecimal(text)
}

func timeReader(f arrow.Field, col arrow.Array) Reader {
	switch a := col.(type) {
	case *array.Timestamp:
		if a.DataType().(*arrow.TimestampType).Unit == arrow.Microsecond { //nolint:forcetypeassert // the array's own type
			return func(r int) Value { return OfMicros(int64(a.Value(r))) }
		}
		toTime, err := a.DataType().(*arrow.TimestampType).GetToTimeFunc() //nolint:forcetypeassert // the array's own type
		if err != nil {
			return nil
		}
		return func(r int) Value { return OfTime(toTime(a.Value(r))) }
	case *array.Date32:
		return func(r int) Value { return OfDay(int32(a.Value(r))) }
	case *array.Date64:
		return func(r int) Value { return OfDay(int32(int64(a.Value(r)) / 86_400_000)) }
	case *array.Time32:
		unit := a.DataType().(*arrow.Time32Type).Unit //nolint:forcetypeassert // the array's own type
		return func(r int) Value { return ofClock(a.Value(r).ToTime(unit)) }
	case *array.Time64:
		unit := a.DataType().(*arrow.Time64Type).Unit //nolint:forcetypeassert // the array's own type
		return func(r int) Value { return ofClock(a.Value(r).ToTime(unit)) }
	case *array.Duration, *array.MonthDayNanoInterval:
		return func(r int) Value { return OfText(a.ValueStr(r)) }
	default:
		_ = f
		return nil
	}
}

// ofClock writes a time of day as text: there is no column type for it.
func ofClock(t time.Time) Value {
	layout := time.TimeOnly
	if t.Nanosecond() != 0 {
		layout = "15:04:05.000000"
	}
	return OfText(t.Format(layout))
}

func nestedReader(f arrow.Field, col arrow.Array) (Reader, error) {
	switch a := col.(type) {
	case *array.Map:
		return mapReader(a)
	case *array.Struct:
		return structReader(a)
	case array.ListLike:
		items := a.DataType().(arrow.ListLikeType).ElemField() //nolint:forcetypeassert // the array's own type
		read, err := NewReader(items, a.ListValues())
		if err != nil {
			return nil, err
		}
		return func(r int) Value {
			start, end := a.ValueOffsets(r)
			list := make([]Value, 0, end-start)
			for i := start; i < end; i++ {
				list = append(list, read(int(i)))
			}
			return OfList(list)
		}, nil
	default:
		return nil, fmt.Errorf("column %q has the type %s, which has no counterpart here", f.Name, f.Type)
	}
}

func structReader(a *array.Struct) (Reader, error) {
	t := a.DataType().(*arrow.StructType) //nolint:forcetypeassert // the array's own type
	readers := make([]Reader, t.NumFields())
	for i := range readers {
		r, err := NewReader(t.Field(i), a.Field(i))
		if err != nil {
			return nil, err
		}
		readers[i] = r
	}
	return func(r int) Value {
		fields := make([]Field, len(readers))
		for i, read := range readers {
			fields[i] = Field{Name: t.Field(i).Name, Value: read(r)}
		}
		return OfMap(fields)
	}, nil
}

func mapReader(a *array.Map) (Reader, error) {
	t := a.DataType().(*arrow.MapType) //nolint:forcetypeassert // the array's own type
	keys, err := NewReader(t.KeyField(), a.Keys())
	if err != nil {
		return nil, err
	}
	items, err := NewReader(t.ItemField(), a.Items())
	if err != nil {
		return nil, err
	}
	return func(r int) Value {
		start, end := a.ValueOffsets(r)
		fields := make([]Field, 0, end-start)
		for i := start; i < end; i++ {
			fields = append(fields, Field{Name: keys(int(i)).String(), Value: items(int(i))})
		}
		return OfMap(fields)
	}, nil
}
