package sqlserver

import (
	"database/sql/driver"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/millrace/millrace/internal/value"
)

// Every type of the server's list has one of ours, and its edge values arrive as they are.
// https://learn.microsoft.com/en-us/sql/t-sql/data-types/data-types-transact-sql
//
// Req: M-23, S-23
func TestTypes(t *testing.T) {
	t.Parallel()
	at := func(text string) time.Time {
		v, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	nines := strings.Repeat("9", 38)
	long := strings.Repeat("é😀", 2<<20)
	for _, c := range []struct {
		kind   kind
		native string
		typ    value.Type
		in     driver.Value
		want   value.Value
	}{
		{kind{name: "bit"}, "bit", value.TypeBoolean, true, value.OfBool(true)},
		{kind{name: "tinyint"}, "tinyint", value.TypeNumber, int64(255), value.OfInt(255)},
		{kind{name: "smallint"}, "smallint", value.TypeNumber, int64(-32768), value.OfInt(-32768)},
		{kind{name: "int"}, "int", value.TypeNumber, int64(-2147483648), value.OfInt(-2147483648)},
		{kind{name: "bigint"}, "bigint", value.TypeNumber, int64(-9223372036854775808), value.OfInt(-9223372036854775808)},
		{kind{name: "real"}, "real", value.TypeNumber, float64(float32(0.1)), value.OfFloat(0.1)},
		{kind{name: "float"}, "float", value.TypeNumber, 1.7976931348623157e308, value.OfFloat(1.7976931348623157e308)},
		{kind{name: "decimal", precision: 38}, "decimal(38,0)", value.TypeNumber, []byte("-" + nines), value.OfDecimal("-" + nines)},
		{kind{name: "numeric", precision: 38, scale: 38}, "numeric(38,38)", value.TypeNumber, []byte("0." + nines), value.OfDecimal("0." + nines)},
		{kind{name: "decimal", precision: 10, scale: 2}, "decimal(10,2)", value.TypeNumber, []byte("-0.05"), value.OfDecimal("-0.05")},
		{kind{name: "money"}, "money", value.TypeNumber, []byte("-922337203685477.5808"), value.OfDecimal("-922337203685477.5808")},
		{kind{name: "smallmoney"}, "smallmoney", value.TypeNumber, []byte("214748.3647"), value.OfDecimal("214748.3647")},
		{kind{name: "date"}, "date", value.TypeDate, at("0001-01-01T00:00:00Z"), value.OfDay(-719_162)},
		{kind{name: "date"}, "date", value.TypeDate, at("9999-12-31T00:00:00Z"), value.OfDay(2_932_896)},
		{kind{name: "smalldatetime"}, "smalldatetime", value.TypeTimestamp, at("2079-06-06T23:59:00Z"), value.OfTime(at("2079-06-06T23:59:00Z"))},
		{kind{name: "datetime"}, "datetime", value.TypeTimestamp, at("1753-01-01T00:00:00.003Z"), value.OfTime(at("1753-01-01T00:00:00.003Z"))},
		{kind{name: "datetime2", scale: 7}, "datetime2(7)", value.TypeTimestamp, at("9999-12-31T23:59:59.9999999Z"), value.OfTime(at("9999-12-31T23:59:59.999999Z"))},
		{kind{name: "datetimeoffset", scale: 3}, "datetimeoffset(3)", value.TypeTimestamp, at("2024-02-29T12:34:56.789+02:00"), value.OfTime(at("2024-02-29T10:34:56.789Z"))},
		{kind{name: "time", scale: 7}, "time(7)", value.TypeString, at("0001-01-01T23:59:59.9999999Z"), value.OfText("23:59:59.9999999")},
		{kind{name: "time", scale: 0}, "time(0)", value.TypeString, at("0001-01-01T00:00:00Z"), value.OfText("00:00:00")},
		{kind{name: "time", scale: 3}, "time(3)", value.TypeString, at("0001-01-01T00:00:00.5Z"), value.OfText("00:00:00.500000")},
		{kind{name: "uniqueidentifier"}, "uniqueidentifier", value.TypeString, []byte{0xa0, 0xee, 0xbc, 0x99, 0x9c, 0x0b, 0x4e, 0xf8, 0xbb, 0x6d, 0x6b, 0xb9, 0xbd, 0x38, 0x0a, 0x11}, value.OfText("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")},
		{kind{name: "char", length: 4}, "char(4)", value.TypeString, "ab  ", value.OfText("ab  ")},
		{kind{name: "varchar", length: 8000}, "varchar(8000)", value.TypeString, "", value.OfText("")},
		{kind{name: "nchar", length: 1}, "nchar(1)", value.TypeString, "ü", value.OfText("ü")},
		{kind{name: "nvarchar", length: 2147483645 / 2}, "nvarchar(max)", value.TypeString, long, value.OfText(long)},
		{kind{name: "text"}, "text", value.TypeString, "a", value.OfText("a")},
		{kind{name: "ntext"}, "ntext", value.TypeString, "a", value.OfText("a")},
		{kind{name: "xml"}, "xml", value.TypeString, "<a/>", value.OfText("<a/>")},
		{kind{name: "json"}, "json", value.TypeString, `{"a":1}`, value.OfText(`{"a":1}`)},
		{kind{name: "vector"}, "vector", value.TypeString, "[1,2]", value.OfText("[1,2]")},
		{kind{name: "binary", length: 2}, "binary(2)", value.TypeString, []byte{0, 255}, value.OfBytes([]byte{0, 255})},
		{kind{name: "varbinary", length: -1}, "varbinary(max)", value.TypeString, []byte{}, value.OfBytes([]byte{})},
		{kind{name: "image"}, "image", value.TypeString, []byte{1}, value.OfBytes([]byte{1})},
		{kind{name: "timestamp"}, "timestamp", value.TypeString, []byte{0, 0, 0, 0, 0, 0, 7, 209}, value.OfBytes([]byte{0, 0, 0, 0, 0, 0, 7, 209})},
		{kind{name: "hierarchyid"}, "hierarchyid", value.TypeString, []byte{88}, value.OfBytes([]byte{88})},
		{kind{name: "geography"}, "geography", value.TypeString, []byte{230, 16}, value.OfBytes([]byte{230, 16})},
		{kind{name: "sql_variant"}, "sql_variant", value.TypeString, int64(7), value.OfText("7")},
		{kind{name: "sql_variant"}, "sql_variant", value.TypeString, "seven", value.OfText("seven")},
	} {
		column := columnOf(c.kind)
		column.field.Name = "c"
		schema := arrow.NewSchema([]arrow.Field{column.field}, nil)
		b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
		add := column.into(b.Field(0))
		for _, v := range []driver.Value{c.in, nil} {
			if _, err := add(v); err != nil {
				t.Fatalf("%s: %v", c.native, err)
			}
		}
		batch := b.NewRecordBatch()
		columns, err := value.SchemaOf(schema)
		if err != nil || columns[0].Type != c.typ || columns[0].Native != c.native {
			t.Errorf("%s is %+v: %v", c.native, columns, err)
		}
		read, err := value.NewReader(column.field, batch.Column(0))
		if err != nil {
			t.Fatal(err)
		}
		if got := read(0); got.Kind().String() != c.want.Kind().String() || got.String() != c.want.String() {
			t.Errorf("%s: %.80q, want %.80q", c.native, got.String(), c.want.String())
		}
		if !read(1).IsNull() {
			t.Errorf("%s: null is %q", c.native, read(1).String())
		}
		batch.Release()
		b.Release()
	}
}

// What cannot be told apart is refused.
func TestVariant(t *testing.T) {
	t.Parallel()
	column := columnOf(kind{name: "sql_variant"})
	b := array.NewStringBuilder(memory.DefaultAllocator)
	defer b.Release()
	if _, err := column.into(b)([]byte("1.50")); err == nil {
		t.Error("a decimal or bytes were read")
	}
}
