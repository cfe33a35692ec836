package snowflake

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// converter turns a column of the wire into one of ours. The caller releases what it returns.
//
// The forms of the wire are those that Snowflake's own drivers read
// (https://github.com/snowflakedb/gosnowflake/blob/v1.19.1/converter.go,
// https://github.com/snowflakedb/snowflake-connector-python/tree/main/src/snowflake/connector/nanoarrow_cpp/ArrowIterator):
// numbers in as few bytes as a file's need, scaled by a power of ten; instants as seconds and nanoseconds, or as one
// scaled number where that fits.
type converter func(in arrow.Array) (arrow.Array, error)

var errForm = errors.New("its form is not known")

func form(in arrow.Array) error { return fmt.Errorf("%w: %s", errForm, in.DataType()) }

// as returns the column itself where it is of the type already.
func as[T arrow.Array](in arrow.Array) (arrow.Array, error) {
	if _, ok := in.(T); !ok {
		return nil, form(in)
	}
	in.Retain()
	return in, nil
}

// build makes a column cell by cell; null stays null.
func build[B array.Builder](b B, in arrow.Array, put func(row int) error) (arrow.Array, error) {
	defer b.Release()
	b.Reserve(in.Len())
	for row := range in.Len() {
		if in.IsNull(row) {
			b.AppendNull()
			continue
		}
		if err := put(row); err != nil {
			return nil, err
		}
	}
	return b.NewArray(), nil
}

func toFloat(in arrow.Array) (arrow.Array, error)   { return as[*array.Float64](in) }
func toBoolean(in arrow.Array) (arrow.Array, error) { return as[*array.Boolean](in) }
func toDate(in arrow.Array) (arrow.Array, error)    { return as[*array.Date32](in) }
func toBinary(in arrow.Array) (arrow.Array, error)  { return as[*array.Binary](in) }

// toText proves that the text is one: what follows takes it for granted.
func toText(in arrow.Array) (arrow.Array, error) {
	a, ok := in.(*array.String)
	if !ok {
		return nil, form(in)
	}
	for row := range a.Len() {
		if a.IsValid(row) && !utf8.ValidString(a.Value(row)) {
			return nil, errors.New("it holds a text that is not valid UTF-8")
		}
	}
	return as[*array.String](in)
}

// whole reads numbers of up to 64 bits.
func whole(in arrow.Array) func(row int) int64 {
	switch a := in.(type) {
	case *array.Int8:
		return func(row int) int64 { return int64(a.Value(row)) }
	case *array.Int16:
		return func(row int) int64 { return int64(a.Value(row)) }
	case *array.Int32:
		return func(row int) int64 { return int64(a.Value(row)) }
	case *array.Int64:
		return a.Value
	default:
		return nil
	}
}

// scaled reads numbers of up to 128 bits, without their scale.
func scaled(in arrow.Array) func(row int) decimal128.Num {
	if a, ok := in.(*array.Decimal128); ok {
		return a.Value
	}
	if read := whole(in); read != nil {
		return func(row int) decimal128.Num { return decimal128.FromI64(read(row)) }
	}
	return nil
}

func toInt(in arrow.Array) (arrow.Array, error) {
	if _, is := in.(*array.Int64); is {
		return as[*array.Int64](in)
	}
	read := scaled(in)
	if read == nil {
		return nil, form(in)
	}
	b := array.NewInt64Builder(memory.DefaultAllocator)
	return build(b, in, func(row int) error {
		n := read(row)
		if n != decimal128.FromI64(int64(n.LowBits())) {
			return errors.New("it holds a number of more digits than its type has")
		}
		b.Append(int64(n.LowBits()))
		return nil
	})
}

func toDecimal(t *arrow.Decimal128Type) converter {
	return func(in arrow.Array) (arrow.Array, error) {
		if arrow.TypeEqual(in.DataType(), t) {
			return as[*array.Decimal128](in)
		}
		read := scaled(in)
		if read == nil {
			return nil, form(in)
		}
		b := array.NewDecimal128Builder(memory.DefaultAllocator, t)
		return build(b, in, func(row int) error { b.Append(read(row)); return nil })
	}
}

// farthest is how many zeros a number may have beside its digits.
const farthest = 400

// toDecfloat writes a number of up to 38 digits and an exponent of its own
// (https://docs.snowflake.com/en/sql-reference/data-types-numeric#decfloat).
func toDecfloat(in arrow.Array) (arrow.Array, error) {
	if _, text := in.(*array.String); text {
		return as[*array.String](in)
	}
	a, ok := in.(*array.Struct)
	if !ok || a.NumField() != 2 {
		return nil, form(in)
	}
	exponent, digits := whole(a.Field(0)), a.Field(1)
	significand, ok := digits.(*array.Binary)
	if !ok || exponent == nil {
		return nil, form(in)
	}
	b := array.NewStringBuilder(memory.DefaultAllocator)
	return build(b, in, func(row int) error {
		e := exponent(row)
		if e < -farthest || e > farthest {
			return fmt.Errorf("it holds a number with the exponent %d", e)
		}
		b.Append(decimalText(twosComplement(significand.Value(row)), int(e)))
		return nil
	})
}

func twosComplement(b []byte) *big.Int {
	n := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(len(b))*8))
	}
	return n
}

func decimalText(n *big.Int, exponent int) string {
	sign, digits := "", n.String()
	if n.Sign() < 0 {
		sign, digits = "-", digits[1:]
	}
	switch {
	case n.Sign() == 0:
		return "0"
	case exponent >= 0:
		return sign + digits + strings.Repeat("0", exponent)
	default:
		if missing := 1 - exponent - len(digits); missing > 0 {
			digits = strings.Repeat("0", missing) + digits
		}
		at := len(digits) + exponent
		return sign + digits[:at] + "." + digits[at:]
	}
}

