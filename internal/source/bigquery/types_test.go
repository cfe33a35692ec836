package bigquery

import (
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/decimal256"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sourcetest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/source/bigquery/bigquerytest"
	"github.com/millrace/millrace/internal/value"
	rest "google.golang.org/api/bigquery/v2"
)

// typed is a type of BigQuery: a cell of a page, the same in Arrow, and what both must be.
type typed struct {
	field  *rest.TableFieldSchema
	cell   any
	arrow  arrow.DataType
	append func(b array.Builder)
	typ    value.Type
	native string
	want   value.Value
}

func field(typ string, inner ...*rest.TableFieldSchema) *rest.TableFieldSchema {
	return &rest.TableFieldSchema{Type: typ, Mode: "NULLABLE", Fields: inner}
}

func called(name string, f *rest.TableFieldSchema) *rest.TableFieldSchema {
	f.Name = name
	return f
}

func repeated(f *rest.TableFieldSchema) *rest.TableFieldSchema {
	f.Mode = "REPEATED"
	return f
}

func rangeField(element string) *rest.TableFieldSchema {
	return &rest.TableFieldSchema{Type: "RANGE", Mode: "NULLABLE", RangeElementType: &rest.TableFieldSchemaRangeElementType{Type: element}}
}

func cells(all ...any) []any {
	wrapped := make([]any, len(all))
	for i, c := range all {
		wrapped[i] = map[string]any{"v": c}
	}
	return wrapped
}

var (
	micros    = &arrow.TimestampType{Unit: arrow.Microsecond}
	microsUTC = &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}
	digits76  = strings.Repeat("5", 38) + "." + strings.Repeat("4", 38)
	unscaled  = strings.Repeat("5", 38) + strings.Repeat("4", 38)
)

func text(s string) func(array.Builder) {
	return func(b array.Builder) { b.(*array.StringBuilder).Append(s) }
}

func number(n int64) func(array.Builder) {
	return func(b array.Builder) { b.(*array.Int64Builder).Append(n) }
}

func float(n float64) func(array.Builder) {
	return func(b array.Builder) { b.(*array.Float64Builder).Append(n) }
}

func day(n int32) func(array.Builder) {
	return func(b array.Builder) { b.(*array.Date32Builder).Append(arrow.Date32(n)) }
}

func instant(n int64) func(array.Builder) {
	return func(b array.Builder) { b.(*array.TimestampBuilder).Append(arrow.Timestamp(n)) }
}

func interval(months, days int32, nanos int64) func(array.Builder) {
	return func(b array.Builder) {
		b.(*array.MonthDayNanoIntervalBuilder).Append(arrow.MonthDayNanoInterval{Months: months, Days: days, Nanoseconds: nanos})
	}
}

func ends(of arrow.DataType) arrow.DataType {
	return arrow.StructOf(arrow.Field{Name: "start", Type: of, Nullable: true}, arrow.Field{Name: "end", Type: of, Nullable: true})
}

// members appends a struct; nil is a member that is null.
func members(all ...func(array.Builder)) func(array.Builder) {
	return func(b array.Builder) {
		s := b.(*array.StructBuilder)
		s.Append(true)
		for i, add := range all {
			if add == nil {
				s.FieldBuilder(i).AppendNull()
			} else {
				add(s.FieldBuilder(i))
			}
		}
	}
}

func list(all ...func(array.Builder)) func(array.Builder) {
	return func(b array.Builder) {
		l := b.(*array.ListBuilder)
		l.Append(true)
		for _, add := range all {
			add(l.ValueBuilder())
		}
	}
}

