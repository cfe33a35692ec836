package value_test

import (
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/float16"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/millrace/millrace/internal/value"
)

// column is one column of three rows, from Arrow's JSON; the second is null.
type column struct {
	name  string
	field arrow.Field
	json  string
	flat  arrow.DataType
	kind  value.Type
	want  [3]string // as JSON
}

func typed(t value.Type) arrow.Metadata {
	return arrow.NewMetadata([]string{value.MetaType}, []string{string(t)})
}

func columns() []column {
	text, micros := arrow.BinaryTypes.String, &arrow.TimestampType{Unit: arrow.Microsecond}
	field := func(t arrow.DataType) arrow.Field { return arrow.Field{Type: t, Nullable: true} }
	point := arrow.StructOf(arrow.Field{Name: "y", Type: arrow.PrimitiveTypes.Int64, Nullable: true}, arrow.Field{Name: "x", Type: text, Nullable: true})
	return []column{
		{"boolean", field(arrow.FixedWidthTypes.Boolean), `[true,null,false]`, arrow.FixedWidthTypes.Boolean, value.TypeBoolean, [3]string{`true`, `null`, `false`}},
		{"int8", field(arrow.PrimitiveTypes.Int8), `[1,null,-128]`, arrow.PrimitiveTypes.Int8, value.TypeNumber, [3]string{`1`, `null`, `-128`}},
		{"int64", field(arrow.PrimitiveTypes.Int64), `[9223372036854775807,null,-1]`, arrow.PrimitiveTypes.Int64, value.TypeNumber, [3]string{`9223372036854775807`, `null`, `-1`}},
		{"uint64", field(arrow.PrimitiveTypes.Uint64), `[18446744073709551615,null,0]`, arrow.PrimitiveTypes.Uint64, value.TypeNumber, [3]string{`18446744073709551615`, `null`, `0`}},
		{"float32", field(arrow.PrimitiveTypes.Float32), `[0.1,null,2]`, arrow.PrimitiveTypes.Float64, value.TypeNumber, [3]string{`0.1`, `null`, `2`}},
		{"float64", field(arrow.PrimitiveTypes.Float64), `[0.1,null,1e300]`, arrow.PrimitiveTypes.Float64, value.TypeNumber, [3]string{`0.1`, `null`, `1e+300`}},
		{"decimal", field(&arrow.Decimal128Type{Precision: 20, Scale: 4}), `["1.5000",null,"-0.0100"]`, &arrow.Decimal128Type{Precision: 20, Scale: 4}, value.TypeNumber, [3]string{`1.5000`, `null`, `-0.0100`}},
		{"decimal without a fraction", field(&arrow.Decimal128Type{Precision: 20}), `["15",null,"-3"]`, &arrow.Decimal128Type{Precision: 20}, value.TypeNumber, [3]string{`15`, `null`, `-3`}},
		{"decimal256", field(&arrow.Decimal256Type{Precision: 60, Scale: 1}), `["123456789012345678901234567890123456789012345.5",null,"0.0"]`, text, value.TypeNumber, [3]string{`123456789012345678901234567890123456789012345.5`, `null`, `0.0`}},
		{"text", field(text), `["O'Brien",null,""]`, text, value.TypeString, [3]string{`"O'Brien"`, `null`, `""`}},
		{"large text", field(arrow.BinaryTypes.LargeString), `["é",null,""]`, text, value.TypeString, [3]string{`"é"`, `null`, `""`}},
		{"text of numbers", arrow.Field{Type: text, Nullable: true, Metadata: typed(value.TypeNumber)}, `["1.50",null,"7"]`, text, value.TypeNumber, [3]string{`1.50`, `null`, `7`}},
		{"text of JSON", arrow.Field{Type: text, Nullable: true, Metadata: typed(value.TypeObject)}, `["{\"b\": 1, \"a\": [2]}",null,"oops"]`, text, value.TypeObject, [3]string{`{"a":[2],"b":1}`, `null`, `"oops"`}},
		{"binary", field(arrow.BinaryTypes.Binary), `["AAH/",null,""]`, arrow.BinaryTypes.Binary, value.TypeString, [3]string{`"AAH/"`, `null`, `""`}},
		{"fixed binary", field(&arrow.FixedSizeBinaryType{ByteWidth: 2}), `["AAE=",null,"//8="]`, arrow.BinaryTypes.Binary, value.TypeString, [3]string{`"AAE="`, `null`, `"//8="`}},
		{"date32", field(arrow.FixedWidthTypes.Date32), `["2026-03-01",null,"1969-12-31"]`, arrow.FixedWidthTypes.Date32, value.TypeDate, [3]string{`"2026-03-01"`, `null`, `"1969-12-31"`}},
		{"date64", field(arrow.FixedWidthTypes.Date64), `["2026-03-01",null,"1969-12-31"]`, arrow.FixedWidthTypes.Date32, value.TypeDate, [3]string{`"2026-03-01"`, `null`, `"1969-12-31"`}},
		{"instant in seconds", field(&arrow.TimestampType{Unit: arrow.Second}), `["2026-03-01 12:00:00",null,"1969-12-31 23:59:59"]`, micros, value.TypeTimestamp, [3]string{`"2026-03-01T12:00:00.000Z"`, `null`, `"1969-12-31T23:59:59.000Z"`}},
		{"instant in microseconds", field(micros), `["2026-03-01 12:00:00.000001",null,"1970-01-01 00:00:00"]`, micros, value.TypeTimestamp, [3]string{`"2026-03-01T12:00:00.000001Z"`, `null`, `"1970-01-01T00:00:00.000Z"`}},
		{"instant with a zone", field(&arrow.TimestampType{Unit: arrow.Nanosecond, TimeZone: "Europe/Berlin"}), `["2026-03-01 12:00:00Z",null,"1970-01-01 00:00:00Z"]`, micros, value.TypeTimestamp, [3]string{`"2026-03-01T12:00:00.000Z"`, `null`, `"1970-01-01T00:00:00.000Z"`}},
		{"time of day", field(arrow.FixedWidthTypes.Time64us), `["10:11:12.5",null,"00:00:00"]`, text, value.TypeString, [3]string{`"10:11:12.500000"`, `null`, `"00:00:00"`}},
		{"list", field(arrow.ListOf(arrow.PrimitiveTypes.Int64)), `[[1,null,2],null,[]]`, text, value.TypeObject, [3]string{`[1,null,2]`, `null`, `[]`}},
		{"object", field(point), `[{"y":1,"x":"a"},null,{"y":null,"x":"\""}]`, text, value.TypeObject, [3]string{`{"x":"a","y":1}`, `null`, `{"x":"\"","y":null}`}},
		{"list of objects", field(arrow.ListOf(point)), `[[{"y":1,"x":"a"}],null,[null]]`, text, value.TypeObject, [3]string{`[{"x":"a","y":1}]`, `null`, `[null]`}},
		{"map", field(arrow.MapOf(text, arrow.PrimitiveTypes.Int64)), `[[{"key":"b","value":1},{"key":"a","value":2}],null,[]]`, text, value.TypeObject, [3]string{`{"a":2,"b":1}`, `null`, `{}`}},
		{"dictionary", field(&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: text}), `["red",null,"blue"]`, text, value.TypeString, [3]string{`"red"`, `null`, `"blue"`}},
		{"nothing", field(arrow.Null), `[null,null,null]`, text, value.TypeString, [3]string{`null`, `null`, `null`}},
	}
}

