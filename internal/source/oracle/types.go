package oracle

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// column says how a result's column is read.
type column struct {
	field arrow.Field
	into  func(array.Builder) put
	err   *fault.Error // why it cannot be read
}

// put appends one value of the driver's to a builder, nil being null, and returns about how many bytes it takes.
type put func(v driver.Value) (int, error)

// kind is a type as the database calls it, without its sizes, and those.
type kind struct {
	name             string
	precision, scale int64
	sized            bool // precision and scale are known
}

// driverNames are what the driver calls types, and what the database does.
var driverNames = map[string]string{
	"NCHAR": "VARCHAR2", "VARCHAR": "VARCHAR2", "CHAR": "CHAR", "CHARZ": "CHAR", "LONG": "LONG", "LongVarChar": "LONG",
	"NUMBER": "NUMBER", "FLOAT": "NUMBER", "VarNum": "NUMBER",
	"IBFloat": "BINARY_FLOAT", "BFloat": "BINARY_FLOAT", "IBDouble": "BINARY_DOUBLE", "BDouble": "BINARY_DOUBLE",
	"DATE": "DATE", "OCIDate": "DATE", "TIMESTAMP": "TIMESTAMP", "TimeStampDTY": "TIMESTAMP",
	"TimeStampTZ": "TIMESTAMP WITH TIME ZONE", "TimeStampTZ_DTY": "TIMESTAMP WITH TIME ZONE",
	"TimeStampLTZ_DTY": "TIMESTAMP WITH LOCAL TIME ZONE", "TimeStampeLTZ": "TIMESTAMP WITH LOCAL TIME ZONE",
	"IntervalYM_DTY": "INTERVAL YEAR TO MONTH", "IntervalYM": "INTERVAL YEAR TO MONTH", "IntervalDS_DTY": "INTERVAL DAY TO SECOND", "IntervalDS": "INTERVAL DAY TO SECOND",
	"RAW": "RAW", "LongRaw": "LONG RAW", "OCIClobLocator": "CLOB", "OCIBlobLocator": "BLOB", "OCIFileLocator": "BFILE",
	"ROWID": "ROWID", "UROWID": "UROWID", "XMLType": "XMLTYPE", "OCIXMLType": "XMLTYPE", "TNSType(252)": "BOOLEAN",
}

var errMalformed = errors.New("the driver's value is of another kind than its column")

// columnOf says how a type is read. Every built-in type is here:
// https://docs.oracle.com/en/database/oracle/oracle-database/19/sqlrf/Data-Types.html
func columnOf(k kind) column {
	switch k.name {
	case "VARCHAR2", "NVARCHAR2", "CHAR", "NCHAR", "LONG", "CLOB", "NCLOB", "ROWID", "UROWID":
		return text(k, "", func(v string) (string, error) { return v, nil })
	case "RAW", "LONG RAW", "BLOB":
		return scalar(k, arrow.BinaryTypes.Binary, func(b *array.BinaryBuilder, v []byte) { b.Append(v) })
	case "NUMBER", "FLOAT":
		return numberColumn(k)
	case "BINARY_FLOAT":
		return floatColumn(k, arrow.PrimitiveTypes.Float32, func(b *array.Float32Builder, f float64) { b.Append(float32(f)) })
	case "BINARY_DOUBLE":
		return floatColumn(k, arrow.PrimitiveTypes.Float64, func(b *array.Float64Builder, f float64) { b.Append(f) })
	case "BOOLEAN":
		return scalar(k, arrow.FixedWidthTypes.Boolean, func(b *array.BooleanBuilder, v bool) { b.Append(v) })
	case "DATE", "TIMESTAMP":
		return scalar(k, &arrow.TimestampType{Unit: arrow.Microsecond}, func(b *array.TimestampBuilder, v time.Time) { b.Append(arrow.Timestamp(asWritten(v).UnixMicro())) })
	case "TIMESTAMP WITH TIME ZONE", "TIMESTAMP WITH LOCAL TIME ZONE":
		return scalar(k, &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, func(b *array.TimestampBuilder, v time.Time) { b.Append(arrow.Timestamp(v.UnixMicro())) })
	case "INTERVAL YEAR TO MONTH", "INTERVAL DAY TO SECOND":
		return unreadable(k, "Write TO_CHAR(column) for its text, or EXTRACT(… FROM column) for a number.")
	case "XMLTYPE":
		return unreadable(k, "Write XMLSERIALIZE(CONTENT column AS CLOB).")
	case "BFILE":
		return unreadable(k, "A file of the server's is not read: leave the column out.")
	default:
		return unreadable(k, "CAST the column to VARCHAR2, or leave it out.")
	}
}

