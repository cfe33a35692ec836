package snowflake

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
	"github.com/snowflakedb/gosnowflake"
)

// described is what Snowflake says of a result's column.
type described struct {
	name                     string
	kind                     string // as the wire names it, in small letters
	length, precision, scale int64
	nullable                 bool
}

// column is a column of a result: how it is shown, and how the wire's form of it becomes that.
type column struct {
	field   arrow.Field
	convert converter
}

// columnsOf plans the columns of a result; said are their comments.
func columnsOf(rows gosnowflake.ArrowStreamLoader, said map[string]string) ([]column, error) {
	types := rows.RowTypes()
	if len(types) == 0 {
		return nil, fault.New(fault.CodeSourceQuery, "the statement returns no columns").WithSuggestion("Write the model as a SELECT.")
	}
	columns, names := make([]column, len(types)), make([]string, len(types))
	for i, t := range types {
		d := described{t.Name, strings.ToLower(t.Type), t.Length, t.Precision, t.Scale, t.Nullable}
		c, err := d.column()
		if err != nil {
			return nil, err
		}
		if text := said[t.Name]; text != "" {
			c.field.Metadata = arrow.NewMetadata(append(c.field.Metadata.Keys(), value.MetaDescription), append(c.field.Metadata.Values(), text))
		}
		columns[i], names[i] = c, t.Name
	}
	return columns, connector.DistinctColumns(names)
}

// shortDigits is how many digits fit into 64 bits whatever they are.
const shortDigits = 18

// micros are instants with microseconds, which hold every year that Snowflake knows.
var micros = &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}

// column maps a type (https://docs.snowflake.com/en/sql-reference/intro-summary-data-types) to one of ours. An instant
// without a time zone is taken as UTC, the session's.
func (d described) column() (column, error) {
	switch d.kind {
	case "fixed":
		return d.fixed(), nil
	case "real":
		return d.as(arrow.PrimitiveTypes.Float64, "FLOAT", "", toFloat), nil
	case "decfloat":
		return d.as(arrow.BinaryTypes.String, "DECFLOAT", value.TypeNumber, toDecfloat), nil
	case "boolean":
		return d.as(arrow.FixedWidthTypes.Boolean, "BOOLEAN", "", toBoolean), nil
	case "date":
		return d.as(arrow.FixedWidthTypes.Date32, "DATE", "", toDate), nil
	case "time":
		return d.as(arrow.BinaryTypes.String, d.scaled("TIME"), "", toClock(d.scale)), nil
	case "timestamp_ntz", "timestamp_ltz", "timestamp_tz":
		return d.as(micros, d.scaled(strings.ToUpper(d.kind)), "", toMicros(d.kind, d.scale)), nil
	case "text":
		return d.as(arrow.BinaryTypes.String, d.sized("VARCHAR"), "", toText), nil
	case "binary":
		return d.as(arrow.BinaryTypes.Binary, d.sized("BINARY"), "", toBinary), nil
	case "variant", "object", "array", "map", "vector", "geography", "geometry":
		return d.as(arrow.BinaryTypes.String, strings.ToUpper(d.kind), value.TypeObject, toJSON), nil
	default:
		return column{}, fault.New(fault.CodeSourceType, "the column %s has the type %s", strconv.Quote(d.name), strings.ToUpper(d.kind)).
			WithSuggestion("Cast it in the model's query, such as CAST(… AS VARCHAR).")
	}
}

// fixed: a whole number that fits into 64 bits whatever its digits are is one, every other number keeps all of them.
func (d described) fixed() column {
	native := fmt.Sprintf("NUMBER(%d,%d)", d.precision, d.scale)
	if d.scale == 0 && d.precision <= shortDigits {
		return d.as(arrow.PrimitiveTypes.Int64, native, "", toInt)
	}
	t := &arrow.Decimal128Type{Precision: int32(d.precision), Scale: int32(d.scale)}
	return d.as(t, native, "", toDecimal(t))
}

func (d described) scaled(name string) string { return fmt.Sprintf("%s(%d)", name, d.scale) }

func (d described) sized(name string) string {
	if d.length == 0 {
		return name
	}
	return fmt.Sprintf("%s(%d)", name, d.length)
}

func (d described) as(t arrow.DataType, native string, holds value.Type, c converter) column {
	keys, values := []string{value.MetaNative}, []string{native}
	if holds != "" {
		keys, values = append(keys, value.MetaType), append(values, string(holds))
	}
	return column{arrow.Field{Name: d.name, Type: t, Nullable: true, Metadata: arrow.NewMetadata(keys, values)}, c}
}