// Whatever a source's columns are, their flat form says the same: the same type to users, and the same values as
// a reader of the original, except that objects are canonical.
//
// Req: M-12, M-23, M-29, SY-97
func TestFlatten(t *testing.T) {
	t.Parallel()
	for _, c := range columns() {
		c.field.Name = c.name
		a, _, err := array.FromJSON(memory.DefaultAllocator, c.field.Type, strings.NewReader(c.json))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		schema := arrow.NewSchema([]arrow.Field{c.field}, nil)
		r, err := array.NewRecordReader(schema, []arrow.RecordBatch{array.NewRecordBatch(schema, []arrow.Array{a}, 3)})
		if err != nil {
			t.Fatal(err)
		}
		flat, err := value.Flatten(r, nil)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		f := flat.Schema().Field(0)
		if !arrow.TypeEqual(f.Type, c.flat) {
			t.Errorf("%s becomes %s, want %s", c.name, f.Type, c.flat)
		}
		before, err := value.SchemaOf(schema)
		if err != nil {
			t.Fatal(err)
		}
		after, err := value.SchemaOf(flat.Schema())
		if err != nil || after[0] != before[0] || after[0].Type != c.kind {
			t.Errorf("%s: %+v becomes %+v, %v; want a %s", c.name, before[0], after[0], err, c.kind)
		}
		if !flat.Next() {
			t.Fatalf("%s: no batch: %v", c.name, flat.Err())
		}
		compareColumn(t, c, a, f, flat.RecordBatch().Column(0))
		flat.Release()
		r.Release()
	}
}

