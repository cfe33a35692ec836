package value

import (
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
)

// Type is the type of a model's column as users see it (M-23).
type Type string

// The column types. Object covers objects and arrays.
const (
	TypeBoolean   Type = "boolean"
	TypeNumber    Type = "number"
	TypeString    Type = "string"
	TypeTimestamp Type = "timestamp"
	TypeDate      Type = "date"
	TypeObject    Type = "object"
)

// Types lists the column types in the order in which they are offered.
var Types = []Type{TypeBoolean, TypeNumber, TypeString, TypeTimestamp, TypeDate, TypeObject}

// Valid reports whether t is one of Types.
func (t Type) Valid() bool {
	return slices.Contains(Types, t)
}

// Column describes one column of a model or table.
type Column struct {
	Name        string `json:"name"`
	Type        Type   `json:"type"`
	Native      string `json:"native,omitempty"` // the source's own name of the type
	Nullable    bool   `json:"nullable"`
	Description string `json:"description,omitempty"` // the source's comment
}

// Schema is an ordered list of columns with distinct names.
type Schema []Column

// Index returns the position of the named column, or -1.
func (s Schema) Index(name string) int {
	for i, c := range s {
		if c.Name == name {
			return i
		}
	}
	return -1
}

// Names returns the columns' names in order.
func (s Schema) Names() []string {
	names := make([]string, len(s))
	for i, c := range s {
		names[i] = c.Name
	}
	return names
}

// Keys of the metadata that an Arrow field may carry where its Arrow type says too little.
const (
	MetaType        = "millrace.type"        // a Type: "object" on a string column of JSON, "number" on one of decimal text
	MetaNative      = "millrace.native"      // the source's own name of the type
	MetaDescription = "millrace.description" // the source's comment on the column
)

// SchemaOf returns the columns of an Arrow schema. Every Arrow type that Flatten accepts has a Type.
func SchemaOf(s *arrow.Schema) (Schema, error) {
	columns := make(Schema, 0, s.NumFields())
	for _, f := range s.Fields() {
		t, err := typeOf(f)
		if err != nil {
			return nil, err
		}
		native, _ := f.Metadata.GetValue(MetaNative)
		if native == "" {
			native = f.Type.String()
		}
		description, _ := f.Metadata.GetValue(MetaDescription)
		columns = append(columns, Column{Name: f.Name, Type: t, Native: native, Nullable: f.Nullable, Description: description})
	}
	return columns, nil
}

func typeOf(f arrow.Field) (Type, error) {
	if t, ok := f.Metadata.GetValue(MetaType); ok {
		return Type(t), nil
	}
	switch f.Type.ID() {
	case arrow.BOOL:
		return TypeBoolean, nil
	case arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64, arrow.UINT8, arrow.UINT16, arrow.UINT32, arrow.UINT64,
		arrow.FLOAT16, arrow.FLOAT32, arrow.FLOAT64, arrow.DECIMAL32, arrow.DECIMAL64, arrow.DECIMAL128, arrow.DECIMAL256:
		return TypeNumber, nil
	case arrow.TIMESTAMP:
		return TypeTimestamp, nil
	case arrow.DATE32, arrow.DATE64:
		return TypeDate, nil
	case arrow.STRUCT, arrow.LIST, arrow.LARGE_LIST, arrow.FIXED_SIZE_LIST, arrow.MAP:
		return TypeObject, nil
	case arrow.STRING, arrow.LARGE_STRING, arrow.STRING_VIEW, arrow.BINARY, arrow.LARGE_BINARY, arrow.FIXED_SIZE_BINARY, arrow.BINARY_VIEW,
		arrow.TIME32, arrow.TIME64, arrow.DICTIONARY, arrow.NULL, arrow.DURATION, arrow.INTERVAL_MONTH_DAY_NANO, arrow.EXTENSION:
		return TypeString, nil
	default:
		return "", fmt.Errorf("column %q has the type %s, which has no counterpart here", f.Name, f.Type)
	}
}