// powers are those of ten, by the digits that a time has behind the second.
var powers = [10]int64{1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000}

func power(scale int64) (int64, error) {
	if scale < 0 || scale >= int64(len(powers)) {
		return 0, fmt.Errorf("it has %d digits behind the second", scale)
	}
	return powers[scale], nil
}

// toClock writes a time of day as text: there is no column type for it.
func toClock(scale int64) converter {
	return func(in arrow.Array) (arrow.Array, error) {
		read := whole(in)
		if read == nil {
			return nil, form(in)
		}
		unit, err := power(scale)
		if err != nil {
			return nil, err
		}
		b := array.NewStringBuilder(memory.DefaultAllocator)
		return build(b, in, func(row int) error {
			n := read(row)
			at := time.Unix(n/unit, n%unit*(powers[9]/unit)).UTC()
			layout := time.TimeOnly
			switch nanos := at.Nanosecond(); {
			case nanos%1000 != 0:
				layout = "15:04:05.000000000"
			case nanos != 0:
				layout = "15:04:05.000000"
			}
			b.Append(at.Format(layout))
			return nil
		})
	}
}

// toMicros reads an instant. What it has below the microsecond, no value here can hold; it is cut off towards the past,
// as in every source.
func toMicros(kind string, scale int64) converter {
	return func(in arrow.Array) (arrow.Array, error) {
		read, err := instant(in, kind == "timestamp_tz", scale)
		if err != nil {
			return nil, err
		}
		b := array.NewTimestampBuilder(memory.DefaultAllocator, micros)
		return build(b, in, func(row int) error {
			seconds, nanos := read(row)
			b.Append(arrow.Timestamp(seconds*powers[6] + nanos/1000))
			return nil
		})
	}
}

// instant reads seconds since 1970 and nanoseconds from zero. An instant with a zone carries the offset last, which says
// nothing about when it is.
func instant(in arrow.Array, zoned bool, scale int64) (func(row int) (seconds, nanos int64), error) {
	parts := []arrow.Array{in}
	if s, ok := in.(*array.Struct); ok {
		parts = nil
		for i := range s.NumField() {
			parts = append(parts, s.Field(i))
		}
		if zoned && len(parts) > 1 {
			parts = parts[:len(parts)-1]
		}
	}
	unit, err := power(scale)
	if err != nil {
		return nil, err
	}
	first := whole(parts[0])
	if first == nil || len(parts) > 2 {
		return nil, form(in)
	}
	if len(parts) == 2 {
		second := whole(parts[1])
		if second == nil {
			return nil, form(in)
		}
		return func(row int) (int64, int64) { return first(row), second(row) }, nil
	}
	return func(row int) (int64, int64) {
		n := first(row)
		rest := n % unit
		if rest < 0 {
			rest += unit
		}
		return (n - rest) / unit, rest * (powers[9] / unit)
	}, nil
}

// toJSON reads what Snowflake writes as JSON: semi-structured values, places, and vectors, which come as lists.
func toJSON(in arrow.Array) (arrow.Array, error) {
	b := array.NewStringBuilder(memory.DefaultAllocator)
	switch a := in.(type) {
	case *array.String:
		return build(b, in, func(row int) error {
			text, err := validJSON(a.Value(row))
			if err != nil {
				return err
			}
			b.Append(text)
			return nil
		})
	case *array.FixedSizeList:
		write, err := vectorText(a)
		if err != nil {
			b.Release()
			return nil, err
		}
		return build(b, in, func(row int) error { b.Append(write(row)); return nil })
	default:
		b.Release()
		return nil, form(in)
	}
}

// validJSON mends what is no JSON: elements that do not exist, and numbers that JSON does not know, are null
// (https://docs.snowflake.com/en/user-guide/semistructured-considerations for the first; the second is unverified).
func validJSON(text string) (string, error) {
	if json.Valid([]byte(text)) {
		return text, nil
	}
	if mended := mend(text); json.Valid([]byte(mended)) {
		return mended, nil
	}
	return "", errors.New("it holds a value that is no JSON")
}

// mend replaces words outside of texts.
func mend(text string) string {
	var b strings.Builder
	for rest := text; rest != ""; {
		at := strings.IndexByte(rest, '"')
		if at < 0 {
			b.WriteString(missing.Replace(rest))
			break
		}
		end := at + 1
		for end < len(rest) && rest[end] != '"' {
			if rest[end] == '\\' {
				end++
			}
			end++
		}
		end = min(end+1, len(rest))
		b.WriteString(missing.Replace(rest[:at]))
		b.WriteString(rest[at:end])
		rest = rest[end:]
	}
	return b.String()
}

var missing = strings.NewReplacer("undefined", "null", "NaN", "null", "-Infinity", "null", "Infinity", "null", "-inf", "null", "inf", "null")

// vectorText writes the vectors of a column as lists.
func vectorText(a *array.FixedSizeList) (func(row int) string, error) {
	var item func(i int) string
	switch items := a.ListValues().(type) {
	case *array.Float32:
		item = func(i int) string {
			text := strconv.FormatFloat(float64(items.Value(i)), 'g', -1, 32)
			return missing.Replace(strings.TrimPrefix(text, "+"))
		}
	case *array.Int32:
		item = func(i int) string { return strconv.FormatInt(int64(items.Value(i)), 10) }
	default:
		return nil, form(a)
	}
	return func(row int) string {
		var b strings.Builder
		from, to := a.ValueOffsets(row)
		for i := from; i < to; i++ {
			b.WriteString(map[bool]string{true: "[", false: ","}[i == from])
			b.WriteString(item(int(i)))
		}
		return b.String() + "]"
	}, nil
}
