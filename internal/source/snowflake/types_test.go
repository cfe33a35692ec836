package snowflake_test

import (
	"math"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sourcetest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/source/snowflake"
	"github.com/millrace/millrace/internal/source/snowflake/snowflaketest"
	"github.com/millrace/millrace/internal/value"
)

// wire makes a column of the wire from JSON.
func wire(t *testing.T, kind arrow.DataType, text string) arrow.Array {
	t.Helper()
	a, _, err := array.FromJSON(memory.DefaultAllocator, kind, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func binaryOf(values ...[]byte) arrow.Array {
	b := array.NewBinaryBuilder(memory.DefaultAllocator, arrow.BinaryTypes.Binary)
	b.AppendValues(values, nil)
	return b.NewArray()
}

func decimals(scale int32, values ...decimal128.Num) arrow.Array {
	b := array.NewDecimal128Builder(memory.DefaultAllocator, &arrow.Decimal128Type{Precision: 38, Scale: scale})
	b.AppendValues(values, nil)
	return b.NewArray()
}

func structOf(t *testing.T, names []string, columns ...arrow.Array) arrow.Array {
	t.Helper()
	s, err := array.NewStructArray(columns, names)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func floats(values ...float64) arrow.Array {
	b := array.NewFloat64Builder(memory.DefaultAllocator)
	b.AppendValues(values, nil)
	return b.NewArray()
}

func texts(values ...string) arrow.Array {
	b := array.NewStringBuilder(memory.DefaultAllocator)
	b.AppendValues(values, nil)
	return b.NewArray()
}

// batch is a part of a result with one column.
func batch(column arrow.Array) arrow.RecordBatch {
	return array.NewRecordBatch(arrow.NewSchema([]arrow.Field{{Name: "V", Type: column.DataType(), Nullable: true}}, nil), []arrow.Array{column}, int64(column.Len()))
}

func column(kind string, precision, scale int64) snowflaketest.Column {
	return snowflaketest.Column{Name: "V", Type: kind, Precision: precision, Scale: scale, Nullable: true}
}

// form is a type of Snowflake in one form of the wire.
type form struct {
	name   string
	column snowflaketest.Column
	parts  []arrow.Array
	kind   value.Type
	native string
	want   []string
}

func forms(t *testing.T) []form {
	t.Helper()
	i8, i16, i32, i64 := arrow.PrimitiveTypes.Int8, arrow.PrimitiveTypes.Int16, arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int64
	most, err := decimal128.FromString("99999999999999999999999999999999999999", 38, 0)
	if err != nil {
		t.Fatal(err)
	}
	plain := []string{"epoch", "fraction"}
	zoned := []string{"epoch", "fraction", "timezone"}
	list := func(kind arrow.DataType, n int32) arrow.DataType { return arrow.FixedSizeListOf(n, kind) }
	return slicesOf(numberForms(t, most), []form{
		{"time", column("time", 0, 9), []arrow.Array{wire(t, i64, `[0, 86399123456000, 86399123456789, null]`)}, value.TypeString, "TIME(9)", []string{"00:00:00", "23:59:59.123456", "23:59:59.123456789", "null"}},
		{"time of seconds", column("time", 0, 0), []arrow.Array{wire(t, i32, `[45296]`)}, value.TypeString, "TIME(0)", []string{"12:34:56"}},
		{"date", column("date", 0, 0), []arrow.Array{wire(t, arrow.FixedWidthTypes.Date32, `["2024-02-29", null]`)}, value.TypeDate, "DATE", []string{"2024-02-29", "null"}},
		{"ntz", column("timestamp_ntz", 0, 9), []arrow.Array{structOf(t, plain, wire(t, i64, `[1709210096, -1, -62135596800, 253402300799]`), wire(t, i32, `[789012345, 999999999, 0, 999999000]`))},
			value.TypeTimestamp, "TIMESTAMP_NTZ(9)", []string{"2024-02-29T12:34:56.789012Z", "1969-12-31T23:59:59.999999Z", "0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999999Z"}},
		{"ntz of milliseconds", column("timestamp_ntz", 0, 3), []arrow.Array{wire(t, i64, `[1709210096789, -1, null]`)}, value.TypeTimestamp, "TIMESTAMP_NTZ(3)", []string{"2024-02-29T12:34:56.789Z", "1969-12-31T23:59:59.999Z", "null"}},
		{"ltz", column("timestamp_ltz", 0, 9), []arrow.Array{structOf(t, plain, wire(t, i64, `[1709210096]`), wire(t, i32, `[0]`))}, value.TypeTimestamp, "TIMESTAMP_LTZ(9)", []string{"2024-02-29T12:34:56.000Z"}},
		{"ltz of seconds", column("timestamp_ltz", 0, 0), []arrow.Array{wire(t, i64, `[1709210096]`)}, value.TypeTimestamp, "TIMESTAMP_LTZ(0)", []string{"2024-02-29T12:34:56.000Z"}},
		{"tz", column("timestamp_tz", 0, 9), []arrow.Array{structOf(t, zoned, wire(t, i64, `[1709210096]`), wire(t, i32, `[789012000]`), wire(t, i32, `[1560]`))}, value.TypeTimestamp, "TIMESTAMP_TZ(9)", []string{"2024-02-29T12:34:56.789012Z"}},
		{"tz of milliseconds", column("timestamp_tz", 0, 3), []arrow.Array{structOf(t, []string{"epoch", "timezone"}, wire(t, i64, `[1709210096789]`), wire(t, i32, `[900]`))}, value.TypeTimestamp, "TIMESTAMP_TZ(3)", []string{"2024-02-29T12:34:56.789Z"}},
		{"text", snowflaketest.Column{Name: "V", Type: "text", Length: 20}, []arrow.Array{texts("a", "", "😀")}, value.TypeString, "VARCHAR(20)", []string{"a", "", "😀"}},
		{"long text", column("text", 0, 0), []arrow.Array{texts(strings.Repeat("ä", 5<<20))}, value.TypeString, "VARCHAR", []string{strings.Repeat("ä", 5<<20)}},
		{"binary", snowflaketest.Column{Name: "V", Type: "binary", Length: 3}, []arrow.Array{binaryOf([]byte{0, 255})}, value.TypeString, "BINARY(3)", []string{"AP8="}},
		{"variant", column("variant", 0, 0), []arrow.Array{texts(`{"b":[1,null,{"c":1.50}]}`, `"text"`, `12`, `null`)}, value.TypeObject, "VARIANT", []string{`{"b":[1,null,{"c":1.50}]}`, "text", "12", "null"}},
		{"array with holes", column("array", 0, 0), []arrow.Array{texts("[\n  undefined,\n  \"undefined, \\\"NaN\",\n  NaN,\n -Infinity\n]")}, value.TypeObject, "ARRAY", []string{`[null,"undefined, \"NaN",null,null]`}},
		{"object", column("object", 0, 0), []arrow.Array{texts(`{}`)}, value.TypeObject, "OBJECT", []string{`{}`}},
		{"map", column("map", 0, 0), []arrow.Array{texts(`{"a":1}`)}, value.TypeObject, "MAP", []string{`{"a":1}`}},
		{"geography", column("geography", 0, 0), []arrow.Array{texts(`{"coordinates":[1.5,-2],"type":"Point"}`)}, value.TypeObject, "GEOGRAPHY", []string{`{"coordinates":[1.5,-2],"type":"Point"}`}},
		{"geometry", column("geometry", 0, 0), []arrow.Array{texts(`{"coordinates":[1,2],"type":"Point"}`)}, value.TypeObject, "GEOMETRY", []string{`{"coordinates":[1,2],"type":"Point"}`}},
		{"vector", column("vector", 0, 0), []arrow.Array{wire(t, list(arrow.PrimitiveTypes.Float32, 3), `[[0.1, -2, 3e30], null]`)}, value.TypeObject, "VECTOR", []string{`[0.1,-2,3e+30]`, "null"}},
		{"vector of integers", column("vector", 0, 0), []arrow.Array{wire(t, list(i32, 2), `[[1, -2]]`)}, value.TypeObject, "VECTOR", []string{`[1,-2]`}},
		{"widths", column("fixed", 38, 0), []arrow.Array{wire(t, i8, `[1]`), wire(t, i16, `[300, null]`), wire(t, i32, `[70000]`), decimals(0, most)}, value.TypeNumber, "NUMBER(38,0)", []string{"1", "300", "null", "70000", most.ToString(0)}},
	})
}

func slicesOf(all ...[]form) (joined []form) {
	for _, some := range all {
		joined = append(joined, some...)
	}
	return joined
}

func numberForms(t *testing.T, most decimal128.Num) []form {
	t.Helper()
	i8, i16, i32, i64 := arrow.PrimitiveTypes.Int8, arrow.PrimitiveTypes.Int16, arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int64
	return []form{
		{"whole", column("fixed", 38, 0), []arrow.Array{decimals(0, most, most.Negate())}, value.TypeNumber, "NUMBER(38,0)", []string{most.ToString(0), most.Negate().ToString(0)}},
		{"whole in 8 bits", column("fixed", 38, 0), []arrow.Array{wire(t, i8, `[-128, null]`)}, value.TypeNumber, "NUMBER(38,0)", []string{"-128", "null"}},
		{"whole of few digits", column("fixed", 10, 0), []arrow.Array{wire(t, i16, `[32767, null]`)}, value.TypeNumber, "NUMBER(10,0)", []string{"32767", "null"}},
		{"whole of few digits in 128 bits", column("fixed", 18, 0), []arrow.Array{decimals(0, decimal128.FromI64(-7))}, value.TypeNumber, "NUMBER(18,0)", []string{"-7"}},
		{"scaled in 8 bits", column("fixed", 5, 2), []arrow.Array{wire(t, i8, `[-5]`)}, value.TypeNumber, "NUMBER(5,2)", []string{"-0.05"}},
		{"scaled in 32 bits", column("fixed", 12, 2), []arrow.Array{wire(t, i32, `[1050]`)}, value.TypeNumber, "NUMBER(12,2)", []string{"10.50"}},
		{"scaled in 64 bits", column("fixed", 38, 11), []arrow.Array{wire(t, i64, `[12312345678910]`)}, value.TypeNumber, "NUMBER(38,11)", []string{"123.12345678910"}},
		{"scaled in 128 bits", column("fixed", 38, 38), []arrow.Array{decimals(38, decimal128.FromI64(1))}, value.TypeNumber, "NUMBER(38,38)", []string{"0." + strings.Repeat("0", 37) + "1"}},
		{"float", column("real", 0, 0), []arrow.Array{floats(0.1, math.NaN(), math.Inf(1), math.Inf(-1), 1e300)}, value.TypeNumber, "FLOAT", []string{"0.1", "null", "null", "null", "1e+300"}},
		{"decfloat", column("decfloat", 0, 0), []arrow.Array{structOf(t, []string{"exponent", "significand"}, wire(t, i16, `[-2, 3, 0, -5]`), binaryOf([]byte{0x04, 0xd2}, []byte{0xff}, []byte{0}, []byte{0x7b}))},
			value.TypeNumber, "DECFLOAT", []string{"12.34", "-1000", "0", "0.00123"}},
		{"boolean", column("boolean", 0, 0), []arrow.Array{wire(t, arrow.FixedWidthTypes.Boolean, `[true, false, null]`)}, value.TypeBoolean, "BOOLEAN", []string{"true", "false", "null"}},
	}
}

// Every type arrives exactly, in each form that the wire has for it.
//
// Req: S-10, M-23
func TestTypes(t *testing.T) {
	t.Parallel()
	server := standIn(t)
	source := openAt(t, snowflake.Info(), settingsOf(t, server))
	for _, f := range forms(t) {
		answer := snowflaketest.Answer{Columns: []snowflaketest.Column{f.column}}
		for _, p := range f.parts {
			answer.Batches = append(answer.Batches, batch(p))
		}
		server.Answer("SELECT "+f.name, answer)
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			r, err := source.Query(t.Context(), connector.Query{SQL: "SELECT " + f.name})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Release()
			got := sourcetest.Read(t, r)
			if c := got.Schema[0]; c.Type != f.kind || c.Native != f.native {
				t.Errorf("the column is %+v, want %s %s", c, f.kind, f.native)
			}
			var cells []string
			for _, row := range got.Rows {
				text := row[0].String()
				if row[0].IsNull() {
					text = "null"
				}
				cells = append(cells, text)
			}
			if len(cells) != len(f.want) {
				t.Fatalf("%d values, want %d", len(cells), len(f.want))
			}
			for i, want := range f.want {
				if cells[i] != want {
					t.Errorf("value %d is %.80s, want %.80s", i, cells[i], want)
				}
			}
		})
	}
}

// What cannot be held is an error that names the column.
//
// Req: S-10, M-23
func TestTypesThatCannotBeHeld(t *testing.T) {
	t.Parallel()
	server := standIn(t)
	source := openAt(t, snowflake.Info(), settingsOf(t, server))
	i64 := arrow.PrimitiveTypes.Int64
	for name, c := range map[string]struct {
		column snowflaketest.Column
		part   arrow.Array
	}{
		"interval":          {column("interval_year_month", 0, 0), wire(t, i64, `[1]`)},
		"another form":      {column("real", 0, 0), texts("1")},
		"text in no UTF-8":  {column("text", 0, 0), texts("a\xff")},
		"no JSON":           {column("variant", 0, 0), texts("{oops")},
		"more digits":       {column("fixed", 18, 0), decimals(0, decimal128.New(1, 0))},
		"huge decfloat":     {column("decfloat", 0, 0), structOf(t, []string{"exponent", "significand"}, wire(t, arrow.PrimitiveTypes.Int16, `[16000]`), binaryOf([]byte{1}))},
		"a clock too exact": {column("time", 0, 12), wire(t, i64, `[1]`)},
	} {
		server.Answer("SELECT "+name, snowflaketest.Answer{Columns: []snowflaketest.Column{c.column}, Batches: []arrow.RecordBatch{batch(c.part)}})
		r, err := source.Query(t.Context(), connector.Query{SQL: "SELECT " + name})
		if err == nil {
			for r.Next() {
				t.Errorf("%s was read: %v", name, r.RecordBatch())
			}
			err = r.Err()
			r.Release()
		}
		if !fault.Is(err, fault.CodeSourceType) || !strings.Contains(err.Error(), `"V"`) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
