package mysql

import (
	"database/sql/driver"
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

	"github.com/millrace/millrace/internal/value"
)

// column says how a result's column is read.
type column struct {
	field arrow.Field
	as    value.Type // what it is, where the Arrow type says less
	into  func(array.Builder) put
}

// put appends one value, as the driver reads it, to a builder; nil is null. The driver's bytes are valid until the
// next row.
type put func(driver.Value) error

// typed is a column whose values are added to a builder of one type; add is not given nulls.
func typed[B array.Builder](t arrow.DataType, add func(B, driver.Value) error) column {
	into := func(b array.Builder) put {
		builder := b.(B) //nolint:forcetypeassert // made from the type beside it
		return func(v driver.Value) error {
			if v == nil {
				builder.AppendNull()
				return nil
			}
			return add(builder, v)
		}
	}
	return column{field: arrow.Field{Type: t}, into: into}
}

// unreadable is the error of a value that the driver reads as something else than the column's type has.
func unreadable(v driver.Value, what string) error {
	return fmt.Errorf("the server's value is no %s: %T", what, v)
}

func booleanColumn(add func(*array.BooleanBuilder, driver.Value) error) column {
	return typed(arrow.FixedWidthTypes.Boolean, add)
}

// putBoolean reads a TINYINT(1), which holds more than the two values that it is meant for.
func putBoolean(b *array.BooleanBuilder, v driver.Value) error {
	n, err := integer(v)
	if err != nil {
		return err
	}
	if n != 0 && n != 1 {
		return fmt.Errorf("a TINYINT(1) holds %d, which is neither true nor false: CAST it AS SIGNED, or let the source read TINYINT(1) as a number", n)
	}
	b.Append(n == 1)
	return nil
}

func putBit(b *array.BooleanBuilder, v driver.Value) error {
	n, err := bits(v)
	b.Append(n != 0)
	return err
}

func integerColumn() column {
	return typed(arrow.PrimitiveTypes.Int64, func(b *array.Int64Builder, v driver.Value) error {
		n, err := integer(v)
		b.Append(n)
		return err
	})
}

// integer reads what the driver makes of an integer: a number, or its text.
func integer(v driver.Value) (int64, error) {
	switch v := v.(type) {
	case int64:
		return v, nil
	case []byte:
		return strconv.ParseInt(string(v), 10, 64)
	default:
		return 0, unreadable(v, "integer")
	}
}

func unsignedColumn(add func(*array.Uint64Builder, driver.Value) error) column {
	return typed(arrow.PrimitiveTypes.Uint64, add)
}

// putUnsigned reads what the driver makes of an unsigned integer: a number of either sort, or its text.
func putUnsigned(b *array.Uint64Builder, v driver.Value) error {
	switch v := v.(type) {
	case int64:
		b.Append(uint64(v))
	case uint64:
		b.Append(v)
	case []byte:
		n, err := strconv.ParseUint(string(v), 10, 64)
		b.Append(n)
		return err
	default:
		return unreadable(v, "integer")
	}
	return nil
}

func putBits(b *array.Uint64Builder, v driver.Value) error {
	n, err := bits(v)
	b.Append(n)
	return err
}

// bits reads a BIT, which comes as bytes, the highest first.
func bits(v driver.Value) (n uint64, err error) {
	src, ok := v.([]byte)
	if !ok || len(src) > 8 {
		return 0, unreadable(v, "BIT")
	}
	for _, b := range src {
		n = n<<8 | uint64(b)
	}
	return n, nil
}

func floatColumn() column {
	return typed(arrow.PrimitiveTypes.Float32, func(b *array.Float32Builder, v driver.Value) error {
		f, ok := v.(float32)
		if !ok {
			return unreadable(v, "FLOAT")
		}
		b.Append(f)
		return nil
	})
}

func doubleColumn() column {
	return typed(arrow.PrimitiveTypes.Float64, func(b *array.Float64Builder, v driver.Value) error {
		f, ok := v.(float64)
		if !ok {
			return unreadable(v, "DOUBLE")
		}
		b.Append(f)
		return nil
	})
}

// maxPrecision is how many digits Arrow's 128-bit decimals have; MySQL's have up to 65.
const maxPrecision = 38

// decimalColumn reads a DECIMAL as a decimal where one can hold it, and otherwise as text that loses nothing.
func decimalColumn(n native) column {
	if n.length <= 0 || n.length > maxPrecision || n.scale > n.length {
		return textColumn(value.TypeNumber)
	}
	return typed(&arrow.Decimal128Type{Precision: int32(n.length), Scale: int32(n.scale)}, func(b *array.Decimal128Builder, v driver.Value) error {
		src, ok := v.([]byte)
		if !ok {
			return unreadable(v, "DECIMAL")
		}
		d, err := decimal(src, int(n.scale))
		b.Append(d)
		return err
	})
}

// smallDigits is how many digits surely fit into 64 bits.
const smallDigits = 18

