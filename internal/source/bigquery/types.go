package bigquery

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
	rest "google.golang.org/api/bigquery/v2"
)

// The types as a schema names them, the names of GoogleSQL; the older names are turned into them:
// https://cloud.google.com/bigquery/docs/reference/rest/v2/tables#TableFieldSchema
const (
	typeInt64      = "INT64"
	typeFloat64    = "FLOAT64"
	typeNumeric    = "NUMERIC"
	typeBigNumeric = "BIGNUMERIC"
	typeBool       = "BOOL"
	typeString     = "STRING"
	typeBytes      = "BYTES"
	typeDate       = "DATE"
	typeDatetime   = "DATETIME"
	typeTime       = "TIME"
	typeTimestamp  = "TIMESTAMP"
	typeJSON       = "JSON"
	typeGeography  = "GEOGRAPHY"
	typeInterval   = "INTERVAL"
	typeRange      = "RANGE"
	typeStruct     = "STRUCT"
)

const modeRepeated = "REPEATED"

// picoseconds are more digits of a second than an instant has here.
const picoseconds = 12

var olderNames = map[string]string{"INTEGER": typeInt64, "FLOAT": typeFloat64, "BOOLEAN": typeBool, "RECORD": typeStruct}

// baseOf is the type of a field, or of its items where it is repeated.
func baseOf(f *rest.TableFieldSchema) string {
	name := strings.ToUpper(f.Type)
	if newer, ok := olderNames[name]; ok {
		return newer
	}
	return name
}

// forms are how scalars are held. Numbers of many digits are text: as decimals of a fixed scale each would get zeros at
// its end that BigQuery does not show.
var forms = map[string]struct {
	arrow arrow.DataType
	typ   value.Type // where the Arrow type says too little
}{
	typeInt64:      {arrow: arrow.PrimitiveTypes.Int64},
	typeFloat64:    {arrow: arrow.PrimitiveTypes.Float64},
	typeNumeric:    {arrow: arrow.BinaryTypes.String, typ: value.TypeNumber},
	typeBigNumeric: {arrow: arrow.BinaryTypes.String, typ: value.TypeNumber},
	typeBool:       {arrow: arrow.FixedWidthTypes.Boolean},
	typeString:     {arrow: arrow.BinaryTypes.String},
	typeBytes:      {arrow: arrow.BinaryTypes.Binary},
	typeDate:       {arrow: arrow.FixedWidthTypes.Date32},
	typeDatetime:   {arrow: &arrow.TimestampType{Unit: arrow.Microsecond}},
	typeTimestamp:  {arrow: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}},
	typeTime:       {arrow: arrow.FixedWidthTypes.Time64us},
	typeJSON:       {arrow: arrow.BinaryTypes.String, typ: value.TypeObject},
	typeGeography:  {arrow: arrow.BinaryTypes.String},
	typeInterval:   {arrow: arrow.BinaryTypes.String},
	typeRange:      {arrow: arrow.BinaryTypes.String},
}

// nested reports whether values of a field are objects or lists, which travel as JSON.
func nested(f *rest.TableFieldSchema) bool { return f.Mode == modeRepeated || baseOf(f) == typeStruct }

// columnsOf says how the columns of a result are held.
func columnsOf(fields []*rest.TableFieldSchema) (*arrow.Schema, error) {
	all := make([]arrow.Field, len(fields))
	for i, f := range fields {
		if err := held(f); err != nil {
			return nil, err
		}
		all[i] = arrow.Field{Name: f.Name, Type: arrow.BinaryTypes.String, Nullable: f.Mode != "REQUIRED"}
		typ := value.TypeObject
		if !nested(f) {
			all[i].Type, typ = forms[baseOf(f)].arrow, forms[baseOf(f)].typ
		}
		all[i].Metadata = metadata(typ, native(f), "")
	}
	return arrow.NewSchema(all, nil), nil
}

// held returns an error that names the column whose values cannot be held here.
func held(f *rest.TableFieldSchema) error {
	base := baseOf(f)
	if base == typeStruct {
		for _, inner := range f.Fields {
			if err := held(inner); err != nil {
				return fault.Wrap(err, fault.CodeSourceType, "column %s", strconv.Quote(f.Name)).WithSuggestion("%s", fault.As(err).Hint())
			}
		}
		return nil
	}
	if _, ok := forms[base]; !ok {
		return fault.New(fault.CodeSourceType, "the column %s is of the type %s, which is not known here", strconv.Quote(f.Name), f.Type).
			WithSuggestion("Write CAST(%s AS STRING) in the model's query.", f.Name)
	}
	if base == typeTimestamp && f.TimestampPrecision != nil && *f.TimestampPrecision == picoseconds {
		return fault.New(fault.CodeSourceType, "the column %s has instants of picoseconds; microseconds are the finest that can be held", strconv.Quote(f.Name)).
			WithSuggestion("Write CAST(%s AS STRING), or a TIMESTAMP of microseconds, in the model's query.", f.Name)
	}
	return nil
}

// metadata carries what an Arrow type does not say.
func metadata(t value.Type, native, description string) arrow.Metadata {
	keys, values := []string{value.MetaNative}, []string{native}
	if t != "" {
		keys, values = append(keys, value.MetaType), append(values, string(t))
	}
	if description != "" {
		keys, values = append(keys, value.MetaDescription), append(values, description)
	}
	return arrow.NewMetadata(keys, values)
}

// described returns a field with the source's comment.
func described(f arrow.Field, text string) arrow.Field {
	m := f.Metadata
	f.Metadata = arrow.NewMetadata(append(slices.Clone(m.Keys()), value.MetaDescription), append(slices.Clone(m.Values()), text))
	return f
}

// native is a field's type as GoogleSQL writes it, so that something can be cast to it.
// https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types
func native(f *rest.TableFieldSchema) string {
	base := baseOf(f)
	switch {
	case base == typeStruct:
		inner := make([]string, len(f.Fields))
		for i, field := range f.Fields {
			inner[i] = field.Name + " " + native(field)
		}
		base += "<" + strings.Join(inner, ", ") + ">"
	case base == typeRange && f.RangeElementType != nil:
		base += "<" + f.RangeElementType.Type + ">"
	case f.Precision > 0 && f.Scale > 0:
		base = fmt.Sprintf("%s(%d, %d)", base, f.Precision, f.Scale)
	case f.Precision > 0:
		base = fmt.Sprintf("%s(%d)", base, f.Precision)
	case f.MaxLength > 0:
		base = fmt.Sprintf("%s(%d)", base, f.MaxLength)
	}
	if f.Mode == modeRepeated {
		return "ARRAY<" + base + ">"
	}
	return base
}

// description is a field's comment, followed by those of the fields inside it.
func description(f *rest.TableFieldSchema) string {
	lines := []string{}
	if f.Description != "" {
		lines = append(lines, f.Description)
	}
	for _, inner := range f.Fields {
		if text := description(inner); text != "" {
			lines = append(lines, inner.Name+": "+text)
		}
	}
	return strings.Join(lines, "\n")
}

// columns are the columns of a table.
func columns(fields []*rest.TableFieldSchema) (value.Schema, error) {
	schema, err := columnsOf(fields)
	if err != nil {
		return nil, err
	}
	all, err := value.SchemaOf(schema)
	for i := range all {
		all[i].Description = description(fields[i])
	}
	return all, err
}