var everyType = map[string]typed{
	"int":                {field("INTEGER"), "-9223372036854775808", arrow.PrimitiveTypes.Int64, number(math.MinInt64), value.TypeNumber, "INT64", value.OfInt(math.MinInt64)},
	"int by its name":    {field("INT64"), "7", arrow.PrimitiveTypes.Int64, number(7), value.TypeNumber, "INT64", value.OfInt(7)},
	"float":              {field("FLOAT"), "5e-324", arrow.PrimitiveTypes.Float64, float(5e-324), value.TypeNumber, "FLOAT64", value.OfFloat(5e-324)},
	"not a number":       {field("FLOAT"), "NaN", arrow.PrimitiveTypes.Float64, float(math.NaN()), value.TypeNumber, "FLOAT64", value.Value{}},
	"infinity":           {field("FLOAT"), "Infinity", arrow.PrimitiveTypes.Float64, float(math.Inf(1)), value.TypeNumber, "FLOAT64", value.Value{}},
	"negative infinity":  {field("FLOAT"), "-Infinity", arrow.PrimitiveTypes.Float64, float(math.Inf(-1)), value.TypeNumber, "FLOAT64", value.Value{}},
	"bool":               {field("BOOLEAN"), "true", arrow.FixedWidthTypes.Boolean, func(b array.Builder) { b.(*array.BooleanBuilder).Append(true) }, value.TypeBoolean, "BOOL", value.OfBool(true)},
	"numeric":            {field("NUMERIC"), "-0.1", &arrow.Decimal128Type{Precision: 38, Scale: 9}, func(b array.Builder) { b.(*array.Decimal128Builder).Append(decimal128.FromI64(-100_000_000)) }, value.TypeNumber, "NUMERIC", value.OfDecimal("-0.1")},
	"whole numeric":      {field("NUMERIC"), "1200", &arrow.Decimal128Type{Precision: 38, Scale: 9}, func(b array.Builder) { b.(*array.Decimal128Builder).Append(decimal128.FromI64(1_200_000_000_000)) }, value.TypeNumber, "NUMERIC", value.OfInt(1200)},
	"bignumeric":         {field("BIGNUMERIC"), digits76, &arrow.Decimal256Type{Precision: 76, Scale: 38}, func(b array.Builder) { b.(*array.Decimal256Builder).Append(decimal256.FromBigInt(bigInt(unscaled))) }, value.TypeNumber, "BIGNUMERIC", value.OfDecimal(digits76)},
	"string":             {field("STRING"), "a\x00é😀", arrow.BinaryTypes.String, text("a\x00é😀"), value.TypeString, "STRING", value.OfText("a\x00é😀")},
	"bytes":              {field("BYTES"), "AP8=", arrow.BinaryTypes.Binary, func(b array.Builder) { b.(*array.BinaryBuilder).Append([]byte{0, 255}) }, value.TypeString, "BYTES", value.OfBytes([]byte{0, 255})},
	"date":               {field("DATE"), "0001-01-01", arrow.FixedWidthTypes.Date32, day(-719_162), value.TypeDate, "DATE", value.OfDay(-719_162)},
	"datetime":           {field("DATETIME"), "9999-12-31T23:59:59.999999", micros, instant(253_402_300_799_999_999), value.TypeTimestamp, "DATETIME", value.OfMicros(253_402_300_799_999_999)},
	"datetime of a day":  {field("DATETIME"), "1970-01-02T00:00:00", micros, instant(86_400_000_000), value.TypeTimestamp, "DATETIME", value.OfMicros(86_400_000_000)},
	"time":               {field("TIME"), "23:59:59.999999", arrow.FixedWidthTypes.Time64us, func(b array.Builder) { b.(*array.Time64Builder).Append(86_399_999_999) }, value.TypeString, "TIME", value.OfText("23:59:59.999999")},
	"timestamp":          {field("TIMESTAMP"), "-1", microsUTC, instant(-1), value.TypeTimestamp, "TIMESTAMP", value.OfMicros(-1)},
	"json":               {field("JSON"), `{"a":[1,null]}`, arrow.BinaryTypes.String, text(`{"a":[1,null]}`), value.TypeObject, "JSON", value.OfJSON(`{"a":[1,null]}`)},
	"geography":          {field("GEOGRAPHY"), "POINT(1 2)", arrow.BinaryTypes.String, text("POINT(1 2)"), value.TypeString, "GEOGRAPHY", value.OfText("POINT(1 2)")},
	"interval":           {field("INTERVAL"), "1-2 3 4:5:6.700000", arrow.FixedWidthTypes.MonthDayNanoInterval, interval(14, 3, 14_706_700_000_000), value.TypeString, "INTERVAL", value.OfText("1-2 3 4:5:6.7")},
	"negative interval":  {field("INTERVAL"), "-0-1 -3 -0:0:0.5", arrow.FixedWidthTypes.MonthDayNanoInterval, interval(-1, -3, -500_000_000), value.TypeString, "INTERVAL", value.OfText("-0-1 -3 -0:0:0.5")},
	"range of dates":     {rangeField("DATE"), "[2024-02-29, UNBOUNDED)", ends(arrow.FixedWidthTypes.Date32), members(day(19_782), nil), value.TypeString, "RANGE<DATE>", value.OfText("[2024-02-29, UNBOUNDED)")},
	"range of instants":  {rangeField("TIMESTAMP"), "[0, 1000000)", ends(microsUTC), members(instant(0), instant(1_000_000)), value.TypeString, "RANGE<TIMESTAMP>", value.OfText("[1970-01-01T00:00:00.000Z, 1970-01-01T00:00:01.000Z)")},
	"range of datetimes": {rangeField("DATETIME"), "[UNBOUNDED, 1970-01-01T00:00:01)", ends(micros), members(nil, instant(1_000_000)), value.TypeString, "RANGE<DATETIME>", value.OfText("[UNBOUNDED, 1970-01-01T00:00:01.000Z)")},
	"array":              {repeated(field("INTEGER")), cells("1", "2"), arrow.ListOf(arrow.PrimitiveTypes.Int64), list(number(1), number(2)), value.TypeObject, "ARRAY<INT64>", value.OfJSON("[1,2]")},
	"empty array":        {repeated(field("STRING")), []any{}, arrow.ListOf(arrow.BinaryTypes.String), list(), value.TypeObject, "ARRAY<STRING>", value.OfJSON("[]")},
	"struct": {
		field("RECORD", called("a", field("INTEGER")), called("b c", field("NUMERIC")), called("d", field("FLOAT")), called("e", field("INTERVAL"))),
		map[string]any{"f": cells("1", nil, "NaN", "0-0 1 0:0:0")},
		arrow.StructOf(arrow.Field{Name: "a", Type: arrow.PrimitiveTypes.Int64, Nullable: true}, arrow.Field{Name: "b c", Type: &arrow.Decimal128Type{Precision: 38, Scale: 9}, Nullable: true},
			arrow.Field{Name: "d", Type: arrow.PrimitiveTypes.Float64, Nullable: true}, arrow.Field{Name: "e", Type: arrow.FixedWidthTypes.MonthDayNanoInterval, Nullable: true}),
		members(number(1), nil, float(math.NaN()), interval(0, 1, 0)), value.TypeObject, "STRUCT<a INT64, b c NUMERIC, d FLOAT64, e INTERVAL>", value.OfJSON(`{"a":1,"b c":null,"d":null,"e":"0-0 1 0:0:0"}`),
	},
	"array of structs": {
		repeated(field("STRUCT", called("at", field("TIMESTAMP")), called("raw", field("BYTES")), called("tags", repeated(field("JSON"))))),
		cells(map[string]any{"f": cells("0", "AP8=", cells(`{"x":1}`, `"s"`))}),
		arrow.ListOf(arrow.StructOf(arrow.Field{Name: "at", Type: microsUTC, Nullable: true}, arrow.Field{Name: "raw", Type: arrow.BinaryTypes.Binary, Nullable: true},
			arrow.Field{Name: "tags", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true})),
		list(members(instant(0), func(b array.Builder) { b.(*array.BinaryBuilder).Append([]byte{0, 255}) }, list(text(`{"x":1}`), text(`"s"`)))),
		value.TypeObject, "ARRAY<STRUCT<at TIMESTAMP, raw BYTES, tags ARRAY<JSON>>>", value.OfJSON(`[{"at":"1970-01-01T00:00:00.000Z","raw":"AP8=","tags":[{"x":1},"s"]}]`),
	},
}