// decimal reads the text of a number that has at most scale digits after the point, and returns it × 10^scale.
func decimal(src []byte, scale int) (decimal128.Num, error) {
	small, count, behind := int64(0), 0, -1
	for i, c := range src {
		switch {
		case c == '-' && i == 0:
		case c == '.' && behind < 0:
			behind = 0
		case c >= '0' && c <= '9':
			small, count = small*10+int64(c-'0'), count+1
			if behind >= 0 {
				behind++
			}
		default:
			return decimal128.Num{}, fmt.Errorf("the server's number %q cannot be read", src)
		}
	}
	missing := scale - max(behind, 0)
	if count == 0 {
		return decimal128.Num{}, fmt.Errorf("the server's number %q cannot be read", src)
	}
	if missing < 0 || count+missing > smallDigits {
		return largeDecimal(string(src), missing)
	}
	for range missing {
		small *= 10
	}
	if src[0] == '-' {
		small = -small
	}
	return decimal128.FromI64(small), nil
}

// largeDecimal reads the text of any number and adds zeros to its digits.
func largeDecimal(text string, zeros int) (decimal128.Num, error) {
	n, ok := new(big.Int).SetString(strings.Replace(text, ".", "", 1)+strings.Repeat("0", max(zeros, 0)), 10)
	if !ok || zeros < 0 || len(n.Text(10)) > maxPrecision+1 || n.Sign() >= 0 && len(n.Text(10)) > maxPrecision {
		return decimal128.Num{}, fmt.Errorf("the server's number %s does not fit its type", text)
	}
	return decimal128.FromBigInt(n), nil
}

var errPartialDate = errors.New("a date of which a part is zero, or that no calendar has, is no date: make it NULL in the query, or CAST it AS CHAR")

// isZeroDate reports whether the text is MySQL's zero date, which stands for no date: the server itself finds it
// with IS NULL. https://dev.mysql.com/doc/refman/8.4/en/date-and-time-types.html
func isZeroDate(src []byte) bool {
	return strings.HasPrefix(string(src), "0000-00-00")
}

func dateColumn() column {
	return typed(arrow.FixedWidthTypes.Date32, func(b *array.Date32Builder, v driver.Value) error {
		src, ok := v.([]byte)
		if !ok {
			return unreadable(v, "DATE")
		}
		if isZeroDate(src) {
			b.AppendNull()
			return nil
		}
		day, rest, err := days(src)
		if err == nil && len(rest) > 0 {
			err = unreadable(v, "DATE")
		}
		b.Append(arrow.Date32(day))
		return err
	})
}

func timestampColumn(zone string) column {
	t := &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: zone}
	return typed(t, func(b *array.TimestampBuilder, v driver.Value) error {
		src, ok := v.([]byte)
		if !ok {
			return unreadable(v, "DATETIME")
		}
		if isZeroDate(src) {
			b.AppendNull()
			return nil
		}
		us, err := micros(src)
		b.Append(arrow.Timestamp(us))
		return err
	})
}

const (
	secondsOfDay = 86_400
	microDigits  = 6
)

// days reads the date that a text begins with, as days since 1970.
func days(src []byte) (n int32, rest []byte, err error) {
	if len(src) < len(time.DateOnly) || src[4] != '-' || src[7] != '-' {
		return 0, nil, fmt.Errorf("the server's date %q cannot be read", src)
	}
	year, ok1 := digits(src[0:4])
	month, ok2 := digits(src[5:7])
	day, ok3 := digits(src[8:10])
	if !ok1 || !ok2 || !ok3 {
		return 0, nil, fmt.Errorf("the server's date %q cannot be read", src)
	}
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if y, m, d := t.Date(); y != year || int(m) != month || d != day {
		return 0, nil, errPartialDate
	}
	return int32(t.Unix() / secondsOfDay), src[10:], nil
}

// micros reads a date and a time, as microseconds since 1970.
func micros(src []byte) (int64, error) {
	date, rest, err := days(src)
	if err != nil {
		return 0, err
	}
	if len(rest) < len(" 15:04:05") || rest[3] != ':' || rest[6] != ':' {
		return 0, fmt.Errorf("the server's time %q cannot be read", src)
	}
	hour, ok1 := digits(rest[1:3])
	minute, ok2 := digits(rest[4:6])
	second, ok3 := digits(rest[7:9])
	fraction, ok4 := 0, true
	if rest = rest[9:]; len(rest) > 1 && len(rest) <= microDigits+1 {
		fraction, ok4 = digits(rest[1:])
		for range microDigits + 1 - len(rest) {
			fraction *= 10
		}
	}
	if !ok1 || !ok2 || !ok3 || !ok4 {
		return 0, fmt.Errorf("the server's time %q cannot be read", src)
	}
	return (int64(date)*secondsOfDay+int64(hour*3600+minute*60+second))*1_000_000 + int64(fraction), nil
}

func digits(src []byte) (n int, ok bool) {
	for _, c := range src {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

var errNotUTF8 = errors.New("a text is no UTF-8: CONVERT it to the character set that it really has, or CAST it AS BINARY")

// textColumn is a column of what the server writes; as is its type, if not a string.
func textColumn(as value.Type) column {
	c := typed(arrow.BinaryTypes.String, func(b *array.StringBuilder, v driver.Value) error {
		src, ok := v.([]byte)
		switch {
		case !ok:
			b.Append(fmt.Sprint(v))
		case !utf8.Valid(src):
			return errNotUTF8
		default:
			b.BinaryBuilder.Append(src)
		}
		return nil
	})
	c.as = as
	return c
}

func bytesColumn() column {
	return typed(arrow.BinaryTypes.Binary, func(b *array.BinaryBuilder, v driver.Value) error {
		src, ok := v.([]byte)
		if !ok {
			return unreadable(v, "binary text")
		}
		b.Append(src)
		return nil
	})
}
