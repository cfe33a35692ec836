package databricks

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// The types of Databricks: https://docs.databricks.com/aws/en/sql/language-manual/sql-ref-datatypes
//
// Whatever is nested is JSON text, and intervals are texts as the warehouse writes them. TIMESTAMP_NTZ is a wall clock's
// time and is taken as UTC.
var scalars = map[string]arrow.DataType{
	"boolean": arrow.FixedWidthTypes.Boolean,
	"tinyint": arrow.PrimitiveTypes.Int8, "byte": arrow.PrimitiveTypes.Int8,
	"smallint": arrow.PrimitiveTypes.Int16, "short": arrow.PrimitiveTypes.Int16,
	"int": arrow.PrimitiveTypes.Int32, "integer": arrow.PrimitiveTypes.Int32,
	"bigint": arrow.PrimitiveTypes.Int64, "long": arrow.PrimitiveTypes.Int64,
	"float": arrow.PrimitiveTypes.Float32, "real": arrow.PrimitiveTypes.Float32, "double": arrow.PrimitiveTypes.Float64,
	"string": arrow.BinaryTypes.String, "varchar": arrow.BinaryTypes.String, "char": arrow.BinaryTypes.String,
	"binary": arrow.BinaryTypes.Binary, "date": arrow.FixedWidthTypes.Date32,
	"timestamp": instant, "timestamp_ltz": instant, "timestamp_ntz": &arrow.TimestampType{Unit: arrow.Microsecond},
	"interval": arrow.BinaryTypes.String,
	"void":     arrow.BinaryTypes.String, "null": arrow.BinaryTypes.String,
}

var instant = &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}

// nested are the types whose values are JSON.
var nested = map[string]bool{"array": true, "map": true, "struct": true, "variant": true, "object": true}

var decimalType = regexp.MustCompile(`^(?:decimal|dec|numeric)(?:\((\d+)(?:,(-?\d+))?\))?$`)

// fieldOf is a column of a result: its name, its type in the words of the warehouse, and its comment.
func fieldOf(name, native, comment string) (arrow.Field, error) {
	f := arrow.Field{Name: name, Nullable: true}
	keys, values := []string{value.MetaNative}, []string{native}
	base := baseOf(native)
	switch {
	case nested[base]:
		f.Type = arrow.BinaryTypes.String
		keys, values = append(keys, value.MetaType), append(values, string(value.TypeObject))
	case scalars[base] != nil:
		f.Type = scalars[base]
	default:
		decimal, ok := decimalOf(native)
		if !ok {
			return f, fault.New(fault.CodeSourceType, "the column %s has the type %s, which has no counterpart here", strconv.Quote(name), native).
				WithSuggestion("Cast it in the query, for example to STRING; st_astext makes a text of a geometry.")
		}
		f.Type = decimal
	}
	if comment != "" {
		keys, values = append(keys, value.MetaDescription), append(values, comment)
	}
	f.Metadata = arrow.NewMetadata(keys, values)
	return f, nil
}

// baseOf is a type's name without what it is made of: array<int>, varchar(20), interval day to second.
func baseOf(native string) string {
	base := strings.ToLower(strings.TrimSpace(native))
	if at := strings.IndexAny(base, "<( "); at >= 0 {
		base = base[:at]
	}
	return base
}

// decimalOf is a decimal with the digits of its name; one without has ten.
func decimalOf(native string) (arrow.DataType, bool) {
	found := decimalType.FindStringSubmatch(strings.ReplaceAll(strings.ToLower(native), " ", ""))
	if found == nil {
		return nil, false
	}
	precision, scale := 10, 0
	if found[1] != "" {
		precision, _ = strconv.Atoi(found[1]) //nolint:errcheck // digits; too many of them are no precision
	}
	if found[2] != "" {
		scale, _ = strconv.Atoi(found[2]) //nolint:errcheck // digits
	}
	if precision < 1 || precision > 38 || scale < 0 || scale > precision {
		return nil, false
	}
	return &arrow.Decimal128Type{Precision: int32(precision), Scale: int32(scale)}, true //nolint:gosec // checked above
}

// columnOf is a column of a table as discovery shows it.
func columnOf(name, native, comment string, nullable bool) value.Column {
	c := value.Column{Name: name, Native: native, Nullable: nullable, Description: comment, Type: value.TypeString}
	f, err := fieldOf(name, native, "")
	if err != nil {
		return c // a query of it says what to do
	}
	if schema, err := value.SchemaOf(arrow.NewSchema([]arrow.Field{f}, nil)); err == nil {
		c.Type = schema[0].Type
	}
	return c
}
