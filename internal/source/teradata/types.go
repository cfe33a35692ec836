package teradata

import (
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
	"github.com/millrace/millrace/internal/source/teradata/odbc"
	"github.com/millrace/millrace/internal/value"
)

// kind is a type as the database calls it, without its sizes, and those.
type kind struct {
	name             string
	precision, scale int // of decimals
}

// column says how a result's column is read.
type column struct {
	field arrow.Field
	into  func(array.Builder) put
}

// put appends a column's value of the current row to a builder and returns about how many bytes it takes.
type put func(r odbc.Rows, column int) (int, error)

var errMalformed = errors.New("the driver's value is of another kind than its column")

// codes are the letters by which the catalog names types, and what they are called (unverified).
var codes = map[string]string{
	"I1": "BYTEINT", "I2": "SMALLINT", "I": "INTEGER", "I8": "BIGINT", "D": "DECIMAL", "N": "NUMBER", "F": "FLOAT",
	"CF": "CHAR", "CV": "VARCHAR", "CO": "CLOB", "UF": "CHAR", "UV": "VARCHAR", "LF": "CHAR", "LV": "VARCHAR",
	"GF": "GRAPHIC", "GV": "VARGRAPHIC", "GL": "LONG VARGRAPHIC", "BF": "BYTE", "BV": "VARBYTE", "BO": "BLOB",
	"DA": "DATE", "AT": "TIME", "TZ": "TIME WITH TIME ZONE", "TS": "TIMESTAMP", "SZ": "TIMESTAMP WITH TIME ZONE",
	"YR": "INTERVAL YEAR", "YM": "INTERVAL YEAR TO MONTH", "MO": "INTERVAL MONTH", "DY": "INTERVAL DAY", "DH": "INTERVAL DAY TO HOUR",
	"DM": "INTERVAL DAY TO MINUTE", "DS": "INTERVAL DAY TO SECOND", "HR": "INTERVAL HOUR", "HM": "INTERVAL HOUR TO MINUTE",
	"HS": "INTERVAL HOUR TO SECOND", "MI": "INTERVAL MINUTE", "MS": "INTERVAL MINUTE TO SECOND", "SC": "INTERVAL SECOND",
	"PD": "PERIOD(DATE)", "PT": "PERIOD(TIME)", "PZ": "PERIOD(TIME WITH TIME ZONE)", "PS": "PERIOD(TIMESTAMP)", "PM": "PERIOD(TIMESTAMP WITH TIME ZONE)",
	"JN": "JSON", "XM": "XML", "DT": "DATASET", "UT": "UDT", "A1": "ARRAY", "AN": "ARRAY",
}

// kindOf is the type of a result's column. The driver's own word for it tells times with a zone from those without, and
// decimals of any scale from others.
func kindOf(c odbc.Column) kind {
	k := kind{name: strings.ToUpper(c.Native)}
	switch c.Type {
	case odbc.TypeDecimal, odbc.TypeNumeric:
		k.name, k.precision, k.scale = "DECIMAL", int(c.Size), c.Digits
	case odbc.TypeDate:
		k.name = "DATE"
	case odbc.TypeTimestamp:
		k.name = "TIMESTAMP"
		if zoned(c.Native) {
			k.name = "TIMESTAMP WITH TIME ZONE"
		}
	}
	switch {
	case c.Float():
		k.name = "FLOAT"
	case c.Bytes():
		k.name = "VARBYTE"
	case c.Integer() && !integers[k.name]:
		k.name = "BIGINT"
	}
	return k
}

func zoned(native string) bool {
	native = strings.ToUpper(native)
	return strings.Contains(native, "WITH TIME ZONE") || strings.HasSuffix(native, "TZ")
}

var integers = map[string]bool{"BYTEINT": true, "SMALLINT": true, "INTEGER": true, "BIGINT": true}

// columnOf says how a type is read. Every type of the vendor's list has a form here; those that no other form fits are
// texts, as the driver writes them.
func columnOf(k kind) column {
	switch k.name {
	case "BYTEINT", "SMALLINT", "INTEGER", "BIGINT":
		return fixed(k, arrow.PrimitiveTypes.Int64, (*array.Int64Builder).Append, odbc.Rows.Integer)
	case "FLOAT":
		return fixed(k, arrow.PrimitiveTypes.Float64, (*array.Float64Builder).Append, odbc.Rows.Float)
	case "DECIMAL":
		return decimal(k)
	case "NUMBER":
		return text(k, value.TypeNumber)
	case "BYTE", "VARBYTE", "BLOB":
		return bytes(k)
	case "DATE":
		return parsed(k, arrow.FixedWidthTypes.Date32, (*array.Date32Builder).Append, dateOf)
	case "TIMESTAMP":
		return parsed(k, &arrow.TimestampType{Unit: arrow.Microsecond}, (*array.TimestampBuilder).Append, localOf)
	case "TIMESTAMP WITH TIME ZONE":
		return parsed(k, &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, (*array.TimestampBuilder).Append, instantOf)
	case "JSON":
		return text(k, value.TypeObject)
	default:
		return text(k, "")
	}
}

func (k kind) native() string {
	if k.name == "DECIMAL" && k.precision > 0 {
		return fmt.Sprintf("DECIMAL(%d,%d)", k.precision, k.scale)
	}
	return k.name
}