func compareColumn(t *testing.T, c column, original arrow.Array, f arrow.Field, flat arrow.Array) {
	t.Helper()
	was, err := value.NewReader(c.field, original)
	if err != nil {
		t.Fatalf("%s: %v", c.name, err)
	}
	is, err := value.NewReader(f, flat)
	if err != nil {
		t.Fatalf("%s: %v", c.name, err)
	}
	for i, want := range c.want {
		if got := string(is(i).AppendJSON(nil)); got != want {
			t.Errorf("%s, row %d: %s, want %s", c.name, i, got, want)
		}
		if want != `"oops"` && !was(i).Equal(is(i)) {
			t.Errorf("%s, row %d: %s %s before, %s %s after", c.name, i, was(i).Kind(), was(i).AppendJSON(nil), is(i).Kind(), is(i).AppendJSON(nil))
		}
	}
}

func TestFlattenChoosesColumns(t *testing.T) {
	t.Parallel()
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "a", Type: arrow.PrimitiveTypes.Int64}, {Name: "b", Type: arrow.FixedWidthTypes.Float16}, {Name: "c", Type: arrow.BinaryTypes.String}, {Name: "c", Type: arrow.BinaryTypes.String},
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	b.Field(0).(*array.Int64Builder).Append(1)
	b.Field(1).(*array.Float16Builder).Append(float16.New(0.5))
	b.Field(2).(*array.StringBuilder).Append("x")
	b.Field(3).(*array.StringBuilder).Append("y")
	r, err := array.NewRecordReader(schema, []arrow.RecordBatch{b.NewRecordBatch()})
	if err != nil {
		t.Fatal(err)
	}
	for _, names := range [][]string{{"nope"}, {"c"}, nil} {
		if _, err := value.Flatten(r, names); err == nil {
			t.Errorf("%v: a column that is not there, or twice, is accepted", names)
		}
	}
	flat, err := value.Flatten(r, []string{"b", "a"})
	if err != nil {
		t.Fatal(err)
	}
	r.Release() // flat has its own reference
	if !flat.Next() || flat.RecordBatch().NumCols() != 2 || flat.RecordBatch().ColumnName(0) != "b" {
		t.Fatalf("%v", flat.Err())
	}
	if got := flat.RecordBatch().Column(0).(*array.Float64).Value(0); got != 0.5 {
		t.Errorf("a half is %v", got)
	}
	if flat.Next() || flat.Err() != nil {
		t.Errorf("after the last batch: %v", flat.Err())
	}
	flat.Release()
}

// Bytes that are no text never stop a run.
func TestFlattenMendsText(t *testing.T) {
	t.Parallel()
	schema := arrow.NewSchema([]arrow.Field{{Name: "a", Type: arrow.BinaryTypes.String}, {Name: "o", Type: arrow.BinaryTypes.String, Metadata: typed(value.TypeObject)}}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	b.Field(0).(*array.StringBuilder).AppendValues([]string{"ok and long enough", "a\xffb"}, nil)
	b.Field(1).(*array.StringBuilder).AppendValues([]string{"{\"a\":\"\xff\"}", "\xff"}, nil)
	r, err := array.NewRecordReader(schema, []arrow.RecordBatch{b.NewRecordBatch()})
	if err != nil {
		t.Fatal(err)
	}
	flat, err := value.Flatten(r, nil)
	if err != nil || !flat.Next() {
		t.Fatal(err)
	}
	text, object := flat.RecordBatch().Column(0).(*array.String), flat.RecordBatch().Column(1).(*array.String)
	if text.Value(0) != "ok and long enough" || text.Value(1) != "a\ufffdb" {
		t.Errorf("%q %q", text.Value(0), text.Value(1))
	}
	if object.Value(0) != "{\"a\":\"\ufffd\"}" || object.Value(1) != `"\ufffd"` {
		t.Errorf("%q %q", object.Value(0), object.Value(1))
	}
}