func bigInt(text string) *big.Int {
	n, _ := new(big.Int).SetString(text, 10)
	return n
}

// result is a value and a null of a type; an array is never null.
func (c typed) result() bigquerytest.Result {
	f := *c.field
	f.Name = "v"
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{{Name: "v", Type: c.arrow, Nullable: true}}, nil))
	defer b.Release()
	c.append(b.Field(0))
	rows := [][]any{{c.cell}}
	if f.Mode != "REPEATED" {
		b.Field(0).AppendNull()
		rows = append(rows, []any{nil})
	}
	return bigquerytest.Result{Fields: []*rest.TableFieldSchema{&f}, Cells: rows, Arrow: b.NewRecordBatch()}
}

// Every type arrives the same, in pages and through the Storage Read API.
//
// Req: S-12, M-23
func TestEveryType(t *testing.T) {
	t.Parallel()
	o := bigquerytest.Options{Results: map[string]bigquerytest.Result{}}
	for name, c := range everyType {
		o.Results["SELECT '"+name+"' AS v"] = c.result()
	}
	s := bigquerytest.New(t, o)
	pages, stream := openAt(t, with(settingsOf(s), "storageRead", false)), openAt(t, settingsOf(s))
	stream.always = true
	t.Cleanup(func() {
		if s.Reads() != len(everyType) {
			t.Errorf("%d streams were opened for %d results", s.Reads(), len(everyType))
		}
	})
	for name, c := range everyType {
		for way, source := range map[string]*Source{"pages": pages, "stream": stream} {
			t.Run(name+" in "+way, func(t *testing.T) {
				t.Parallel()
				got := read(t, source, "SELECT '"+name+"' AS v")
				if col := got.Schema[0]; col.Type != c.typ || col.Native != c.native {
					t.Errorf("the column is %+v, want %s %s", col, c.typ, c.native)
				}
				first := got.Rows[0][0]
				if !first.Equal(c.want) || first.String() != c.want.String() && c.typ != value.TypeObject {
					t.Errorf("it arrived as %s %q, want %s %q", first.Kind(), first, c.want.Kind(), c.want)
				}
				if len(got.Rows) > 1 && !got.Rows[1][0].IsNull() {
					t.Errorf("null arrived as %q", got.Rows[1][0])
				}
			})
		}
	}
}