// asWritten takes the zone off an instant that the database keeps without one.
func asWritten(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// unreadable is a column that stops a query (S-71) and that discovery still lists.
func unreadable(k kind, hint string) column {
	c := text(k, "", func(v string) (string, error) { return v, nil })
	c.err = fault.New(fault.CodeSourceType, "its type %s cannot be read", k.name).WithSuggestion("%s", hint)
	return c
}

func (k kind) field(t arrow.DataType, typ value.Type) arrow.Field {
	keys, values := []string{value.MetaNative}, []string{k.native()}
	if typ != "" {
		keys, values = append(keys, value.MetaType), append(values, string(typ))
	}
	return arrow.Field{Type: t, Nullable: true, Metadata: arrow.NewMetadata(keys, values)}
}

func (k kind) native() string {
	if k.name == "NUMBER" && k.sized && k.precision > 0 {
		return fmt.Sprintf("NUMBER(%d,%d)", k.precision, k.scale)
	}
	return k.name
}

// scalar is a column of values that the driver hands over in one form.
func scalar[B array.Builder, V any](k kind, t arrow.DataType, add func(B, V)) column {
	return column{field: k.field(t, ""), into: func(b array.Builder) put {
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
			raw, _ := v.([]byte)
			return len(raw) + 8, nil
		}
	}}
}

// text is a column of texts; typ is its type, if not a string.
func text(k kind, typ value.Type, write func(string) (string, error)) column {
	return column{field: k.field(arrow.BinaryTypes.String, typ), into: func(b array.Builder) put {
		typed := b.(*array.StringBuilder) //nolint:forcetypeassert // made from the type beside it
		return func(v driver.Value) (int, error) {
			if v == nil {
				typed.AppendNull()
				return 4, nil
			}
			got, ok := v.(string)
			if !ok {
				return 0, errMalformed
			}
			s, err := write(got)
			if err != nil {
				return 0, err
			}
			typed.Append(s)
			return len(s) + 4, nil
		}
	}}
}

// maxPrecision is how many digits Arrow's 128-bit decimals have.
const maxPrecision = 38

// numberColumn reads NUMBER(p, s) as a decimal where one can hold it, and otherwise as text that loses nothing.
func numberColumn(k kind) column {
	if !k.sized || k.precision < 1 || k.precision > maxPrecision || k.scale < 0 || k.scale > k.precision {
		return text(k, value.TypeNumber, number)
	}
	t := &arrow.Decimal128Type{Precision: int32(k.precision), Scale: int32(k.scale)}
	return column{field: k.field(t, ""), into: func(b array.Builder) put {
		typed := b.(*array.Decimal128Builder) //nolint:forcetypeassert // made from the type beside it
		return func(v driver.Value) (int, error) {
			if v == nil {
				typed.AppendNull()
				return 16, nil
			}
			digits, ok := v.(string)
			if !ok {
				return 0, errMalformed
			}
			n, err := decimalOf(digits, int(k.scale))
			if err != nil {
				return 0, err
			}
			typed.Append(n)
			return 16, nil
		}
	}}
}

// number checks the driver's digits, which may begin with zeros or end with a point.
func number(digits string) (string, error) {
	s := strings.TrimSuffix(digits, ".")
	sign := ""
	if rest, negative := strings.CutPrefix(s, "-"); negative {
		s, sign = rest, "-"
	}
	whole, fraction, found := strings.Cut(s, ".")
	whole = strings.TrimLeft(whole, "0")
	if whole == "" {
		whole = "0"
	}
	if strings.Trim(whole+fraction, "0123456789") != "" || found && fraction == "" {
		return "", errMalformed
	}
	if found {
		whole += "." + fraction
	}
	return sign + whole, nil
}

// decimalOf reads digits with exactly scale of them behind the point.
func decimalOf(text string, scale int) (decimal128.Num, error) {
	text, err := number(text)
	if err != nil {
		return decimal128.Num{}, err
	}
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

// floatColumn reads floats of either width; NaN and the infinities become null where values are read.
func floatColumn[B array.Builder](k kind, t arrow.DataType, add func(B, float64)) column {
	return column{field: k.field(t, ""), into: func(b array.Builder) put {
		typed := b.(B) //nolint:forcetypeassert // made from the type beside it
		return func(v driver.Value) (int, error) {
			switch v := v.(type) {
			case nil:
				typed.AppendNull()
			case float32:
				add(typed, float64(v))
			case float64:
				add(typed, v)
			default:
				return 0, errMalformed
			}
			return 8, nil
		}
	}}
}