func (k kind) field(t arrow.DataType, typ value.Type) arrow.Field {
	keys, values := []string{value.MetaNative}, []string{k.native()}
	if typ != "" {
		keys, values = append(keys, value.MetaType), append(values, string(typ))
	}
	return arrow.Field{Type: t, Nullable: true, Metadata: arrow.NewMetadata(keys, values)}
}

// fixed is a column of numbers of the machine.
func fixed[B array.Builder, V any](k kind, t arrow.DataType, add func(B, V), read func(odbc.Rows, int) (V, bool, error)) column {
	return column{field: k.field(t, ""), into: func(b array.Builder) put {
		typed := b.(B) //nolint:forcetypeassert // made from the type beside it
		return func(r odbc.Rows, i int) (int, error) {
			v, null, err := read(r, i)
			switch {
			case err != nil:
				return 0, err
			case null:
				typed.AppendNull()
			default:
				add(typed, v)
			}
			return 8, nil
		}
	}}
}

// parsed is a column of values that the driver writes as texts.
func parsed[B array.Builder, V any](k kind, t arrow.DataType, add func(B, V), parse func(text string) (V, error)) column {
	return fixed(k, t, add, func(r odbc.Rows, i int) (v V, null bool, err error) {
		b, null, err := r.Text(i)
		if err != nil || null {
			return v, null, err
		}
		v, err = parse(strings.TrimSpace(string(b)))
		return v, false, err
	})
}

// text is a column of texts; typ is its type, if not a string.
func text(k kind, typ value.Type) column {
	return column{field: k.field(arrow.BinaryTypes.String, typ), into: func(b array.Builder) put {
		typed := b.(*array.StringBuilder) //nolint:forcetypeassert // made from the type beside it
		return func(r odbc.Rows, i int) (int, error) {
			v, null, err := r.Text(i)
			switch {
			case err != nil:
				return 0, err
			case null:
				typed.AppendNull()
			default:
				typed.BinaryBuilder.Append(v)
			}
			return len(v) + 4, nil
		}
	}}
}

func bytes(k kind) column {
	return column{field: k.field(arrow.BinaryTypes.Binary, ""), into: func(b array.Builder) put {
		typed := b.(*array.BinaryBuilder) //nolint:forcetypeassert // made from the type beside it
		return func(r odbc.Rows, i int) (int, error) {
			v, null, err := r.Bytes(i)
			switch {
			case err != nil:
				return 0, err
			case null:
				typed.AppendNull()
			default:
				typed.Append(v)
			}
			return len(v) + 4, nil
		}
	}}
}

// maxPrecision is how many digits decimals have, at Teradata as in Arrow's 128 bits.
const maxPrecision = 38

// decimal reads DECIMAL(p, s) with all of its digits.
func decimal(k kind) column {
	if k.precision < 1 || k.precision > maxPrecision || k.scale < 0 || k.scale > k.precision {
		return text(k, value.TypeNumber)
	}
	t := &arrow.Decimal128Type{Precision: int32(k.precision), Scale: int32(k.scale)}
	return parsed(k, t, (*array.Decimal128Builder).Append, func(text string) (decimal128.Num, error) { return decimalOf(text, k.scale) })
}

// decimalOf reads digits with at most scale of them behind the point; before it there may be none.
func decimalOf(text string, scale int) (decimal128.Num, error) {
	sign := ""
	if rest, negative := strings.CutPrefix(text, "-"); negative {
		text, sign = rest, "-"
	}
	whole, fraction, _ := strings.Cut(text, ".")
	if whole+fraction == "" || strings.Trim(whole+fraction, "0123456789") != "" || len(fraction) > scale {
		return decimal128.Num{}, errMalformed
	}
	digits := sign + whole + fraction + strings.Repeat("0", scale-len(fraction))
	if n, err := strconv.ParseInt(digits, 10, 64); err == nil {
		return decimal128.FromI64(n), nil
	}
	n, ok := new(big.Int).SetString(digits, 10)
	if !ok || n.BitLen() > 127 {
		return decimal128.Num{}, errMalformed
	}
	return decimal128.FromBigInt(n), nil
}

func dateOf(text string) (arrow.Date32, error) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return 0, errMalformed
	}
	return arrow.Date32FromTime(t), nil
}

const localLayout = "2006-01-02 15:04:05.999999999"

func localOf(text string) (arrow.Timestamp, error) {
	t, err := time.Parse(localLayout, strings.Replace(text, "T", " ", 1))
	if err != nil {
		return 0, errMalformed
	}
	return arrow.Timestamp(t.UnixMicro()), nil
}

// instantOf reads a timestamp with its zone. Without one it would be another instant.
// https://docs.teradata.com/r/pk_W2JQRhJlg28QI7p0n8Q/ZpEtvEh6X3CtgTvB5oN6~A
func instantOf(text string) (arrow.Timestamp, error) {
	text = strings.Replace(text, "T", " ", 1)
	for _, zone := range []string{"Z07:00", "Z07", "-07:00"} {
		if t, err := time.Parse(localLayout+zone, text); err == nil {
			return arrow.Timestamp(t.UnixMicro()), nil
		}
	}
	return 0, fault.New(fault.CodeSourceType, "the driver left the time zone out").WithSuggestion("Write CAST(column AT TIME ZONE 'GMT' AS TIMESTAMP(6)) in the query.")
}