func read(t *testing.T, s connector.Source, sql string) sourcetest.Table {
	t.Helper()
	r, err := s.Query(t.Context(), connector.Query{SQL: sql})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	return sourcetest.Read(t, r)
}

// What cannot be held is an error that names the column, and never another value.
//
// Req: M-23
func TestWhatCannotBeHeld(t *testing.T) {
	t.Parallel()
	picos := int64(12)
	one := func(f *rest.TableFieldSchema, cell any) bigquerytest.Result {
		return bigquerytest.Result{Fields: []*rest.TableFieldSchema{called("the_column", f)}, Cells: [][]any{{cell}}}
	}
	o := bigquerytest.Options{Results: map[string]bigquerytest.Result{
		"SELECT 1 AS a": one(&rest.TableFieldSchema{Type: "TIMESTAMP", TimestampPrecision: &picos}, "0"),
		"SELECT 2 AS a": one(field("HOLOGRAM"), "x"),
		"SELECT 3 AS a": one(field("STRUCT", called("inside", field("HOLOGRAM"))), nil),
		"SELECT 4 AS a": one(field("INTEGER"), "12345678901234567890"),
		"SELECT 5 AS a": one(field("BYTES"), "!"),
		"SELECT 6 AS a": one(repeated(field("INTEGER")), "1"),
		"SELECT 7 AS a": one(field("STRUCT", called("x", field("INTEGER"))), map[string]any{"f": []any{}}),
		"SELECT 8 AS a": one(field("STRING"), 1),
		"SELECT 9 AS a": one(rangeField("DATE"), "2024"),
		"SELECT 0 AS a": one(field("INTERVAL"), "a year"),
	}}
	source := openAt(t, with(settingsOf(bigquerytest.New(t, o)), "storageRead", false))
	for sql := range o.Results {
		err := failure(t, source, sql)
		if err.Code != fault.CodeSourceType || !strings.Contains(err.Error(), `"the_column"`) || !strings.Contains(err.Hint(), "CAST(the_column AS STRING)") && sql != "SELECT 3 AS a" {
			t.Errorf("%s: %s: %v\n%s", sql, err.Code, err, err.Hint())
		}
	}
}

// failure runs a statement that must fail.
func failure(t *testing.T, s connector.Source, sql string) *fault.Error {
	t.Helper()
	r, err := s.Query(t.Context(), connector.Query{SQL: sql})
	if err == nil {
		defer r.Release()
		for r.Next() {
		}
		err = r.Err()
	}
	if err == nil {
		t.Fatalf("%s: it worked", sql)
	}
	return fault.As(err)
}
