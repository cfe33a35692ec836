package sqlserver

import (
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/millrace/millrace/internal/value"
)

// column says how a result's column is read.
type column struct {
	field arrow.Field
	into  func(array.Builder) put
}

// put appends one value of the driver's to a builder, nil being null, and returns about how many bytes it takes.
type put func(v driver.Value) (int, error)

// kind is a type of the server's: its name in small letters, and what it says besides.
type kind struct {
	name             string
	length           int64 // in characters or bytes; unlimited where it is too long for a row
	precision, scale int64
}

// unlimited is the length from which on a type is called (max).
const unlimited = 1 << 20

var errMalformed = errors.New("the server's value is of another kind than its column")

// columnOf says how a type is read. Every type of the list is here; what is not, such as the types that a database
// defines itself in .NET, arrives as the bytes that the server keeps.
// https://learn.microsoft.com/en-us/sql/t-sql/data-types/data-types-transact-sql
func columnOf(k kind) column {
	switch k.name {
	case "bit":
		return scalar(k, arrow.FixedWidthTypes.Boolean, func(b *array.BooleanBuilder, v bool) { b.Append(v) })
	case "tinyint", "smallint":
		return scalar(k, arrow.PrimitiveTypes.Int16, func(b *array.Int16Builder, v int64) { b.Append(int16(v)) })
	case "int":
		return scalar(k, arrow.PrimitiveTypes.Int32, func(b *array.Int32Builder, v int64) { b.Append(int32(v)) })
	case "bigint":
		return scalar(k, arrow.PrimitiveTypes.Int64, func(b *array.Int64Builder, v int64) { b.Append(v) })
	case "real":
		return scalar(k, arrow.PrimitiveTypes.Float32, func(b *array.Float32Builder, v float64) { b.Append(float32(v)) })
	case "float":
		return scalar(k, arrow.PrimitiveTypes.Float64, func(b *array.Float64Builder, v float64) { b.Append(v) })
	case "decimal", "numeric":
		return decimalColumn(k, int32(k.precision), int32(k.scale))
	case "money":
		return decimalColumn(k, 19, 4)
	case "smallmoney":
		return decimalColumn(k, 10, 4)
	case "date":
		return scalar(k, arrow.FixedWidthTypes.Date32, func(b *array.Date32Builder, v time.Time) { b.Append(arrow.Date32FromTime(v)) })
	case "smalldatetime", "datetime", "datetime2":
		return instantColumn(k, &arrow.TimestampType{Unit: arrow.Microsecond})
	case "datetimeoffset":
		return instantColumn(k, &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"})
	case "time":
		return text(k, clock)
	case "uniqueidentifier":
		return uuidColumn(k)
	case "char", "varchar", "text", "nchar", "nvarchar", "ntext", "xml", "sysname", "json", "vector":
		return text(k, func(v string) string { return v })
	case "sql_variant":
		return variantColumn(k)
	default:
		return bytesColumn(k)
	}
}

// native is the type as SQL writes it.
func (k kind) native() string {
	switch k.name {
	case "decimal", "numeric":
		return fmt.Sprintf("%s(%d,%d)", k.name, k.precision, k.scale)
	case "time", "datetime2", "datetimeoffset":
		return fmt.Sprintf("%s(%d)", k.name, k.scale)
	case "char", "varchar", "nchar", "nvarchar", "binary", "varbinary":
		if k.length <= 0 || k.length >= unlimited {
			return k.name + "(max)"
		}
		return fmt.Sprintf("%s(%d)", k.name, k.length)
	default:
		return k.name
	}
}

// metadata carries what the Arrow type does not say.
func (k kind) metadata() arrow.Metadata {
	return arrow.NewMetadata([]string{value.MetaNative}, []string{k.native()})
}

func (k kind) field(t arrow.DataType) arrow.Field {
	return arrow.Field{Type: t, Nullable: true, Metadata: k.metadata()}
}

// scalar is a column of values of one length.
func scalar[B array.Builder, V any](k kind, t arrow.DataType, add func(B, V)) column {
	return column{k.field(t), func(b array.Builder) put {
		typed := b.(B) //nolint:forcetypeassert // made from the type beside it
		return func(v driver.Value) (int, error) {
			got, ok := v.(V)
			switch {
			case v == nil:
				typed.AppendNull()
			case !ok:
				return 0, errMalformed
			default:
				add(typed, got)
			}
			return 8, nil
		}
	}}
}

// text is a column of texts.
func text[V any](k kind, write func(V) string) column {
	return column{k.field(arrow.BinaryTypes.String), func(b array.Builder) put {
		typed := b.(*array.StringBuilder) //nolint:forcetypeassert // made from the type beside it
		return func(v driver.Value) (int, error) {
			if v == nil {
				typed.AppendNull()
				return 4, nil
			}
			got, ok := v.(V)
			if !ok {
				return 0, errMalformed
			}
			s := write(got)
			typed.Append(s)
			return len(s) + 4, nil
		}
	}}
}

func bytesColumn(k kind) column {
	return column{k.field(arrow.BinaryTypes.Binary), func(b array.Builder) put {
		typed := b.(*array.BinaryBuilder) //nolint:forcetypeassert // made from the type beside it
		return func(v driver.Value) (int, error) {
			got, ok := v.([]byte)
			switch {
			case v == nil:
				typed.AppendNull()
			case !ok:
				return 0, errMalformed
			default:
				typed.Append(got)
			}
			return len(got) + 4, nil
		}
	}}
}

// instantColumn reads instants to the microsecond; the seventh digit of a second, which nothing here holds, is cut off.
func instantColumn(k kind, t *arrow.TimestampType) column {
	return scalar(k, t, func(b *array.TimestampBuilder, v time.Time) { b.Append(arrow.Timestamp(v.UnixMicro())) })
}

// clock writes a time of day with as many digits as it has, none or at least six.
func clock(t time.Time) string {
	switch ns := t.Nanosecond(); {
	case ns == 0:
		return t.Format(time.TimeOnly)
	case ns%1000 == 0:
		return t.Format("15:04:05.000000")
	default:
		return t.Format("15:04:05.0000000")
	}
}

// uuidColumn writes identifiers as they are usually written.
func uuidColumn(k kind) column {
	return text(k, func(v []byte) string {
		if len(v) != 16 {
			return hex.EncodeToString(v)
		}
		var s [36]byte
		hex.Encode(s[0:8], v[0:4])
		hex.Encode(s[9:13], v[4:6])
		hex.Encode(s[14:18], v[6:8])
		hex.Encode(s[19:23], v[8:10])
		hex.Encode(s[24:36], v[10:16])
		s[8], s[13], s[18], s[23] = '-', '-', '-', '-'
		return string(s[:])
	})
}

var errVariant = errors.New("a sql_variant holds bytes or a decimal, which the driver does not tell apart")

// variantColumn writes what a sql_variant holds as text. The driver does not say of what type it was.
func variantColumn(k kind) column {
	return column{k.field(arrow.BinaryTypes.String), func(b array.Builder) put {
		typed := b.(*array.StringBuilder) //nolint:forcetypeassert // made from the type beside it
		return func(v driver.Value) (int, error) {
			switch v := v.(type) {
			case nil:
				typed.AppendNull()
				return 4, nil
			case []byte:
				return 0, errVariant
			case time.Time:
				typed.Append(v.Format("2006-01-02 15:04:05.9999999Z07:00"))
			case float64:
				typed.Append(value.OfFloat(v).String())
			default:
				typed.Append(fmt.Sprint(v))
			}
			return 16, nil
		}
	}}
}

// decimalColumn reads decimals, which the driver hands over as text.
func decimalColumn(k kind, precision, scale int32) column {
	t := &arrow.Decimal128Type{Precision: precision, Scale: scale}
	return column{k.field(t), func(b array.Builder) put {
		typed := b.(*array.Decimal128Builder) //nolint:forcetypeassert // made from the type beside it
		return func(v driver.Value) (int, error) {
			if v == nil {
				typed.AppendNull()
				return 16, nil
			}
			digits, ok := v.([]byte)
			if !ok {
				return 0, errMalformed
			}
			n, err := decimalOf(string(digits), int(scale))
			if err != nil {
				return 0, err
			}
			typed.Append(n)
			return 16, nil
		}
	}}
}

// decimalOf reads digits with exactly scale of them behind the point.
func decimalOf(text string, scale int) (decimal128.Num, error) {
	whole, fraction, _ := strings.Cut(text, ".")
	if len(fraction) > scale {
		return decimal128.Num{}, errMalformed
	}
	digits := whole + fraction + strings.Repeat("0", scale-len(fraction))
	if n, err := strconv.ParseInt(digits, 10, 64); err == nil {
		return decimal128.FromI64(n), nil
	}
	n, ok := new(big.Int).SetString(digits, 10)
	if !ok || n.BitLen() > 127 {
		return decimal128.Num{}, errMalformed
	}
	return decimal128.FromBigInt(n), nil
}
